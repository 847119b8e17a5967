package sip

import (
	"slices"
	"strings"
)

// Replaces names a dialog that a new one is to take the place of (RFC 3891 §6.1).
type Replaces struct {
	CallID    string
	ToTag     string // of our side, as the sender of the header sees it
	FromTag   string // of the peer
	EarlyOnly bool   // not if the dialog is confirmed
}

// parseReplaces reads a Replaces header.
func parseReplaces(v string) (r Replaces, ok bool) { return parseDialog(v, "to-tag", "from-tag") }

// parseDialog reads the name of a dialog: a Call-ID with its tags in parameters, that of our side and that of the peer.
func parseDialog(v, ours, theirs string) (r Replaces, ok bool) {
	callID, rest := cutUnquoted(v, ';')
	r.CallID = strings.TrimSpace(callID)
	for rest != "" {
		var param string
		param, rest = cutUnquoted(rest, ';')
		key, val, _ := strings.Cut(param, "=")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case ours:
			r.ToTag = strings.TrimSpace(val)
		case theirs:
			r.FromTag = strings.TrimSpace(val)
		case "early-only":
			r.EarlyOnly = true
		}
	}
	return r, r.CallID != "" && r.ToTag != "" && r.FromTag != ""
}

// Replaces returns the dialog that the INVITE is to take the place of; asked tells whether it has such a header at all.
func (in *Invite) Replaces() (r Replaces, ok, asked bool) {
	v := in.Header("Replaces")
	if v == "" {
		return Replaces{}, false, false
	}
	r, ok = parseReplaces(v)
	return r, ok, true
}

// Replaced returns the leg of the dialog that a Replaces header names (RFC 3891 §3), also of one in which a call of ours still
// rings; Leg.Up tells. A call that rings here with us as callee is found too, for who refers to it: only an INVITE must not
// replace it.
func (s *Server) Replaced(r Replaces) (*Leg, bool) {
	// Who refers to a dialog may have its tags from either side's point of view; both together are a secret in any case.
	for _, id := range []DialogID{
		{CallID: r.CallID, LocalTag: LocalTag(r.ToTag), RemoteTag: RemoteTag(r.FromTag)},
		{CallID: r.CallID, LocalTag: LocalTag(r.FromTag), RemoteTag: RemoteTag(r.ToTag)},
	} {
		if l := s.legs.find(id); l != nil && (l.ID() == id || slices.Contains(l.EarlyDialogs(), id)) {
			return l, true
		}
	}
	return nil, false
}
