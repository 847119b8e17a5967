// Package sip is the edge of the server: listeners and flows, the order of messages, transactions, digest, the registrar,
// and the Leg, our side of one INVITE dialog. Bodies are opaque bytes to it.
//
// # Usage
//
// A Server is built from sockets that are already open, an Authenticator, a Registrar, the Lines of the directory and a
// Handler, and runs until its context ends:
//
//	srv := sip.NewServer(cfg, auth, reg, lines, handler)
//	err := srv.Run(ctx)
//
// The Handler gets each new call as a Leg, on a goroutine of its own, and answers it:
//
//	func (h *desk) ServeLeg(ctx context.Context, leg *sip.Leg) error {
//		answer, err := h.media(leg.Offer())
//		if err != nil {
//			return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err}
//		}
//		if err := leg.Answer(ctx, answer); err != nil {
//			return err
//		}
//		for ev := range leg.Events() { … }
//		return nil
//	}
//
// Server.Dial calls somebody: a phone by one of its bindings, or a trunk. The Leg it returns is the same thing from the other
// side: its events tell of the ringing, Answered waits for the answer, Hangup cancels or hangs up. Without an offer in Outgoing the
// callee makes it, and Acknowledge answers it. Server.HandleRefer serves REFERs that belong to no call.
//
// # Concurrency
//
// One reader per UDP socket and per connection hands raw messages to a mailbox per Call-ID, so that the messages of one
// call are worked off in the order in which they came, each to its end, while calls do not wait for one another. A mailbox
// runs transactions and the registrar; it never runs code of a Handler. A Leg is owned by one goroutine; its methods ask
// that goroutine and may be called from anywhere, but not from each other's callbacks, of which there are none.
//
// A panic while a message or a leg is handled ends that message or that leg only and is counted in
// passerelle_owner_panics_total.
//
// # Caveats
//
// Nothing here resolves names: requests go to the flow their peer came on or to a numeric address (RFC 3261 §18.2.2,
// RFC 5626). Over TCP, TLS and WebSocket a request goes to the peer's own connection and to no other.
package sip
