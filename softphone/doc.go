// Package softphone is a SIP telephone in code: it registers, calls, sends digits by every method desk phones know, plays
// tones and measures what it hears. `passerelle try` uses it to prove a running server, tests use it as the other side.
//
// It shares nothing with the server: it writes and reads its own SIP, SDP, RTP, RFC 4733 and G.711, so that a mistake of the
// server cannot hide behind the same mistake here. It is a telephone, not a server library: it is strict in what it sends
// where telephones are, and obliging in what it takes.
//
// Open gives a Phone on a UDP socket, or a TCP or TLS connection. Invite returns a Call once it is answered; the call's
// media run until it ends. All methods may be called from any goroutine. Everything waits on plain time and channels, so a
// phone on an in-memory network works inside a testing/synctest bubble (see Memory).
package softphone
