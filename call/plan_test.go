package call

import (
	"testing"

	"passerelle/directory"
	"passerelle/sip"
)

// acme is a small enterprise: Paris has a gateway, Lyon another one, Montreal none.
func acme(t *testing.T) *directory.Directory {
	t.Helper()
	site := func(name, domain, country string, numbers []directory.Number, gw directory.Gateway, users ...*directory.User) *directory.Site {
		s := directory.NewSite()
		s.Name, s.Domain, s.Country, s.Timezone, s.Numbers, s.Gateway, s.Users = name, domain, country, "Europe/Paris", numbers, gw, users
		s.Trunks = []*directory.Trunk{{Name: "carrier", Address: "192.0.2.1", Transport: directory.UDP, Auth: directory.AuthIP}}
		if name != "Paris" {
			s.Trunks = nil
		}
		return s
	}
	user := func(name string, n directory.Number, ext string) *directory.User {
		u := directory.NewUser(directory.Person)
		u.Name, u.Number, u.Extension = name, n, ext
		u.Phone = &directory.Device{Model: "CP-8851-3PCC", Username: string(n), Password: "secret"}
		return u
	}
	dir, err := directory.New(&directory.Enterprise{Name: "acme", Sites: []*directory.Site{
		site("Paris", "paris.test", "FR", []directory.Number{"+33170001000"}, directory.Gateway{Number: "+33170001000", Extension: "100"}, user("Alice", "+33170001201", "201")),
		site("Lyon", "lyon.test", "FR", []directory.Number{"+33470001000"}, directory.Gateway{Number: "+33470001000", Extension: "100"}, user("Bob", "+33470001201", "201")),
		site("Montreal", "montreal.test", "CA", []directory.Number{"+15145550100"}, directory.Gateway{}, user("Dana", "+15145550201", "202")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func callers(t *testing.T, dir *directory.Directory) (alice, bob, dana, trunk directory.Caller) {
	t.Helper()
	line := func(name string) directory.Caller {
		c, err := identify(dir, &sip.Invite{Identity: sip.Identity{Username: name}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	trunk, err := identify(dir, &sip.Invite{Identity: sip.Identity{Trunk: "paris.test/carrier"}, From: sip.Address{URI: sip.URI{User: "+33612345678"}}})
	if err != nil || trunk.Number != "+33612345678" {
		t.Fatal(trunk, err)
	}
	return line("+33170001201"), line("+33470001201"), line("+15145550201"), trunk
}

func TestPlan(t *testing.T) {
	dir := acme(t)
	alice, bob, dana, trunk := callers(t, dir)
	uri := func(user, host string, params ...string) sip.URI {
		u := sip.URI{Scheme: "sip", User: user, Host: host, Params: map[string]string{}}
		for i := 0; i < len(params); i += 2 {
			u.Params[params[i]] = params[i+1]
		}
		return u
	}
	tests := []struct {
		name   string
		caller directory.Caller
		uri    sip.URI
		site   string // of the gateway; empty is refused
		id     string
	}{
		{"number", alice, uri("+33170001000", "paris.test"), "paris.test", ""},
		{"number at an address", alice, uri("+33170001000", "192.0.2.10"), "paris.test", ""},
		{"national form", alice, uri("0170001000", "paris.test"), "paris.test", ""},
		{"international form", alice, uri("0033170001000", "paris.test"), "paris.test", ""},
		{"from Canada in its international form", dana, uri("01133170001000", "montreal.test"), "paris.test", ""},
		{"with separators", alice, uri("+33 1-70.00(10)00", "paris.test"), "paris.test", ""},
		{"with user parameters", alice, uri("+33170001000;phone-context=x", "paris.test", "user", "phone"), "paris.test", ""},
		{"extension", alice, uri("100", "paris.test"), "paris.test", ""},
		{"extension at an address", bob, uri("100", "192.0.2.10"), "lyon.test", ""},
		{"extension of the dialled domain", alice, uri("100", "lyon.test"), "lyon.test", ""},
		{"number of another site", alice, uri("+33470001000", "paris.test"), "lyon.test", ""},
		{"number of a site without a gateway", alice, uri("+15145550100", "montreal.test"), "", ""},
		{"no extension there", dana, uri("100", "montreal.test"), "", ""},
		{"trunk, E.164", trunk, uri("+33170001000", "192.0.2.10"), "paris.test", ""},
		{"trunk, without plus", trunk, uri("33170001000", "192.0.2.10"), "paris.test", ""},
		{"trunk, national", trunk, uri("0170001000", "sip.example"), "paris.test", ""},
		{"trunk may not dial extensions", trunk, uri("100", "paris.test"), "", ""},
		{"nobody", alice, uri("+33170009999", "paris.test"), "", ""},
		{"no number", alice, uri("", "paris.test"), "", ""},
		{"a name", alice, uri("reception", "paris.test"), "", ""},

		{"space parameter", alice, uri("+33170001000", "paris.test", "space", "48213907752"), "paris.test", "48213907752"},
		{"room parameter", trunk, uri("+33170001000", "192.0.2.10", "room", "48213907752"), "paris.test", "48213907752"},
		{"space in the user part", alice, uri("+33170001000;space=48213907752", "paris.test"), "paris.test", "48213907752"},
		{"post-dial commas", alice, uri("+33170001000,,48213907752#", "paris.test"), "paris.test", "48213907752"},
		{"post-dial parameter", alice, uri("+33170001000", "paris.test", "postd", "pp48213907752#"), "paris.test", "48213907752"},
		{"extension and space", alice, uri("100", "paris.test", "space", "48213907752"), "paris.test", "48213907752"},
		{"space URI", alice, uri("space-48213907752", "paris.test"), "paris.test", "48213907752"},
		{"room URI at an address", alice, uri("room-48213907752", "192.0.2.10"), "paris.test", "48213907752"},
		{"room URI of another site", alice, uri("Room-48213907752", "lyon.test"), "lyon.test", "48213907752"},
		{"conference host", alice, uri("48213907752", "conf.paris.test"), "paris.test", "48213907752"},
		{"space that is no number", alice, uri("+33170001000", "paris.test", "space", "abc"), "paris.test", ""},
		{"space URI that is no number", alice, uri("space-abc", "paris.test"), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Plan(dir, tt.caller, tt.uri)
			site := ""
			if got.Kind == ToGateway {
				site = got.Site.Domain
			}
			if site != tt.site || got.SpaceID.Reveal() != tt.id {
				t.Errorf("got gateway of %q with ID %q (%s); want %q, %q", site, got.SpaceID.Reveal(), got.Why, tt.site, tt.id)
			}
		})
	}
}

func TestIdentifyBelievesNoHeader(t *testing.T) {
	dir := acme(t)
	in := &sip.Invite{Identity: sip.Identity{Username: "+33170001201"}, From: sip.Address{URI: sip.URI{User: "+33170009999"}}}
	c, err := identify(dir, in)
	if err != nil || c.Number != "+33170001201" || c.User.Name != "Alice" {
		t.Errorf("got %v, %v; want the line's own number", c, err)
	}
	for _, id := range []sip.Identity{{}, {Username: "nobody"}, {Trunk: "paris.test/other"}, {Trunk: "carrier"}} {
		if c, err := identify(dir, &sip.Invite{Identity: id}); err == nil {
			t.Errorf("%+v is %v, want an error", id, c)
		}
	}
}
