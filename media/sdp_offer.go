package media

import (
	"fmt"
	"net/netip"
	"slices"
)

// Payload types of our own offers; the numbers that phones use most.
const (
	offeredEventPT uint8 = 101
	offeredOpusPT  uint8 = 96
)

// offerParams are our side of an offer: a delayed one, or a later one of ours.
type offerParams struct {
	Local     netip.AddrPort // our RTP address as the peer should see it
	Origin    *sdpOrigin     // our o= line, one per session
	Codecs    []Codec        // in order of preference
	Ptime     int            // ms per packet, 0 = 20
	Direction Direction      // what we would like
	Secure    SRTPPolicy     // whether and how the media may be secured
	Out       *srtpKey       // our key in use, nil for none
	Active    bool           // there is media already, so that what is plain stays plain
	Previous  *offer         // the peer's latest description, nil at first: its m= lines and numbers stay (RFC 3264 §8)
}

// newOffer writes an offer of ours: one audio line with every codec and telephone-event. In a session that has been
// negotiated before, the m= lines keep their places, refused ones with port 0, and formats keep their numbers.
func newOffer(p offerParams) []byte {
	line := audioLine{port: p.Local.Port(), proto: offerProfile(p.Secure), ptime: p.Ptime, dir: p.Direction}
	if line.ptime == 0 {
		line.ptime = defaultPtime
	}
	var before remoteMedia
	index := -1
	if p.Previous != nil {
		if i, r, err := p.Previous.pick(p.Codecs, p.Secure); err == nil {
			index, before = i, r
			line.proto, line.mux = p.Previous.desc.media[i].proto, r.RTCPMux
		}
	}
	line.payloads = offeredPayloads(p.Codecs, before)
	line.keys = offerKeys(p.Secure, index >= 0 && p.Active, p.Out)
	w := newSDPWriter(p.Local.Addr(), "0 0")
	if p.Previous != nil {
		for i := range p.Previous.desc.media {
			if i == index {
				w.audio(line)
			} else {
				w.refused(&p.Previous.desc.media[i])
			}
		}
	}
	if index < 0 {
		w.audio(line)
	}
	return p.Origin.stamp(w)
}

// offeredPayloads numbers our codecs: as before where the peer has named them, else their static or usual number.
func offeredPayloads(codecs []Codec, before remoteMedia) []payload {
	known := slices.Concat(before.Codecs, before.Events)
	var ps []payload
	taken := func(pt uint8) bool {
		has := func(p payload) bool { return p.PT == pt }
		return slices.ContainsFunc(known, has) || slices.ContainsFunc(ps, has)
	}
	for _, c := range append(slices.Clone(codecs), TelephoneEvent) {
		p := payload{Codec: c, Clock: c.ClockRate()}
		i := slices.IndexFunc(known, func(k payload) bool { return k.Codec == c })
		switch {
		case i >= 0:
			p.PT = known[i].PT
			if c == TelephoneEvent {
				p.Clock = known[i].Clock
			}
			ps = append(ps, p)
			continue
		case c == PCMU:
			p.PT = 0
		case c == PCMA:
			p.PT = 8
		case c == G722:
			p.PT = 9
		case c == Opus:
			p.PT = offeredOpusPT
		case c == TelephoneEvent:
			p.PT, p.Clock = offeredEventPT, 8000
		default:
			continue // a format that only passes through is not ours to offer
		}
		for p.PT >= 96 && taken(p.PT) {
			p.PT++
			if p.PT > 127 {
				p.PT = 96
			}
		}
		ps = append(ps, p)
	}
	return ps
}

// parseAnswer reads the peer's answer to an offer of ours. We send the first format of the answer that is ours, with
// the answer's number; a peer that answers with several may send any of them (RFC 3264 §6.1, §7).
func parseAnswer(offered, answer []byte, policy SRTPPolicy) (negotiated, error) {
	o, err := parseOffer(offered)
	if err != nil {
		return negotiated{}, fmt.Errorf("read own offer: %w", err)
	}
	a, err := parseSDP(answer)
	if err != nil {
		return negotiated{}, fmt.Errorf("read answer: %w", err)
	}
	index := slices.IndexFunc(o.desc.media, func(m mediaLine) bool { return m.kind == "audio" && m.port != 0 })
	if index < 0 || index >= len(a.media) {
		return negotiated{}, fmt.Errorf("read answer: %d m= lines, no audio among them: %w", len(a.media), ErrNoCommonCodec)
	}
	m := &a.media[index]
	if m.kind != "audio" || m.port == 0 {
		return negotiated{}, fmt.Errorf("read answer: audio refused: %w", ErrNoCommonCodec)
	}
	ours := o.desc.remote(&o.desc.media[index])
	var codecs []Codec
	for _, p := range ours.Codecs {
		codecs = append(codecs, p.Codec)
	}
	theirs := a.remote(m)
	n := negotiate(theirs, theirs.Codecs, codecs, ours.Ptime)
	if n.Codec == UnknownCodec {
		return negotiated{}, fmt.Errorf("read answer: none of %d formats is ours: %w", len(theirs.Codecs), ErrNoCommonCodec)
	}
	n.Mux = theirs.RTCPMux && ours.RTCPMux
	if !n.Mux && theirs.RTCPMux {
		n.RemoteRTCP = m.rtcp(theirs.Addr, false)
	}
	n.In, n.Out = answeredKeys(theirs.Keys, ours.Keys)
	switch _, secure := profile(m.proto); {
	case n.In != nil:
	case secure:
		return negotiated{}, fmt.Errorf("read answer: profile %s without a key of ours answered: %w", m.proto, ErrSRTPOnly)
	case policy == RequireSRTP:
		return negotiated{}, fmt.Errorf("read answer: %w", ErrSRTPRequired)
	}
	n.Direction = answerDirection(theirs.Direction, ours.Direction)
	n.allow()
	return n, nil
}
