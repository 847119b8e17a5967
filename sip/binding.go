package sip

import (
	"cmp"
	"strconv"
	"time"
)

// Binding is one contact of an AOR in the location service (RFC 3261 §10). Values are snapshots: changing one changes
// nothing in the registrar.
type Binding struct {
	AOR       AOR
	Contact   string // contact URI as the phone gave it, without angle brackets
	Params    string `json:",omitempty"` // other Contact parameters to echo, such as +sip.instance and reg-id, each with its semicolon
	Instance  string `json:",omitempty"` // +sip.instance, or "mac:…" read from the User-Agent; empty if neither is there
	RegID     uint32 `json:",omitempty"` // reg-id (RFC 5626 §4.2), 0 if none
	Q         int    `json:",omitempty"` // preference in thousandths (RFC 3261 §20.10); 1000 when the phone gave none
	CallID    string
	CSeq      uint32
	Since     time.Time // when this contact first registered
	Refreshed time.Time // when it last registered
	Expires   time.Time // when the binding ends
	Path      []string  `json:",omitempty"` // Path header values, nearest first (RFC 3327)
	Source    Source    // the flow it came on
	Username  string    // digest user name that registered it
	UserAgent string    `json:",omitempty"`
	Demoted   bool      `json:"-"` // the contact did not answer lately: try it last
}

// BindingKey identifies a binding: an instance (with its reg-id) has one per AOR wherever it moves, a contact without
// instance is its own.
type BindingKey struct {
	AOR AOR
	ID  string // "instance#reg-id" or the contact URI
}

// Key returns the binding's key.
func (b *Binding) Key() BindingKey { return BindingKey{AOR: b.AOR, ID: bindingID(b)} }

func bindingID(b *Binding) string {
	if b.Instance == "" {
		return b.Contact
	}
	if b.RegID == 0 {
		return b.Instance
	}
	return b.Instance + "#" + strconv.FormatUint(uint64(b.RegID), 10)
}

// Reachable reports whether requests can be sent to the binding now: a TCP, TLS or WebSocket binding whose connection
// is gone is never dialled (the phone behind it accepts none), it waits for the phone to come back.
func (b *Binding) Reachable() bool { return b.Source.Transport == "UDP" || b.Source.Flow != 0 }

// newestFirst orders the bindings of an AOR for use: those that answer, by preference, then the newest.
func newestFirst(a, b Binding) int {
	if a.Demoted != b.Demoted {
		if a.Demoted {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Q, a.Q), b.Refreshed.Compare(a.Refreshed))
}
