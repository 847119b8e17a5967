package web_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/gateway"
	"passerelle/portal/admin"
	"passerelle/portal/hub"
	"passerelle/portal/page"
	"passerelle/portal/signin"
	"passerelle/portal/token"
	"passerelle/sip"
)

// shownPage is a main page.
type shownPage struct{ name, path string }

// shown are the main pages as Alice, the administrator of Paris, opens them.
func shown(t *testing.T, w *world) []shownPage {
	t.Helper()
	space := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	return []shownPage{
		{"home", "/"},
		{"services", "/services"},
		{"gateway", "/services/gateway"},
		{"space", "/services/gateway/spaces/" + space},
		{"regenerate", "/services/gateway/spaces/" + space + "/regenerate"},
		{"live", "/live"},
		{"end", "/live/" + space + "/end"},
		{"live-calls", "/live-calls"},
		{"end-call", "/live-calls/1/end"},
		{"users", "/users"},
		{"user", fmt.Sprint("/users/", w.user(t, "bruno@acme.test").Ref)},
		{"phones", "/phones"},
		{"phone", "/phones/00:a0:c9:11:22:02"},
		{"registrations", "/registrations"},
		{"trunks", "/trunks"},
		{"numbers", "/numbers"},
		{"hoteling", "/services/hoteling"},
		{"audit", "/audit"},
		{"health", "/health"},
		{"account", "/account"},
		{"tokens", "/account/tokens"},
		{"hub", "/hub"},
		{"hub-regenerate", "/hub/space/regenerate"},
		{"hub-end", "/hub/space/session/end"},
		{"hub-calls", "/hub/calls"},
		{"hub-settings", "/hub/settings"},
		{"hub-calling", "/hub/settings/calling"},
		{"hub-call-settings", "/hub/settings/calling/call-settings"},
		{"hub-pin", "/hub/settings/calling/pin"},
	}
}

// shownToOwners are pages that only administrators of the enterprise have, or that look otherwise for them.
var shownToOwners = []shownPage{{"enterprise-home", "/"}, {"enterprise-gateway", "/services/gateway"}, {"enterprise-users", "/users"}, {"import", "/import"}, {"enterprise-health", "/health"}}

// notPages are routes that answer a part of a page, a stream or a file.
var notPages = []string{
	"GET /live/events", "GET /live-calls/events", "GET /registrations/events", "GET /import/events", "GET /services/gateway/spaces.csv", "GET /hub/space/calls", "GET /hub/space/session", "GET /hub/settings/calling/call-settings/hosts",
}

// atTheDoor are the pages that door opens, with one address of each.
var atTheDoor = []shownPage{{"sign-in", "/sign-in"}, {"setup", "/setup/TOKEN"}, {"code", "/sign-in/code"}}

// door opens the pages of those who are not signed in yet, each by its own way; Bruno's second factor is on afterwards.
func (w *world) door(t *testing.T, b *tab, visit func(shownPage)) {
	t.Helper()
	b.open("/sign-in")
	visit(atTheDoor[0])
	setup, err := w.acc.SetupPath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b.open(setup)
	visit(atTheDoor[1])
	if w.factor == nil {
		_, w.factor = w.as(t, "bruno").withApp(t)
	}
	b.open("/sign-in")
	b.do(chromedp.SendKeys(chromedp.CSS("#email"), "bruno@acme.test"), chromedp.SendKeys(chromedp.CSS("#password"), "bruno-demo\r"))
	b.until(`location.pathname === "/sign-in/code"`)
	visit(atTheDoor[2])
}

// TestEveryPageIsShown holds the lists above to the routes as the packages add them: a page that they lack would be seen by
// nobody, in no language and at no width.
func TestEveryPageIsShown(t *testing.T) {
	w := newWorld(t)
	view := page.NewRenderer(page.Config{Accounts: w.acc, Directory: w.config.live})
	var routes recorder
	admin.New(admin.Config{View: view}).Routes(&routes)
	hub.New(hub.Config{View: view}).Routes(&routes)
	signin.New(w.acc, view, nil).Routes(&routes)
	token.NewPages(w.tokens, view, nil).Routes(&routes)
	mux, unseen := http.NewServeMux(), map[string]bool{}
	for _, pattern := range routes {
		if strings.HasPrefix(pattern, "GET ") && !slices.Contains(notPages, pattern) {
			mux.HandleFunc(pattern, http.NotFound)
			unseen[pattern] = true
		}
	}
	for _, p := range slices.Concat(shown(t, w), shownToOwners, atTheDoor) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+p.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, pattern := mux.Handler(r)
		delete(unseen, pattern)
	}
	for pattern := range unseen {
		t.Errorf("%s: no browser opens it. Add it to the lists of shown_test.go", pattern)
	}
}

// promote makes Camille an administrator of the enterprise.
func promote(t *testing.T, w *world) {
	t.Helper()
	err := w.SetUser(t.Context(), w.user(t, "camille@acme.test").Ref, func(u *directory.User) { u.Roles = []directory.Role{directory.EnterpriseAdmin} })
	if err != nil {
		t.Fatal(err)
	}
}

