// Package party joins one SIP leg with its RTP session: offer and answer, hold, digits from every source, prompts, and
// the watch for a peer that vanished. It is the only place where packages sip and media meet.
//
// A Party is owned by the goroutine that Answer starts; it ends when the leg ends, and then its session is closed and
// its ports drain. Its methods may be called by any goroutine.
package party
