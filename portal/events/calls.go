package events

import (
	"time"

	"passerelle/call/cdr"
)

// Call is one leg of a call, with the names of its account in the API. A call through the server has two or more.
type Call struct {
	ID        string     `json:"id"`      // of the account
	Call      string     `json:"call"`    // shared by the legs of one call
	CallID    string     `json:"call_id"` // SIP Call-ID
	Direction string     `json:"direction"`
	Line      string     `json:"line,omitempty"`
	Device    string     `json:"device,omitempty"`
	Host      string     `json:"host,omitempty"`
	Trunk     string     `json:"trunk,omitempty"`
	Site      string     `json:"site,omitempty"`
	Number    string     `json:"number,omitempty"` // the other side; … where it could be a space ID
	Route     string     `json:"route,omitempty"`
	Space     string     `json:"space,omitempty"` // ref
	Start     time.Time  `json:"start"`
	Answer    *time.Time `json:"answer,omitempty"`
	End       *time.Time `json:"end,omitempty"`
	Ended     string     `json:"ended,omitempty"`
	Code      int        `json:"code,omitempty"`
	Cause     string     `json:"cause,omitempty"`
	Codec     string     `json:"codec,omitempty"`
}

// OfCall tells of a leg; it is a journal's observer's translation.
func OfCall(s cdr.Stage, r cdr.Record) Draft {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	d := Draft{Type: [...]Type{cdr.Begun: CallBegan, cdr.Up: CallAnswered, cdr.Over: CallEnded}[s], Data: Call{
		ID: r.ID, Call: r.Call, CallID: r.CallID, Direction: string(r.Direction), Line: r.User, Device: r.Device, Host: r.Host, Trunk: r.Trunk,
		Site: r.Site, Number: r.Number, Route: r.Route, Space: r.Space, Start: r.Start.UTC(), Answer: at(r.Answer), End: at(r.End),
		Ended: string(r.Ended), Code: r.Code, Cause: r.Cause, Codec: r.Codec,
	}}
	if r.Site != "" {
		d.Sites = []string{r.Site}
	}
	return d
}