// busy is a server on which something happens.
func busy(t *testing.T, w *world) {
	t.Helper()
	since := time.Now().Add(-17 * time.Minute)
	bruno, _, err := w.phones.NewSetup(t.Context(), "00:a0:c9:11:22:02")
	if err != nil {
		t.Fatal(err)
	}
	if code := w.fetch(t, bruno+"00a0c9112202.xml", true); code != http.StatusOK {
		t.Fatal("a phone fetches its profile:", code)
	}
	w.fetch(t, bruno+"00a0c9112202.xml", false)
	w.live.set(gateway.BridgeInfo{
		Space: directory.SpaceRef(w.user(t, "alice@acme.test").Ref), Owner: "Alice Martin", Site: "paris.acme.test", Since: since,
		Participants: []gateway.ParticipantInfo{
			{ID: "1", Name: "Alice Martin", Number: "+33170001201", Since: since, Codec: "PCMA", Talking: true, Delay: 40 * time.Millisecond},
			{ID: "2", Name: "Bruno Keller", Number: "+33170001202", Since: since.Add(time.Minute), Codec: "PCMA", Delay: 40 * time.Millisecond, Held: true},
			{ID: "3", Name: "+33612345678", Number: "+33612345678", Since: since.Add(3 * time.Minute), Codec: "PCMU", Delay: 180 * time.Millisecond, Lost: 412},
		},
	})
	w.live.setCalls(someCalls(since)...)
	w.live.records = []cdr.Record{
		{Call: "c4", Direction: cdr.Out, User: "+33170001201", Site: paris, Number: "+33612345678", Start: since},
		{Call: "c3", Direction: cdr.Out, User: "+33170001201", Site: paris, Number: "+33170001202", Start: since.Add(-time.Hour)}, // the phone that was too late
		{Call: "c3", Direction: cdr.Out, User: "+33170001201", Site: paris, Number: "+33170001202", Start: since.Add(-time.Hour), Answer: since.Add(-time.Hour), End: since.Add(-55 * time.Minute)},
		{Call: "c2", Direction: cdr.In, User: "+33170001201", Site: paris, Number: "…", Route: "gateway", Start: since.Add(-2 * time.Hour), Answer: since.Add(-2 * time.Hour), End: since.Add(-119 * time.Minute)},
		{Call: "c1", Direction: cdr.In, User: "+33170001203", Site: paris, Number: "+33699999999", Start: since.Add(-3 * time.Hour)},
	}
	flood(w, "203.0.113.50:5060")
	flood(w, "192.0.2.7:5060") // the office of Paris
	if _, err := w.kept.Allow(t.Context(), "198.51.100.0/24", "Atelier", "Camille Roy"); err != nil {
		t.Fatal(err)
	}
	w.live.binding = nil
	for i, phone := range []struct{ user, domain, agent, transport string }{
		{"+33170001201", paris, "Cisco-CP-8865-3PCC/12.0.4", "UDP"},
		{"+33170001202", paris, "Cisco-CP-8851-3PCC/12.0.4", "TLS"}, // its connection is gone
		{"+15145550201", "montreal.acme.test", "Cisco-CP-8861-3PCC/12.0.4", "UDP"},
	} {
		w.live.binding = append(w.live.binding, sip.Binding{
			AOR: sip.NewAOR(phone.user, phone.domain), Contact: "sip:" + phone.user + "@192.0.2.7:5060", Username: phone.user, UserAgent: phone.agent,
			Source: sip.Source{Transport: phone.transport, Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(7 + i)}), 5060)},
			Since:  since, Refreshed: since, Expires: since.Add(time.Hour),
		})
	}
	by := audit.Actor{ID: "user-1", Name: "Alice Martin", Via: audit.ViaPortal, From: "192.0.2.7"}
	change := func(deed string, change func(*directory.User)) {
		t.Helper()
		ctx := audit.With(t.Context(), &audit.Trail{Actor: by, Deed: deed})
		if err := w.SetUser(ctx, w.user(t, "bruno@acme.test").Ref, change); err != nil {
			t.Fatal(err)
		}
	}
	change("line.settings", func(u *directory.User) { u.Forwards.Always, u.CLIR = "0612345678", true })
	change("pin.change", func(u *directory.User) { u.PIN = "90214" })
}

// someCalls are a call of two lines that one holds, one from outside to a space, one that rings, and one for help.
func someCalls(since time.Time) []call.LiveCall {
	leg := func(d cdr.Direction, name, line, number, route string) call.LiveLeg {
		l := call.LiveLeg{Name: name, Record: cdr.Record{Call: "1", Direction: d, User: line, Site: paris, Number: number, Route: route, Start: since, Answer: since.Add(4 * time.Second), Codec: "PCMA"}}
		if l.Device = line; line == "" {
			l.Trunk, l.Outside = "carrier", "+33612345678"
		}
		return l
	}
	held := leg(cdr.Out, "Bruno Keller", "+33170001202", "+33170001201", "line")
	held.Held = true
	seat := leg(cdr.In, "", "", string(number), "gateway")
	seat.Space, seat.Codec = "space-1", "PCMU"
	from, rings := leg(cdr.In, "Camille Roy", "+33170001203", "+33612345678", "trunk"), leg(cdr.Out, "", "", "+33170001203", "trunk")
	from.Answer, from.Codec, from.Ringing = time.Time{}, "", true
	rings.Answer, rings.Codec, rings.Ringing = time.Time{}, "", true
	help := leg(cdr.In, "Alice Martin", "+33170001201", "112", "emergency")
	return []call.LiveCall{
		{ID: "1", Legs: []call.LiveLeg{leg(cdr.In, "Alice Martin", "+33170001201", "202", "line"), held}},
		{ID: "2", Legs: []call.LiveLeg{seat}}, {ID: "3", Legs: []call.LiveLeg{from, rings}}, {ID: "4", Legs: []call.LiveLeg{help}},
	}
}
