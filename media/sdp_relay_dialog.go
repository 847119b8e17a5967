package media

import "math/rand/v2"

// Dialog is what has been described in one SIP dialog: our o= line and the peer's m= lines. A leg whose media goes from a
// [Side] to a [Session] or back keeps it, since a later description must go on where the earlier one stopped (RFC 3264 §8).
// Whoever takes it over is the only one to use it from then on.
type Dialog struct {
	origin sdpOrigin
	peer   *offer // the peer's latest description
}

func newDialog() *Dialog {
	return &Dialog{origin: sdpOrigin{ID: rand.Uint64() >> 1}} // some peers read it as a signed number
}

// Dialog gives what has been described, for the side or session that goes on with the leg.
func (s *Session) Dialog() *Dialog { return s.sdp.dialog }

// Dialog gives what has been described, for the session or side that goes on with the leg.
func (s *Side) Dialog() *Dialog { return s.dialog }

// lines are the peer's lines for a side that goes on: none in use, each with its place and its numbers.
func (d *Dialog) lines() []sideLine {
	if d.peer == nil {
		return nil
	}
	lines := make([]sideLine, len(d.peer.desc.media))
	for i := range lines {
		l := &lines[i]
		l.kind = d.peer.desc.media[i].kind
		l.hear(d.peer.desc.relayMedia(i), SendRecv)
		l.refuse()
	}
	return lines
}
