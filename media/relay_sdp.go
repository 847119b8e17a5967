package media

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// openOffer is an offer that has no answer yet: the lines as they would stand with it.
type openOffer struct {
	theirs *description // nil when it is ours
	lines  []sideLine

	// What held before an offer of the peer's: see the fields of Side.
	asked  *openOffer
	answer []byte
}

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

// putLocked gives the line a stream and what we say of it.
func (s *Side) putLocked(l *sideLine, local relayLine) error {
	if l.stream == nil {
		st, err := newStream(s.relay.ports, l.kind, s.cfg.Log)
		if err != nil {
			return fmt.Errorf("ports for %s: %w", l.kind, err)
		}
		if l.kind == "audio" {
			st.player.set(s.cfg.HoldMusic)
			st.heardBy = s.pressed
		}
		l.stream = st
	}
	local.port = l.stream.pair.port
	l.local = local
	return nil
}

// withMusic is the direction of a line whose peer hears music when the other side does not send.
func (s *Side) withMusic(l *sideLine, dir Direction) Direction {
	if l.kind == "audio" && s.cfg.HoldMusic != nil && !dir.Receives() {
		return direction(true, dir.Receives())
	}
	return dir
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

// commitLocked makes the lines the agreed ones and tells the loop.
func (s *Side) commitLocked(lines []sideLine) {
	before := s.lines
	s.lines, s.open = lines, nil
	for _, l := range before {
		if l.stream != nil && !uses(lines, l.stream) {
			s.dropLocked(l.stream)
		}
	}
	for i := range lines {
		st := lines[i].stream
		if st == nil {
			continue
		}
		s.loopLocked(st)
		loop, p := s.loop, lines[i].params()
		loop.post(func(now time.Time) { loop.adopt(st, p, now) })
	}
	s.linkLocked()
}

// loopLocked makes sure that the side has a loop, its partner's if there is one.
func (s *Side) loopLocked(st *stream) {
	if s.loop != nil {
		return
	}
	s.loop = s.relay.quietest()
	if s.partner != nil && s.partner.loop != nil {
		s.loop = s.partner.loop
	}
	s.loop.join(st.pair.rtp)
}

func uses(lines []sideLine, st *stream) bool {
	return slices.ContainsFunc(lines, func(l sideLine) bool { return l.stream == st })
}

// withdrawLocked forgets an offer that was not answered.
func (s *Side) withdrawLocked() {
	if s.open != nil {
		s.discardLocked(s.open.lines)
		s.open = nil
	}
}

// discardLocked gives back the ports of lines that did not come to be.
func (s *Side) discardLocked(lines []sideLine) {
	for _, l := range lines {
		if l.stream != nil && !uses(s.lines, l.stream) {
			s.dropLocked(l.stream)
		}
	}
}

// advertised is our address in a description for the peer.
func (s *Side) advertised() netip.Addr {
	var peer netip.Addr
	for _, lines := range [][]sideLine{s.lines, s.openLines()} {
		for _, l := range lines {
			if l.remote.addr.IsValid() {
				peer = l.remote.addr.Addr()
			}
		}
	}
	return s.relay.ports.advertised(peer, s.cfg.Local)
}

func (s *Side) openLines() []sideLine {
	if s.open == nil {
		return nil
	}
	return s.open.lines
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
