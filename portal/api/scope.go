package api

import "slices"

// Scope is what the holder of a token may do. No scope includes another one but where Includes says so.
type Scope string

// The scopes. A holder who is confined to one site has them for that site only.
const (
	// ScopeRead sees live state and configuration, without secrets.
	ScopeRead Scope = "read"
	// ScopeDirectory changes sites: gateway numbers, trunks, music, settings.
	ScopeDirectory Scope = "directory:write"
	// ScopeUsers changes users, workspaces and what they have set for their lines.
	ScopeUsers Scope = "users:write"
	// ScopeSpaces sees space IDs, which open the spaces, and replaces them.
	ScopeSpaces Scope = "spaces:write"
	// ScopeCalls ends calls and bridges, calls people into spaces and lifts limits.
	ScopeCalls Scope = "calls:write"
	// ScopeHoteling signs guests in and out and says who may be a guest, and where. It includes ScopeRelease.
	ScopeHoteling Scope = "hoteling:write"
	// ScopeRelease signs guests out.
	ScopeRelease Scope = "hoteling:release"
	// ScopePhones makes and revokes the links by which phones configure themselves. It includes ScopeResync.
	ScopePhones Scope = "phones:write"
	// ScopeResync has phones fetch their profile.
	ScopeResync Scope = "phones:resync"
	// ScopeEvents follows the events and manages webhooks.
	ScopeEvents Scope = "events"
	// ScopeAdmin includes every scope, and may import, export and give tokens.
	ScopeAdmin Scope = "admin"
)

// Scopes gives every scope, the least first.
func Scopes() []Scope {
	return []Scope{
		ScopeRead, ScopeEvents, ScopeRelease, ScopeResync, ScopeHoteling, ScopePhones, ScopeCalls, ScopeSpaces, ScopeUsers, ScopeDirectory, ScopeAdmin,
	}
}

// Known reports whether the scope is one of ours.
func (s Scope) Known() bool { return slices.Contains(Scopes(), s) }

// Includes reports whether who has the scope s may do what asks for the scope need.
func (s Scope) Includes(need Scope) bool {
	return s == need || s == ScopeAdmin || s == ScopeHoteling && need == ScopeRelease || s == ScopePhones && need == ScopeResync
}

// names are the scopes as one text, for answers to people.
func names(scopes []Scope) string {
	text := ""
	for i, s := range scopes {
		if i > 0 {
			text += " "
		}
		text += string(s)
	}
	return text
}
