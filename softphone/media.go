package softphone

import (
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// media is the RTP of one call. It is stepped by its own goroutines or by a Pacer: tick once per packet time, receive for
// each packet that came. The lock is held for microseconds and never while something is waited for.
type media struct {
	ptime   time.Duration
	samples int
	write   func(pkt []byte, to netip.AddrPort) error

	mu sync.Mutex
	// Sending.
	remote netip.AddrPort
	codec  Codec
	events uint8 // payload type to send telephone-events with; 0 = not negotiated
	open   bool  // the session description lets us send
	paused bool
	after  time.Time // nothing is sent before
	source Source
	seq    uint16
	ts     uint32
	ssrc   uint32
	marker bool
	keys   *keyRun
	pcm    []int16
	packet []byte
	played []burst
	// Receiving.
	accept uint8     // payload type of telephone-events from the peer
	typed  []byte    // keys of the peer by telephone-events
	event  [2]uint32 // SSRC and timestamp of the latest
	rec    recorder
	rx     rxStats
	heard  []int16
}

// burst says when the packet with a burst of a delay measurement was sent, and how many samples into it the burst begins.
type burst struct {
	at     time.Time
	offset int
}

func newMedia(ptime, keep time.Duration) *media {
	m := &media{
		ptime: ptime, samples: int(ptime * SampleRate / time.Second), source: Silence{}, marker: true,
		seq: uint16(rand.Uint32()), ts: rand.Uint32(), ssrc: rand.Uint32(), rec: newRecorder(keep),
	}
	m.pcm = make([]int16, m.samples)
	m.rx.begin(time.Now())
	return m
}

// connect applies a negotiated session description.
func (m *media) connect(remote netip.AddrPort, codec Codec, events, accept uint8, send bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remote, m.codec, m.events, m.accept = remote, codec, events, accept
	if send && !m.open {
		m.marker = true
	}
	m.open = send && remote.IsValid() && !remote.Addr().IsUnspecified()
}

// stop ends sending for good.
func (m *media) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open = false
	m.paused = true
}

// tick sends the packets of one packet time. Time passes even when nothing is sent: the timestamp goes on.
func (m *media) tick(now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.ts += uint32(m.samples) }()
	if !m.open || m.paused || now.Before(m.after) {
		return
	}
	if m.keys == nil {
		m.source.Read(m.pcm)
		m.sendAudioLocked()
		return
	}
	m.tickKeysLocked()
}

// skip lets packet times pass in which nothing is sent.
func (m *media) skip(ticks int) {
	if ticks == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ts += uint32(ticks * m.samples)
	m.marker = true
}

// tickKeysLocked is a tick with keys under way.
func (m *media) tickKeysLocked() {
	k := m.keys
	event, step, down := k.key()
	if step == 0 {
		k.startTS, k.tone = m.ts, newKeyTone(event)
		k.pressed(k.i)
	}
	if k.o.Method&RFC4733 != 0 {
		if payload := k.event(m.samples); payload != nil {
			m.sendEventLocked(k, payload, step == 0)
			if k.o.Method&InBand == 0 { // the event stands for the audio
				m.nextKeyLocked(k)
				return
			}
		}
	}
	if k.o.Method&InBand != 0 && down {
		k.tone.Read(m.pcm)
	} else {
		m.source.Read(m.pcm)
	}
	m.sendAudioLocked()
	m.nextKeyLocked(k)
}

func (m *media) nextKeyLocked(k *keyRun) {
	if !k.next() {
		return
	}
	if k.held != nil {
		m.sendLocked(k.held)
	}
	m.keys, m.marker = nil, true
}

func (m *media) sendEventLocked(k *keyRun, payload []byte, first bool) {
	h := rtpHeader{marker: first && !k.o.NoMarker, pt: m.events, seq: m.seq, ts: k.startTS, ssrc: m.ssrc}
	m.seq++
	n := k.n
	k.n++
	if k.o.Lose != nil && k.o.Lose(n) {
		return
	}
	pkt := append(h.append(nil), payload...)
	if k.held == nil && k.o.Swap != nil && k.o.Swap(n) {
		k.held = pkt
		return
	}
	m.sendLocked(pkt)
	if k.held != nil {
		m.sendLocked(k.held)
		k.held = nil
	}
}

func (m *media) sendAudioLocked() {
	h := rtpHeader{marker: m.marker, pt: uint8(m.codec), seq: m.seq, ts: m.ts, ssrc: m.ssrc}
	m.seq++
	m.marker = false
	m.packet = m.codec.encode(h.append(m.packet[:0]), m.pcm)
	m.sendLocked(m.packet)
}

func (m *media) sendLocked(pkt []byte) {
	if err := m.write(pkt, m.remote); err != nil {
		m.rx.SendFailed++
		return
	}
	m.rx.Sent++
}

// receive takes one packet off the network.
func (m *media) receive(b []byte, at time.Time) {
	h, payload, ok := parseRTP(b)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rx.packet(h, at) {
		return
	}
	switch {
	case h.pt == uint8(PCMU) || h.pt == uint8(PCMA):
		m.heard = Codec(h.pt).decode(m.heard[:0], payload)
		m.rec.put(h.ssrc, h.ts, m.heard, at)
	case h.pt == m.accept && m.accept != 0:
		m.rx.Events++
		m.hears(h.ssrc, h.ts, payload)
	default:
		m.rx.OtherTypes++
	}
}

// play changes what is sent.
func (m *media) play(s Source) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.source = s
}

// pause stops and starts packets altogether.
func (m *media) pause(on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused && !on {
		m.marker = true
	}
	m.paused = on
}

// press starts a run of keys; false when one is under way.
func (m *media) press(k *keyRun) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys != nil || len(k.events) == 0 {
		return false
	}
	m.keys = k
	return true
}

// release takes a run of keys back.
func (m *media) release(k *keyRun) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == k {
		m.keys = nil
	}
}

// bursts starts a delay measurement.
func (m *media) bursts(period time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.source = &burstSource{
		period: int(period * SampleRate / time.Second),
		played: func(offset int) { m.played = append(m.played, burst{time.Now(), offset}) }, // called under the lock by tick
	}
}

func (m *media) stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rx.snapshot(time.Now())
}

func (m *media) resetStats() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rx.begin(time.Now())
}
