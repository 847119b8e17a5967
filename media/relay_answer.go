package media

import (
	"fmt"
	"slices"
)

// Offered takes an offer of the peer. It fails where nothing of it can be relayed: [ErrBadSDP], [ErrNoCommonCodec],
// [ErrSRTPOnly], [ErrSRTPRequired]. What was agreed before stands until [Side.Answer].
func (s *Side) Offered(sdp []byte) error {
	d, err := parseSDP(sdp)
	if err != nil {
		return err
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.closed {
		return ErrSessionClosed
	}
	s.withdrawLocked()
	o := &openOffer{theirs: d, lines: slices.Clone(s.lines)}
	for i := range d.media {
		m := d.relayMedia(i)
		if i == len(o.lines) {
			o.lines = append(o.lines, sideLine{kind: m.kind})
		} else if o.lines[i].kind != m.kind { // the place is used anew (RFC 3264 §8.1)
			o.lines[i] = sideLine{kind: m.kind}
		}
		l := &o.lines[i]
		l.alt = l.alt && m.port == 0
		l.hear(m, SendRecv)
	}
	for i := len(d.media); i < len(o.lines); i++ { // a peer that forgets lines means that they are gone
		o.lines[i].remote.port = 0
	}
	chooseAlternatives(o.lines, s.cfg.Secure)
	usable := 0
	for i := range o.lines {
		if l := &o.lines[i]; l.acceptable(s.cfg.Secure) {
			usable++
		} else {
			l.remote.port = 0
		}
	}
	if usable == 0 {
		return fmt.Errorf("take offer: %w", unusable(d, s.cfg.Secure))
	}
	o.asked, o.answer = s.asked, s.answer
	s.open, s.asked, s.answer = o, nil, nil
	return nil
}

// Refused forgets the peer's offer, which is refused: all is as it was before.
func (s *Side) Refused() {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	o := s.open
	if s.closed || o == nil || o.theirs == nil {
		return
	}
	s.withdrawLocked()
	s.asked, s.answer = o.asked, o.answer
}

// unusable says why no line of a description can be used.
func unusable(d *description, policy SRTPPolicy) error {
	plain, secure := 0, 0
	for i := range d.media {
		if p, x := profile(d.media[i].proto); d.media[i].port != 0 && p {
			plain++
		} else if d.media[i].port != 0 && x {
			secure++
		}
	}
	switch {
	case plain > 0 && policy == RequireSRTP:
		return ErrSRTPRequired
	case plain == 0 && secure > 0:
		return ErrSRTPOnly
	default:
		return fmt.Errorf("%d m= lines, none to relay: %w", len(d.media), ErrNoCommonCodec)
	}
}

// Answer makes our answer to the peer's offer of what another side's peer has agreed to, or, with nil, of our own formats.
// An offer has one answer: once it is given, as in a 183, it is the same for whoever takes the call in the end, and
// [Side.NeedsOffer] tells whether the peer has to be told something else then.
func (s *Side) Answer(from *Side) ([]byte, error) {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrSessionClosed
	case s.answer != nil:
		return slices.Clone(s.answer), nil
	case s.open == nil || s.open.theirs == nil:
		return nil, ErrNotOffered
	}
	d, lines := s.open.theirs, slices.Clone(s.open.lines)
	active := 0
	w := newSDPWriter(s.advertised(), d.timing)
	for i := range d.media {
		l := &lines[i]
		ok := false
		if l.remote.port != 0 && !l.alt {
			var err error
			if ok, err = s.respondLocked(l, s.counterpart(lines, i, from)); err != nil {
				s.discardLocked(lines)
				return nil, err
			}
		}
		if ok {
			active++
		} else {
			l.refuse()
		}
		w.relayed(&l.local)
	}
	for i := len(d.media); i < len(lines); i++ {
		lines[i].refuse()
	}
	if active == 0 {
		s.discardLocked(lines)
		return nil, fmt.Errorf("answer offer: nothing that the other side takes: %w", ErrNoCommonCodec)
	}
	s.dialog.peer = &offer{desc: d}
	s.answer = s.dialog.origin.stamp(w)
	s.commitLocked(lines)
	return slices.Clone(s.answer), nil
}

// counterpart is the agreed line of another side that answers line i; for nil it is one of our own formats.
func (s *Side) counterpart(lines []sideLine, i int, from *Side) *sideLine {
	if from == nil {
		if lines[i].kind != "audio" {
			return nil
		}
		p := s.proposals(nil)[0]
		return &sideLine{kind: "audio", agreed: p.formats, remote: *p.media}
	}
	if k := pairOf(lines, i, from.lines); k >= 0 && from.lines[k].active() {
		return &from.lines[k]
	}
	if o := from.open; o != nil && o.theirs != nil { // both have offered: what the other one could agree to
		if k := pairOf(lines, i, o.lines); k >= 0 && !o.lines[k].alt && o.lines[k].remote.port != 0 {
			l := o.lines[k]
			l.agreed = l.remote.formats
			return &l
		}
	}
	return nil
}

// respondLocked answers one line of an offer; false when nothing comes of it.
func (s *Side) respondLocked(l, other *sideLine) (bool, error) {
	if other == nil || other.remote.raw != l.remote.raw {
		return false, nil
	}
	before := l.agreed
	l.agreed = narrow(other.agreed, l.remote.formats)
	if _, keys := l.keys(before); keys { // what was translated for the other side goes on so
		l.keepKeys()
	}
	if !l.remote.raw && !slices.ContainsFunc(l.agreed, relayFormat.sounds) {
		return false, nil
	}
	local := relayLine{
		kind: l.kind, proto: l.remote.proto, formats: l.agreed, fixed: other.remote.fixed, attrs: other.remote.attrs,
		bands: other.remote.bands, mux: l.remote.mux,
		dir: answerDirection(l.remote.dir, s.withMusic(l, other.wish)),
	}
	if l.in, l.out = answerKeys(s.cfg.Secure, l.remote.keys, l.in, l.out); l.out != nil {
		local.keys = []srtpKey{*l.out}
	}
	return true, s.putLocked(l, local)
}
