package media

import (
	"fmt"
	"slices"
)

// Offer makes an offer for the peer of what another side's peer offers, when it has an offer open, or else of all that it
// has named so far. With nil it is one of our own formats, for sound that we make. [Side.Answered] takes its answer; the
// next offer, of whichever side, withdraws it.
func (s *Side) Offer(from *Side) ([]byte, error) {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.closed {
		return nil, ErrSessionClosed
	}
	s.withdrawLocked()
	o := &openOffer{lines: slices.Clone(s.lines)}
	used := make(map[int]bool)
	var err error
	for _, p := range s.proposals(from) {
		k := -1
		if p.index >= 0 {
			k = pairOf(p.all, p.index, o.lines)
		} else {
			k = slices.IndexFunc(o.lines, func(l sideLine) bool { return l.kind == "audio" && !l.alt })
		}
		if k < 0 {
			k = len(o.lines)
			o.lines = append(o.lines, sideLine{kind: p.media.kind})
		}
		used[k] = true
		if err = s.proposeLocked(&o.lines[k], &p); err != nil {
			break
		}
	}
	s.open = o
	if err == nil && len(used) == 0 {
		err = fmt.Errorf("make offer: the other side has no media: %w", ErrNoCommonCodec)
	}
	if err != nil {
		s.withdrawLocked()
		return nil, err
	}
	w := newSDPWriter(s.advertised(), "0 0")
	for i := range o.lines {
		l := &o.lines[i]
		if !used[i] {
			l.refuse()
		}
		w.relayed(&l.local)
	}
	s.asked, s.answer = nil, nil
	return s.dialog.origin.stamp(w), nil
}

// proposal is a line of another side that is to be offered to our peer.
type proposal struct {
	all     []sideLine // the other side's
	index   int        // of the line among them, -1 for one of our own
	media   *relayMedia
	formats []relayFormat
	dir     Direction
}

// proposals are what another side has to offer.
func (s *Side) proposals(from *Side) []proposal {
	if from == nil {
		var fs []relayFormat
		for _, p := range offeredPayloads(s.relay.cfg.Codecs, remoteMedia{}) {
			f := relayFormat{pt: p.PT, name: p.Codec.String(), clock: p.Clock}
			if p.Codec == TelephoneEvent {
				f.fmtp = "0-15"
			}
			fs = append(fs, f)
		}
		return []proposal{{index: -1, media: &relayMedia{kind: "audio", proto: "RTP/AVP"}, formats: fs}}
	}
	var ps []proposal
	lines, open := from.lines, from.open != nil && from.open.theirs != nil
	if open {
		lines = from.open.lines
	}
	for i := range lines {
		l := &lines[i]
		switch {
		case l.alt || l.remote.port == 0:
		case open:
			ps = append(ps, proposal{lines, i, &l.remote, l.remote.formats, l.remote.dir})
		case l.active():
			ps = append(ps, proposal{lines, i, &l.remote, capabilities(l), l.wish})
		}
	}
	return ps
}

// capabilities are all formats that the peer has named for a line, those in use first.
func capabilities(l *sideLine) []relayFormat {
	fs := slices.Clone(l.agreed)
	for _, f := range l.known {
		if numbered(fs, f.pt) < 0 {
			fs = append(fs, f)
		}
	}
	return fs
}

// proposeLocked makes our line of a proposal.
func (s *Side) proposeLocked(l *sideLine, p *proposal) error {
	local := relayLine{
		kind: l.kind, attrs: p.media.attrs, bands: p.media.bands, fixed: p.media.fixed,
		dir: s.withMusic(l, p.dir), mux: l.active() && l.local.mux,
	}
	fs := p.formats
	if l.kind == "audio" {
		fs = withKeys(withBothLaws(fs))
	}
	local.formats = renumber(fs, l.known)
	switch {
	case p.media.raw:
		local.proto = p.media.proto
	case l.active() && !l.remote.raw:
		local.proto, local.keys = l.proto, offerKeys(s.cfg.Secure, true, l.out)
	default:
		local.proto, local.keys = offerProfile(s.cfg.Secure), offerKeys(s.cfg.Secure, false, nil)
		if _, secure := profile(l.proto); secure && s.cfg.Secure != NoSRTP { // so it was in the dialog before
			local.proto = l.proto
		}
	}
	return s.putLocked(l, local)
}

// Answered takes the peer's answer to our offer. It fails where the answer leaves no media, and then what was agreed before
// stands. An answer that comes again, as in a 200 after a 183, takes the place of the first.
func (s *Side) Answered(sdp []byte) error {
	d, err := parseSDP(sdp)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	if s.closed {
		return ErrSessionClosed
	}
	o := s.open
	if o == nil {
		o = s.asked
	}
	if o == nil || o.theirs != nil {
		return ErrNoOffer
	}
	lines := slices.Clone(o.lines)
	active := 0
	for i := range lines {
		l := &lines[i]
		switch {
		case l.local.port == 0 || o == s.asked && !uses(s.lines, l.stream):
			l.refuse()
		case i >= len(d.media) || !s.settle(l, d.relayMedia(i)):
			l.refuse()
		default:
			active++
		}
	}
	if active == 0 {
		err := unusable(d, s.cfg.Secure)
		s.withdrawLocked()
		return fmt.Errorf("read answer: %w", err)
	}
	s.dialog.peer = &offer{desc: d}
	s.asked = o
	s.commitLocked(lines)
	s.discardLocked(o.lines) // what the answer refuses
	return nil
}

// settle takes up what the answer says of a line that we offered; false when it refuses it.
func (s *Side) settle(l *sideLine, m relayMedia) bool {
	told := l.local.dir
	if m.kind != l.kind || !m.usable() || m.raw != (len(l.local.fixed) > 0) {
		return false
	}
	l.in, l.out = answeredKeys(m.keys, l.local.keys)
	if _, secure, _ := relayable(m.proto); l.in == nil && (secure || s.cfg.Secure == RequireSRTP) {
		return false
	}
	l.hear(m, told)
	l.agreed = slices.DeleteFunc(slices.Clone(m.formats), func(f relayFormat) bool { return f.find(l.local.formats) < 0 })
	l.local.mux = m.mux && l.local.mux
	return m.raw || slices.ContainsFunc(l.agreed, relayFormat.sounds)
}

// NeedsOffer reports whether what the peer was told last does not fit the side that it is joined to: a format that the other
// peer does not take, a direction that has changed, media that only one of them has. The leg is then to carry Offer(partner).
func (s *Side) NeedsOffer() bool {
	s.relay.mu.Lock()
	defer s.relay.mu.Unlock()
	t := s.partner
	if t == nil || s.closed {
		return false
	}
	for i := range s.lines {
		l := &s.lines[i]
		k := pairOf(s.lines, i, t.lines)
		other := k >= 0 && t.lines[k].active()
		switch {
		case !l.active() && !other:
		case l.active() != other:
			// Media that the peer has never had it need not get.
			if l.active() || l.kind == "audio" {
				return true
			}
		case l.remote.raw != t.lines[k].remote.raw || !s.fits(l, &t.lines[k]):
			return true
		}
	}
	return false
}

// fits reports whether what was told of a line still holds with this counterpart.
func (s *Side) fits(l, other *sideLine) bool {
	if l.remote.raw {
		return true
	}
	route := newRelayRoute(l, other)
	for _, f := range l.agreed {
		if f.sounds() && route.rule[f.pt&0x7f] == relayDrop {
			return false
		}
	}
	return l.local.dir == answerDirection(l.wish, s.withMusic(l, other.wish)) || l.local.dir == s.withMusic(l, other.wish)
}
