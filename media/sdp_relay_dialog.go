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
