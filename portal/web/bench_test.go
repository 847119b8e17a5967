package web_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/sip"
)

// large is an enterprise of one site with n users, each with a desk phone and a space, and an administrator. Every hundredth
// phone takes guests.
func large(n int) *directory.Enterprise {
	s := directory.NewSite()
	s.Name, s.Domain, s.Country, s.Timezone, s.ExtensionLength = "Grand", "grand.acme.test", "FR", "Europe/Paris", 5
	s.Numbers = []directory.Number{"+33170003000", "+33170003001"}
	s.Gateway.Number = "+33170003000"
	for i := range n {
		u := directory.NewUser(directory.Person)
		u.Name, u.Extension, u.Pack = fmt.Sprintf("Personne %05d", i), fmt.Sprint(10000+i), directory.Premium
		u.Number = directory.Number(fmt.Sprintf("+3318%07d", i))
		u.Guest.Allowed = true
		u.Phone = &directory.Device{Username: fmt.Sprint("phone", i), Password: "a-password-of-a-phone", Model: "CP-8851-3PCC", MAC: directory.MAC(fmt.Sprintf("02:00:00:%02x:%02x:%02x", i>>16, i>>8&255, i&255))}
		if i%100 == 0 {
			u.Phone.Host = directory.NewHost()
			u.Phone.Host.Enabled = true
		}
		s.Users = append(s.Users, u)
	}
	s.Users[0].Name, s.Users[0].Email, s.Users[0].PortalPassword, s.Users[0].Roles = "Admin", "admin@acme.test", "admin-demo", []directory.Role{directory.SiteAdmin}
	return &directory.Enterprise{Name: "acme", Sites: []*directory.Site{s}}
}

// registered gives each phone of the enterprise a registration.
func registered(w *world) {
	now := time.Now()
	w.live.binding = nil
	for _, s := range w.config.live.Current().Sites() {
		for u := range s.Everyone() {
			w.live.binding = append(w.live.binding, sip.Binding{
				AOR: sip.NewAOR(u.Line(), s.Domain), Contact: "sip:" + u.Phone.Username + "@192.0.2.7:5060", Username: u.Phone.Username, UserAgent: "Cisco-CP-8851-3PCC/12.0.4",
				Source: sip.Source{Transport: "UDP", Remote: netip.MustParseAddrPort("192.0.2.7:5060")}, Since: now, Refreshed: now, Expires: now.Add(time.Hour),
			})
		}
	}
}

// changed has n changes in the journal.
func changed(b *testing.B, w *world, n int) {
	b.Helper()
	for i := range n {
		u := w.config.live.Current().Sites()[0].Users[i]
		e := audit.Entry{By: audit.Actor{ID: "user-1", Name: "Admin", Via: audit.ViaPortal, From: "192.0.2.7"}, Deed: "line.settings", Changes: []audit.Change{
			{Kind: audit.Changed, Site: u.Site.Domain, User: u.Ref, Name: u.Name, Field: "forwards.always", Before: []byte(`""`), After: []byte(`"0612345678"`)},
			{Kind: audit.Changed, Site: u.Site.Domain, User: u.Ref, Name: u.Name, Field: "dnd", Before: []byte("false"), After: []byte("true")},
		}}
		if _, err := w.store.Record(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPages asks for pages at 10 000 users with a registered phone each, over a real connection.
func BenchmarkPages(b *testing.B) {
	w := newWorldOf(b, large(10_000))
	registered(w)
	changed(b, w, 2000)
	admin := w.as(b, "admin")
	for _, path := range []string{"/", "/users", "/users?q=personne+09999", "/users?sort=-number&page=200", "/phones", "/registrations", "/registrations?q=09999", "/services/gateway", "/services/gateway?q=personne+09999", "/services/hoteling", "/live", "/health", "/audit", "/audit?q=personne+00007", "/audit?q=nowhere"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if got := admin.get(path); got.code != http.StatusOK {
					b.Fatal(got.code)
				}
			}
		})
	}
}
