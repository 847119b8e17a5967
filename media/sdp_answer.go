package media

import (
	"fmt"
	"net/netip"
	"slices"
)

// defaultPtime is the packet time in ms when nobody asks for another one (RFC 3551 §4.2).
const defaultPtime int = 20

// offer is the peer's description, kept so that every m= line of it gets its answer.
type offer struct{ desc *description }

// answerParams are our side of an answer.
type answerParams struct {
	Local     netip.AddrPort // our RTP address as the peer should see it
	Origin    *sdpOrigin     // our o= line, one per session
	Codecs    []Codec        // what we do; the offer's order decides among them (RFC 3264 §6.1)
	Ptime     int            // ms per packet when the offer wishes nothing, 0 = 20
	Direction Direction      // what we would like; the offer may narrow it
	Secure    SRTPPolicy     // whether and how the media may be secured
	In, Out   *srtpKey       // keys in use, nil for none
}

// parseOffer reads an offer; only a malformed one is an error.
func parseOffer(sdp []byte) (*offer, error) {
	d, err := parseSDP(sdp)
	if err != nil {
		return nil, err
	}
	return &offer{desc: d}, nil
}

// answer accepts the first audio line with a codec of ours, a secured one before a plain one, and refuses the others with
// port 0 (RFC 3264 §6).
// It names one codec, so that the peer cannot change between several without telling, and the events at its clock.
func (o *offer) answer(p answerParams) ([]byte, negotiated, error) {
	index, remote, err := o.pick(p.Codecs, p.Secure)
	if err != nil {
		return nil, negotiated{}, fmt.Errorf("answer offer: %w", err)
	}
	n := negotiate(remote, remote.Codecs, p.Codecs, p.Ptime)
	n.Direction = answerDirection(remote.Direction, p.Direction)
	n.In, n.Out = answerKeys(p.Secure, remote.Keys, p.In, p.Out)
	n.allow()
	w := newSDPWriter(p.Local.Addr(), o.desc.timing)
	for i := range o.desc.media {
		if i != index {
			w.refused(&o.desc.media[i])
			continue
		}
		line := audioLine{port: p.Local.Port(), proto: o.desc.media[i].proto, ptime: n.Ptime, dir: n.Direction, mux: n.Mux}
		line.payloads = append(line.payloads, payload{PT: n.PT, Codec: n.Codec})
		if n.HasEvents {
			line.payloads = append(line.payloads, n.Events[0])
		}
		if n.Out != nil {
			line.keys = []srtpKey{*n.Out}
		}
		w.audio(line)
	}
	return p.Origin.stamp(w), n, nil
}

// pick finds the audio line to accept.
func (o *offer) pick(codecs []Codec, policy SRTPPolicy) (int, remoteMedia, error) {
	best := -1
	var chosen remoteMedia
	for i := range o.desc.media {
		m := &o.desc.media[i]
		plain, secure := profile(m.proto)
		if m.kind != "audio" || m.port == 0 || !plain && !secure || best >= 0 && !secure {
			continue
		}
		r := o.desc.remote(m)
		if !policy.secures(m.proto, r.Keys) || !slices.ContainsFunc(r.Codecs, func(p payload) bool { return slices.Contains(codecs, p.Codec) }) {
			continue
		}
		best, chosen = i, r
		if secure {
			break
		}
	}
	if best < 0 {
		return -1, remoteMedia{}, unusable(o.desc, policy)
	}
	return best, chosen, nil
}

// negotiate settles codec, events and packet time with a peer; formats are those of the peer in the order that decides.
func negotiate(r remoteMedia, formats []payload, codecs []Codec, ptime int) negotiated {
	n := negotiated{Remote: r.Addr, RemoteRTCP: r.RTCP, Mux: r.RTCPMux, Ptime: packetTime(r, ptime), Held: r.Hold}
	clock := 0
	for _, p := range formats {
		switch {
		case p.Codec == UnknownCodec || !slices.Contains(codecs, p.Codec):
		case n.Codec == UnknownCodec:
			n.Codec, n.PT, clock = p.Codec, p.PT, p.Codec.ClockRate()
		default:
			n.Others = append(n.Others, p)
		}
	}
	// Events share the timestamps of the sound, so those at its clock come first (RFC 4733 §2.1).
	n.Events = slices.Clone(r.Events)
	slices.SortStableFunc(n.Events, func(a, b payload) int { return away(a, clock) - away(b, clock) })
	if len(n.Events) > 0 {
		n.EventPT, n.HasEvents = n.Events[0].PT, true
	}
	return n
}

func away(p payload, clock int) int {
	if p.Clock == clock {
		return 0
	}
	return 1
}

// allow spells out what the direction means for us.
func (n *negotiated) allow() {
	n.SendAllowed, n.ReceiveAllowed = n.Direction.Sends(), n.Direction.Receives()
}

// packetTime is the peer's wish within its maximum, as a multiple of 10 ms from 10 to 60.
func packetTime(r remoteMedia, ours int) int {
	t := r.Ptime
	if t == 0 {
		t = ours
	}
	if t == 0 {
		t = defaultPtime
	}
	if r.MaxPtime > 0 {
		t = min(t, r.MaxPtime)
	}
	return min(max(t/10*10, 10), 60)
}
