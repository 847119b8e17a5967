package audit

import (
	"encoding/json"
	"slices"
	"time"
)

// Via is the way by which a change came.
type Via string

// The ways.
const (
	ViaPortal Via = "portal" // pages of the administrator or the user hub
	ViaAPI    Via = "api"    // HTTP API with a token
	ViaSocket Via = "socket" // admin socket of the server's machine
	ViaPhone  Via = "phone"  // codes and keys of a phone
	ViaServer Via = "server" // the server itself, such as at its first start
)

// Actor is who does something. The zero value is the server.
type Actor struct {
	// ID is the account ("owner", "user-7"), the name of the token, or the line; empty for the server.
	ID string `json:"id,omitempty"`
	// Name is how people know the actor; empty when there is none but the ID.
	Name string `json:"name,omitempty"`
	Via  Via    `json:"via"`
	// From is the address that the request came from; empty when it came by no network.
	From string `json:"from,omitempty"`
}

// Kind tells a change of a value from one of a whole record.
type Kind string

// The kinds of a change.
const (
	Changed Kind = "changed"
	Added   Kind = "added"
	Removed Kind = "removed"
)

// Change is one value that is another now, or a record that came or went.
type Change struct {
	Kind Kind `json:"kind"`
	// Site is the SIP domain of the site that it concerns.
	Site string `json:"site"`
	// User is the Ref of the user or workspace that it concerns; zero means the site itself.
	User uint64 `json:"user,omitempty"`
	// Name is that of the user or site when it was changed.
	Name string `json:"name"`
	// Field is the path of the value as site files write it, such as forwards.always; empty for a whole record.
	Field string `json:"field,omitempty"`
	// Before and After are the values; null means none. Secrets are "***".
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
	// Final says that Before is not enough to put the value back: it was a secret, or too long to keep.
	Final bool `json:"final,omitempty"`
}

// Entry is one deed of somebody's.
type Entry struct {
	// ID numbers the entries from 1, later ones higher.
	ID uint64    `json:"id"`
	At time.Time `json:"at"`
	By Actor     `json:"by"`
	// Deed names what was done, such as gateway.assign; package auditor has the list.
	Deed string `json:"deed"`
	// Subject is what it was done to, as people know it; empty when the changes say it, or when it is the whole server.
	Subject string `json:"subject,omitempty"`
	// Site is the SIP domain of the site that it concerns; empty when the changes say it, or when it is none's.
	Site    string   `json:"site,omitempty"`
	Changes []Change `json:"changes,omitempty"`
	// More is how many changes are left out, as only MaxChanges are kept.
	More int `json:"more,omitempty"`
	// Undoes is the entry that this one takes back, UndoneBy the one that takes this back; zero means none.
	Undoes   uint64 `json:"undoes,omitempty"`
	UndoneBy uint64 `json:"undone_by,omitempty"`
}

// MaxChanges is how many changes of one deed are kept; an import has thousands.
const MaxChanges = 200

// Sites are the domains of the sites that the entry concerns, each once.
func (e *Entry) Sites() []string {
	var all []string
	if e.Site != "" {
		all = append(all, e.Site)
	}
	for _, c := range e.Changes {
		if !slices.Contains(all, c.Site) {
			all = append(all, c.Site)
		}
	}
	return all
}

// Undoable says whether the entry can be taken back, as far as it knows.
func (e *Entry) Undoable() bool {
	return e.UndoneBy == 0 && e.More == 0 && len(e.Changes) > 0 &&
		!slices.ContainsFunc(e.Changes, func(c Change) bool { return c.Kind != Changed || c.Final })
}

// Query asks for entries, the latest first.
type Query struct {
	// Before is the ID below which to begin; zero means the latest.
	Before uint64
	// Since and Until bound the time; zero means no bound.
	Since, Until time.Time
	// Limit is how many entries to give at most; Match chooses them, nil takes all.
	Limit int
	Match func(*Entry) bool
}

// MaxScan bounds how many entries one query reads, so that a search that finds nothing ends soon.
const MaxScan = 4_000

// Page is an answer to a query.
type Page struct {
	Entries []Entry
	// Next is where to go on, as Query.Before; zero means that there are no more.
	Next uint64
}
