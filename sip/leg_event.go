package sip

// LegEvent is something the peer of a leg did that its handler may care for.
type LegEvent interface{ legEvent() }

// OfferEvent is an offer in the dialog: a re-INVITE or an UPDATE. It must be met with Accept or Refuse. SDP is nil in a
// re-INVITE without offer: Accept then sends our offer, and the answer arrives as an AnswerEvent (RFC 3264, RFC 3311). Before the call
// is answered an offer comes only once reliable provisional answers have settled a session, by UPDATE or, to us, by PRACK
// (RFC 3311 §5.1, RFC 3262 §5); the 200 of a caller's call waits for what becomes of it.
type OfferEvent struct {
	Method string // "INVITE", "UPDATE" or "PRACK"
	SDP    []byte
	Early  bool // it came before the final answer to the INVITE
}

// AnswerEvent is the peer's answer to an offer that we made outside Reoffer: in a reliable Ring, in the 200 of a re-INVITE
// without offer, in a session refresh, or after an Answer that changed what a reliable Ring had settled.
type AnswerEvent struct {
	SDP []byte
}

// ProgressEvent is a provisional answer to a call of ours, 180 to 199; SDP is its early media description, nil as a rule.
type ProgressEvent struct {
	Code     int
	SDP      []byte
	Offer    bool      // SDP is an offer, to an INVITE without one: Acknowledge answers it. Code may be less than 180 then
	Reliable bool      // it came reliably (RFC 3262): an SDP that is no offer is the final answer in its early dialog
	Dialog   RemoteTag // tells the places apart where a proxy lets the call ring; empty if the peer gave no tag
}

// InfoEvent is an INFO request, answered 200 already (RFC 6086, RFC 2976).
type InfoEvent struct {
	ContentType string // media type in lower case, without parameters
	Body        []byte
}

// RefreshEvent tells that the session timer was refreshed without an offer (RFC 4028).
type RefreshEvent struct{}

func (OfferEvent) legEvent()    {}
func (AnswerEvent) legEvent()   {}
func (InfoEvent) legEvent()     {}
func (RefreshEvent) legEvent()  {}
func (ProgressEvent) legEvent() {}
