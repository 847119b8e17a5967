package media

import (
	"slices"
	"time"
)

// Keys where one peer takes them as telephone-events and the other one does not: those of the first are told to the owner of its side, who
// may tell the second by SIP INFO, and the other way about the owner presses keys that came by INFO. Telephone-events that both take are
// relayed as they are.

const (
	// keysWaiting is how many keys wait to be pressed, or to be told.
	keysWaiting = 32
	// keyDown is how long a key is pressed, and keyUp what follows at least, in frames.
	keyDown = 5
	keyUp   = 3
)

// Keys tells the keys of the peer that the peer of the side that it is joined to does not take. Those that nobody takes in time are
// lost. Keys must never be logged.
func (s *Side) Keys() <-chan Digit { return s.pressed }

// Press presses a key for the peer, after those that were pressed before; the peer hears nothing else meanwhile. It reports false for
// what is no key, and for a peer that has agreed to no telephone-event.
func (s *Side) Press(key byte) bool {
	if _, ok := eventOfKey(key); !ok {
		return false
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	for i := range s.lines {
		l := &s.lines[i]
		if l.kind != "audio" || l.stream == nil || s.closed {
			continue
		}
		if _, ok := l.keys(l.agreed); !ok {
			return false
		}
		st, loop := l.stream, s.loop
		loop.post(func(now time.Time) {
			st.presser.add(key)
			loop.tune(st, now)
		})
		return true
	}
	return false
}

// KeyEvents reports whether the peer has agreed to telephone-events, and whether it has ever named them, so that it might agree to them
// if it was asked anew.
func (s *Side) KeyEvents() (agreed, known bool) {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	for i := range s.lines {
		if l := &s.lines[i]; l.kind == "audio" && l.stream != nil && !s.closed {
			_, agreed = l.keys(l.agreed)
			_, known = l.keys(l.known)
			return agreed, known
		}
	}
	return false, false
}

// keys is the format by which keys are sent: one with the clock of telephony where there are several.
func (l *sideLine) keys(fs []relayFormat) (f relayFormat, ok bool) {
	for _, g := range fs {
		if g.codec() == TelephoneEvent && (!ok || g.clock == telephoneClock) {
			f, ok = g, true
		}
	}
	return f, ok && f.clock > 0
}

// telephoneClock is the RTP clock of telephony in Hz.
const telephoneClock = 8000

// keepKeys agrees to telephone-events that the peer offers, though the other side's does not take them.
func (l *sideLine) keepKeys() {
	if _, has := l.keys(l.agreed); has || len(l.agreed) == 0 {
		return
	}
	if f, ok := l.keys(l.remote.formats); ok {
		l.agreed = append(l.agreed, f)
	}
}

// withKeys appends telephone-events to sound of telephony that is offered without, since we can make something of a peer's keys.
func withKeys(fs []relayFormat) []relayFormat {
	sounds := false
	for _, f := range fs {
		if f.codec() == TelephoneEvent {
			return fs
		}
		sounds = sounds || f.sounds() && f.clock == telephoneClock
	}
	if !sounds {
		return fs
	}
	return append(slices.Clip(fs), relayFormat{pt: 101, name: TelephoneEvent.String(), clock: telephoneClock, fmtp: "0-15"})
}

// keyHeard tells of a key of the peer, once.
func (s *stream) keyHeard(p *rtpPacket, now time.Time) {
	d, ok := s.keys.receive(p.ssrc, p.ts, p.payload, now)
	if !ok || s.heardBy == nil {
		return
	}
	select {
	case s.heardBy <- d:
	default:
	}
}

// keyPresser presses keys for a peer, one after the other. It belongs to the loop.
type keyPresser struct {
	waiting []byte
	now     *eventSender // nil while no key is down
	ts      uint32       // of the key that is down
	rest    int          // frames until the next key
}

// busy reports whether a key is down, has just been, or waits.
func (k *keyPresser) busy() bool { return k.now != nil || k.rest > 0 || len(k.waiting) > 0 }

func (k *keyPresser) add(key byte) {
	if len(k.waiting) < keysWaiting {
		k.waiting = append(k.waiting, key)
	}
}

// press sends what is due of the keys at now.
func (s *stream) press(now time.Time) {
	k := &s.presser
	if s.params == nil || !s.params.sends || s.params.keyClock == 0 || !s.latch.peer.IsValid() {
		*k = keyPresser{} // nobody is there who takes them
		return
	}
	if k.now == nil && k.rest > 0 {
		k.rest--
		return
	}
	clock := s.params.keyClock
	step := uint32(clock / 50)
	begins := k.now == nil
	if begins {
		k.now, _ = newEventSender(k.waiting[0], 0, keyDown*step, step)
		k.waiting = k.waiting[1:]
	}
	b := s.player.buf[:rtpHeaderLen+eventSize]
	_, marker, more := k.now.next(b[rtpHeaderLen:])
	if !more {
		k.now, k.rest = nil, keyUp
		return
	}
	var seq uint16
	if begins {
		seq, k.ts, _ = s.o.own(int(step), eventSize, clock, now)
	} else {
		seq = s.o.within(eventSize)
	}
	putRTPHeader(b, marker, s.params.keyPT, seq, k.ts, s.o.ssrc)
	s.o.clock = clock
	s.write(b)
}
