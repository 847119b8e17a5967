package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"passerelle/directory"
)

// large is an enterprise of one site with n users, each with a phone and a space, and an administrator.
func large(n int) *directory.Enterprise {
	s := directory.NewSite()
	s.Name, s.Domain, s.Country, s.Timezone, s.ExtensionLength = "Grand", "grand.acme.test", "FR", "Europe/Paris", 5
	s.Numbers = []directory.Number{"+33170001000", "+33170001001"}
	s.Gateway.Number = "+33170001000"
	for i := range n {
		u := directory.NewUser(directory.Person)
		u.Name, u.Extension, u.Pack = fmt.Sprintf("Personne %05d", i), fmt.Sprint(10000+i), directory.Premium
		u.Number = directory.Number(fmt.Sprintf("+3318%07d", i))
		u.Phone = &directory.Device{Username: fmt.Sprint("phone", i), Password: "x", Model: "CP-8851-3PCC"}
		s.Users = append(s.Users, u)
	}
	s.Users[0].Name, s.Users[0].Email, s.Users[0].PortalPassword, s.Users[0].Roles = "Admin", "admin@acme.test", "admin-demo", []directory.Role{directory.SiteAdmin}
	return &directory.Enterprise{Name: "acme", Sites: []*directory.Site{s}}
}

// BenchmarkPages asks for pages at 10 000 users, over a real connection.
func BenchmarkPages(b *testing.B) {
	w := newWorldOf(b, large(10_000))
	admin := w.as(b, "admin")
	for _, path := range []string{"/", "/users", "/users?q=personne+09999", "/users?sort=-number&page=200", "/phones", "/services/gateway", "/services/gateway?q=personne+09999", "/live"} {
		b.Run(path, func(b *testing.B) {
			for b.Loop() {
				if got := admin.get(path); got.code != http.StatusOK {
					b.Fatal(got.code)
				}
			}
		})
	}
}
