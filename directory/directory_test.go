package directory_test

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

func demo(t testing.TB) *directory.Directory {
	t.Helper()
	d, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLookUps(t *testing.T) {
	d := demo(t)
	paris, ok := d.SiteByDomain("PARIS.acme.test")
	if !ok || paris.Name != "Paris" {
		t.Fatal("no Paris by domain")
	}
	montreal := d.Sites()[1]
	if s, ok := d.SiteByGateway("+33170001000"); !ok || s != paris {
		t.Error("gateway of Paris not found")
	}
	if _, ok := d.SiteByGateway("+15145550100"); ok {
		t.Error("Montreal has no gateway number, but is found by one")
	}
	for n, want := range map[directory.Number]*directory.Site{
		"+33170001000": paris, "+33170001001": paris, "+33170001201": paris, "+33170001301": paris,
		"+15145550100": montreal, "+15145550301": montreal, "+33999999999": nil,
	} {
		if got, ok := d.SiteOfNumber(n); got != want || ok != (want != nil) {
			t.Errorf("%s is of %v, want %v", n, got, want)
		}
	}
	alice, ok := d.UserByNumber("+33170001201")
	if !ok || alice.Name != "Alice Martin" || alice.Site != paris || alice.Kind != directory.Person {
		t.Fatalf("Alice: %+v", alice)
	}
	if u, ok := d.UserByExtension(paris, "201"); !ok || u != alice {
		t.Error("201 in Paris is not Alice")
	}
	if u, ok := d.UserByExtension(montreal, "201"); !ok || u.Name != "Dana Lee" {
		t.Error("201 in Montreal is not Dana")
	}
	if w, ok := d.UserByNumber("+33170001301"); !ok || w.Kind != directory.Workspace || !w.Phone.Host.Enabled {
		t.Error("the desk is not found")
	}
	phone, ok := d.DeviceByUsername("+33170001201")
	if !ok || phone.User != alice || !phone.Primary {
		t.Errorf("Alice's phone: %+v", phone)
	}
	app, ok := d.DeviceByUsername("alice-app")
	if !ok || app.User != alice || app.Primary {
		t.Errorf("Alice's app: %+v", app)
	}
	if dev, ok := d.DeviceByMAC("00:a0:c9:11:22:01"); !ok || dev != phone {
		t.Error("no phone by its MAC address")
	}
	if u, ok := d.UserByEmail("Alice@ACME.test"); !ok || u != alice {
		t.Error("no Alice by e-mail")
	}
	n := 0
	for range d.Devices() {
		n++
	}
	if n != 7 {
		t.Errorf("%d devices, the demo has 7", n)
	}
}

func TestUserByURI(t *testing.T) {
	d := demo(t)
	for _, test := range []struct{ user, host, want string }{
		{"+33170001201", "paris.acme.test", "Alice Martin"},
		{"+33170001201", "192.0.2.1", "Alice Martin"},
		{"201", "paris.acme.test", "Alice Martin"},
		{"201", "MONTREAL.acme.test", "Dana Lee"},
		{"201", "192.0.2.1", ""}, // both sites have one
		{"202", "192.0.2.1", "Bruno Keller"},
		{"202", "montreal.acme.test", ""},
		{"100", "192.0.2.1", ""}, // the gateway is nobody's line
		{"alice-app", "192.0.2.1", "Alice Martin"},
		{"alice-app", "paris.acme.test", "Alice Martin"},
		{"nobody", "paris.acme.test", ""},
		{"", "", ""},
	} {
		u, ok := d.UserByURI(test.user, test.host)
		if ok != (test.want != "") || ok && u.Name != test.want {
			t.Errorf("%s@%s is %v, want %q", test.user, test.host, u, test.want)
		}
	}
}

func TestSpaces(t *testing.T) {
	d := demo(t)
	paris, montreal := d.Sites()[0], d.Sites()[1]
	sp, ok := d.SpaceByID(paris, "48213907752")
	if !ok || sp.Owner.Name != "Alice Martin" || !sp.Video || !sp.Tones || sp.Alone != directory.AloneNotice {
		t.Fatalf("Alice's space: %+v", sp)
	}
	if _, ok := d.SpaceByID(montreal, "48213907752"); ok {
		t.Error("a space of Paris opens in Montreal")
	}
	for _, id := range []string{"", "4821390775", "48213907753", "paris.acme.test\x0048213907752"} {
		if _, ok := d.SpaceByID(paris, id); ok {
			t.Errorf("%q opens something", id)
		}
	}
	if got, ok := d.SpaceByRef(sp.Ref); !ok || got != sp {
		t.Error("not found by its own name")
	}
	if got, ok := d.SpaceOf(sp.Owner); !ok || got != sp {
		t.Error("not found by its owner")
	}
	if len(d.Spaces()) != 3 {
		t.Errorf("%d spaces, three users are entitled", len(d.Spaces()))
	}
	if strings.Contains(sp.Ref, sp.ID.Reveal()) {
		t.Error("the public name gives the ID away")
	}
	camille, _ := d.UserByNumber("+33170001203")
	if _, ok := d.SpaceOf(camille); ok {
		t.Error("Camille is not entitled to a space and has one")
	}
}

func TestSpaceSettings(t *testing.T) {
	off := false
	e := sitefile.Demo()
	e.Sites[0].Spaces = directory.SpaceSettings{Tones: &off, Alone: directory.AloneMusic}
	e.Sites[0].Users[0].Space = directory.SpaceSettings{Alone: directory.AloneSilence}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	alice, _ := d.SpaceOf(e.Sites[0].Users[0])
	bruno, _ := d.SpaceOf(e.Sites[0].Users[1])
	if alice.Tones || alice.Alone != directory.AloneSilence {
		t.Errorf("Alice's own setting over the site's: %+v", alice)
	}
	if bruno.Tones || bruno.Alone != directory.AloneMusic {
		t.Errorf("the site's settings: %+v", bruno)
	}
}

func TestTrunkByAddr(t *testing.T) {
	e := sitefile.Demo()
	site := e.Sites[1]
	add := func(name, address string, auth directory.TrunkAuth) {
		tr := directory.NewTrunk()
		tr.Name, tr.Address, tr.Auth, tr.Username, tr.Password = name, address, auth, "user of "+name, "p"
		site.Trunks = append(site.Trunks, tr)
	}
	add("any port", "192.0.2.7", directory.AuthIP)
	add("one port of the same", "192.0.2.7:5070", directory.AuthIP)
	add("v6", "[2001:db8::1]:5060", directory.AuthIP)
	add("v6 any port", "2001:db8::2", directory.AuthIP)
	add("proves itself", "192.0.2.8", directory.AuthDigest)
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1:5090":          "carrier",
		"127.0.0.1:5091":          "", // an address with a port trusts that port only
		"[::ffff:127.0.0.1]:5090": "carrier",
		"192.0.2.7:5070":          "one port of the same",
		"192.0.2.7:40000":         "any port",
		"[2001:db8::1]:5060":      "v6",
		"[2001:db8::1]:5061":      "",
		"[2001:db8::2]:1":         "v6 any port",
		"192.0.2.8:5060":          "", // not by its address
		"192.0.2.9:5060":          "",
	} {
		tr, ok := d.TrunkByAddr(netip.MustParseAddrPort(addr))
		if ok != (want != "") || ok && (tr.Name != want || tr.Site == nil) {
			t.Errorf("%s is %v, want %q", addr, tr, want)
		}
	}
}

