// Package media carries the sound of calls: RTP and RTCP port pairs, SDP offers and answers, codecs, jitter
// buffers, telephone-events, prompts and the mixer.
//
// # Usage
//
// [NewPorts] owns a range of UDP ports. [NewSession] takes a pair of them for one leg; [Session.Accept] answers the
// peer's SDP offer, [Session.Offer] and [Session.Complete] make one of our own. The session then belongs to a
// [Mixer]: [Mixer.Attach] gives it over, [Mixer.Detach] takes it back, [Session.Close] ends it.
//
// # Relay
//
// [NewRelay] carries calls of two parties without decoding them. Each leg has a [Side]; descriptions for one leg are made of
// what another has said, and [Join] lets packets pass between two sides. Packets are moved by a few loops, each on a
// goroutine that starts with the first side on it and ends with the last; a loop alone touches the streams of its sides.
//
// # Security
//
// Sessions and sides speak SRTP with keys in the description (RFC 4568) as [SRTPPolicy] allows. Keys are new for each leg
// and stay as long as the leg's peer and suite do, and with them the roll-over counters; they stand in no log and no error.
//
// # Concurrency
//
// The packet path has no locks. While a session is attached, its mixer's goroutine alone reads its sockets, feeds its
// jitter buffer and sends. Each 20 ms the mixer drains every socket without waiting, mixes and sends, so a session
// costs no goroutine and no wake-up per packet. Offers and answers, playback and the state of a session may be used
// from any goroutine: they reach the mixer as immutable values that it takes up at its next tick.
// Callbacks such as [Session.OnDigit] run on the mixer's tick and must not wait.
//
// A session that is attached to no mixer neither receives nor sends; what arrives meanwhile is dropped by its next
// mixer.
package media
