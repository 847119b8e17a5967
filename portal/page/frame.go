package page

import (
	"time"

	"passerelle/portal/account"
)

// Frame is a page: its content and what stands around it.
type Frame struct {
	Title string // as people read it
	Area  string // the navigation's entry that the page belongs to
	Trail []Crumb
	Data  any // for the page's template

	// ---- filled by Render ----
	Principal *account.Principal
	Hub       bool // the user's hub, not the administrator's portal
	Switch    string
	Nav       []Entry
	Note      *Note
	Path      string // of the page, to come back to
	Version   string
	Zone      *time.Location
	URL       URL
}

// Crumb is a step of the way to a page; the last one has no address.
type Crumb struct{ Text, Href string }

// Note is a message for the head of the session's next page.
type Note struct {
	Key  string // of a text
	Args []any
	Bad  bool  // a refusal
	Undo *Undo // nil: it cannot be undone
}

// Undo is a form that takes a change back.
type Undo struct {
	Action string
	Fields []Field
}

// Field is a value of a form.
type Field struct{ Name, Value string }

// Entry is a line of the navigation.
type Entry struct {
	Text    string // key
	Href    string
	Icon    string
	Area    string
	Current bool
	Under   []Entry
}

// adminNav is the administrator's navigation.
var adminNav = []Entry{
	{Text: "nav.home", Href: "/", Icon: "home", Area: "home"},
	{Text: "nav.users", Href: "/users", Icon: "users", Area: "users", Under: []Entry{
		{Text: "nav.numbers", Href: "/numbers", Area: "numbers"},
	}},
	{Text: "nav.phones", Href: "/phones", Icon: "phone", Area: "phones"},
	{Text: "nav.services", Href: "/services", Icon: "services", Area: "services", Under: []Entry{
		{Text: "nav.gateway", Href: "/services/gateway", Area: "gateway"},
		{Text: "hosting.title", Href: "/services/hoteling", Area: "hosting"},
	}},
	{Text: "nav.live", Href: "/live", Icon: "live", Area: "live", Under: []Entry{
		{Text: "nav.livecalls", Href: "/live-calls", Area: "livecalls"},
	}},
	{Text: "nav.registrations", Href: "/registrations", Icon: "register", Area: "registrations"},
	{Text: "nav.trunks", Href: "/trunks", Icon: "trunk", Area: "trunks"},
	{Text: "nav.health", Href: "/health", Icon: "health", Area: "health"},
	{Text: "nav.audit", Href: "/audit", Icon: "journal", Area: "audit"},
}

// hubNav is the user's navigation.
var hubNav = []Entry{
	{Text: "nav.space", Href: "/hub", Icon: "space", Area: "hub"},
	{Text: "nav.calls", Href: "/hub/calls", Icon: "phone", Area: "calls"},
	{Text: "nav.settings", Href: "/hub/settings", Icon: "settings", Area: "settings", Under: []Entry{
		{Text: "nav.calling", Href: "/hub/settings/calling", Area: "calling"},
	}},
}

// navigation marks the entry of an area.
func navigation(entries []Entry, area string) []Entry {
	marked := make([]Entry, len(entries))
	for i, e := range entries {
		e.Current = e.Area == area
		e.Under = navigation(e.Under, area)
		marked[i] = e
	}
	return marked
}