func TestNewRefusesAndNamesEachFault(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Number = e.Sites[0].Users[0].Number
	e.Sites[1].Users[0].PIN = "12x4"
	_, err := directory.New(e)
	if !errors.Is(err, directory.ErrInvalid) {
		t.Fatalf("not refused: %v", err)
	}
	faults := directory.Faults(err)
	// Bruno's number was also the shared line of Alice's phone.
	want := []string{"sites[0].users[0].phone.lines[0].number", "sites[0].users[1].number", "sites[1].users[0].pin"}
	if len(faults) != len(want) {
		t.Fatalf("faults: %v", err)
	}
	for i, f := range faults {
		if f.Path != want[i] {
			t.Errorf("fault %d is %v, want one of %s", i, f, want[i])
		}
	}
	if strings.Contains(err.Error(), "12x4") {
		t.Error("the error tells the PIN")
	}
}

// TestNewFillsIn wants an enterprise made by hand, without any setting, to work.
func TestNewFillsIn(t *testing.T) {
	e := &directory.Enterprise{Sites: []*directory.Site{{
		Name: "S", Domain: "S.test", Country: "FR", Timezone: "Europe/Paris",
		Users:      []*directory.User{{Name: "U", Extension: "201", Collaboration: true, SpaceID: "48213907752"}},
		Workspaces: []*directory.User{{Name: "W", Extension: "301", Phone: &directory.Device{Username: "w", Password: "w", Host: &directory.Host{Enabled: true}}}},
		Trunks:     []*directory.Trunk{{Name: "T", Address: "192.0.2.1"}},
	}}}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := d.SiteByDomain("s.TEST")
	if s.WrongIDsPerHour != 20 || s.ExtensionLength != 3 || s.SpaceIDLength != 11 || s.Language != directory.English {
		t.Errorf("defaults: %+v", s)
	}
	if w := s.Workspaces[0]; w.Kind != directory.Workspace || w.Entitled() || w.Phone.Host.LimitHours != 24 || w.Phone.Host.Scope != directory.ScopeSite {
		t.Errorf("workspace: %+v", w)
	}
	if sp, ok := d.SpaceByID(s, "48213907752"); !ok || sp.Ref != "space-1" {
		t.Errorf("space: %+v", sp)
	}
}

func TestEmergencyNumbers(t *testing.T) {
	d := demo(t)
	paris, montreal := d.Sites()[0], d.Sites()[1]
	for _, n := range []string{"15", "17", "18", "112"} {
		if !paris.IsEmergency(n) {
			t.Errorf("%s is an emergency number of Paris", n)
		}
	}
	if paris.IsEmergency("911") || paris.IsEmergency("201") || !montreal.IsEmergency("911") {
		t.Error("the wrong list")
	}
	nowhere := &directory.Site{Country: "AQ"}
	if !nowhere.IsEmergency("112") || !nowhere.IsEmergency("911") {
		t.Error("a country without a list must reach help too")
	}
}

func TestLiveSwap(t *testing.T) {
	l := directory.NewLive(demo(t))
	next := demo(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				d := l.Current()
				if _, ok := d.SpaceByID(d.Sites()[0], "48213907752"); !ok {
					t.Error("a snapshot without its space")
				}
			}
		})
	}
	l.Swap(next)
	wg.Wait()
	if l.Current() != next {
		t.Error("not swapped")
	}
}
