package sip

// LocalTag is the tag we gave a dialog.
type LocalTag string

// RemoteTag is the tag the peer gave a dialog; a peer of RFC 2543 may have given none.
type RemoteTag string

// DialogID identifies a dialog (RFC 3261 §12).
type DialogID struct {
	CallID    string
	LocalTag  LocalTag
	RemoteTag RemoteTag
}

// String is for logs.
func (d DialogID) String() string {
	return d.CallID + ";local=" + string(d.LocalTag) + ";remote=" + string(d.RemoteTag)
}
