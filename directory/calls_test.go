package directory_test

import (
	"net/netip"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

func TestNightIncludes(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse("Mon 2006-01-02 15:04", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	over := directory.Night{From: "19:30", To: "07:00"}
	noon := directory.Night{From: "12:00", To: "14:00"}
	weekend := directory.Night{Weekend: true}
	for _, test := range []struct {
		name  string
		night directory.Night
		at    string
		want  bool
	}{
		{"none", directory.Night{}, "Mon 2026-03-02 03:00", false},
		{"before", over, "Mon 2026-03-02 19:29", false},
		{"first minute", over, "Mon 2026-03-02 19:30", true},
		{"midnight", over, "Tue 2026-03-03 00:00", true},
		{"last minute", over, "Tue 2026-03-03 06:59", true},
		{"over", over, "Tue 2026-03-03 07:00", false},
		{"within a day, before", noon, "Mon 2026-03-02 11:59", false},
		{"within a day", noon, "Mon 2026-03-02 13:59", true},
		{"within a day, over", noon, "Mon 2026-03-02 14:00", false},
		{"Friday", weekend, "Fri 2026-03-06 23:59", false},
		{"Saturday", weekend, "Sat 2026-03-07 00:00", true},
		{"Sunday noon", weekend, "Sun 2026-03-08 12:00", true},
		{"Monday", weekend, "Mon 2026-03-09 00:00", false},
	} {
		if got := test.night.Includes(at(test.at)); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestSiteByPrefixedAndInbound(t *testing.T) {
	e := sitefile.Demo()
	paris, montreal := e.Sites[0], e.Sites[1]
	paris.Prefix, montreal.Prefix = "81", "8002"
	paris.Inbound = []directory.Inbound{{Number: "+33170001001", To: "203"}}
	montreal.Inbound = []directory.Inbound{{Number: "+15145550100", To: "+33170001201"}}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	for digits, want := range map[string]struct {
		site *directory.Site
		ext  string
	}{
		"81201": {paris, "201"}, "81999": {paris, "999"}, "8002201": {montreal, "201"},
		"8120": {}, "812011": {}, "800220": {}, "81": {}, "": {}, "201": {}, "7201": {},
	} {
		if s, ext, ok := d.SiteByPrefixed(digits); s != want.site || ext != want.ext || ok != (want.site != nil) {
			t.Errorf("%s is %q of %v", digits, ext, s)
		}
	}
	if u, s, ok := d.InboundByNumber("+33170001001"); !ok || s != paris || u.Name != "Camille Roy" {
		t.Errorf("the main number of Paris is for %v of %v", u, s)
	}
	if u, s, ok := d.InboundByNumber("+15145550100"); !ok || s != montreal || u.Name != "Alice Martin" {
		t.Errorf("the main number of Montreal is for %v of %v", u, s)
	}
	if _, _, ok := d.InboundByNumber("+33170001000"); ok {
		t.Error("a number without an inbound rule has one")
	}
	paris.Inbound[0].To = directory.InboundGateway
	if d, err = directory.New(e); err != nil {
		t.Fatal(err)
	}
	if u, s, ok := d.InboundByNumber("+33170001001"); !ok || u != nil || s != paris {
		t.Errorf("a further number of the gateway is for %v of %v", u, s)
	}
}

func TestRingTime(t *testing.T) {
	site := &directory.Site{RingSeconds: 45}
	for _, test := range []struct {
		name string
		user directory.User
		want time.Duration
	}{
		{"no setting at all", directory.User{}, time.Minute},
		{"the site's", directory.User{Site: site}, 45 * time.Second},
		{"until it is forwarded", directory.User{Site: site, Forwards: directory.Forwards{NoAnswer: directory.NoAnswer{Target: "0612345678", Seconds: 15}}}, 15 * time.Second},
		{"until it is forwarded, by default", directory.User{Site: site, Forwards: directory.Forwards{NoAnswer: directory.NoAnswer{Target: "0612345678"}}}, 20 * time.Second},
	} {
		if got := test.user.RingTime(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestPublicNumber(t *testing.T) {
	for want, s := range map[directory.Number]*directory.Site{
		"":             {},
		"+33170001000": {Numbers: []directory.Number{"+33170001000", "+33170001001"}},
		"+33170001001": {Numbers: []directory.Number{"+33170001000", "+33170001001"}, CallerNumber: "+33170001001"},
		"+33170001002": {Numbers: []directory.Number{"+33170001000", "+33170001002"}, Gateway: directory.Gateway{Number: "+33170001000"}},
		"+33170001003": {Numbers: []directory.Number{"+33170001003"}, Gateway: directory.Gateway{Number: "+33170001003"}},
	} {
		if got := s.PublicNumber(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestFeatureCodes(t *testing.T) {
	all := directory.DefaultFeatureCodes.All()
	seen := make(map[directory.Feature]bool)
	for _, c := range all {
		if c.Code == "" || seen[c.Feature] {
			t.Errorf("%s has code %q", c.Feature, c.Code)
		}
		seen[c.Feature] = true
	}
	d, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	s := d.Sites()[0]
	if s.FeatureCodes != directory.DefaultFeatureCodes {
		t.Errorf("codes by default: %+v", s.FeatureCodes)
	}
	e := sitefile.Demo()
	e.Sites[0].FeatureCodes = directory.FeatureCodes{Park: directory.FeatureOff, DND: "*5"}
	if _, err := directory.New(e); err != nil {
		t.Fatal(err)
	}
	if c := e.Sites[0].FeatureCodes; c.Park != directory.FeatureOff || c.DND != "*5" || c.DNDOff != "*79" {
		t.Errorf("some codes given: %+v", c)
	}
}

func TestBackupAddressesAreTrusted(t *testing.T) {
	e := sitefile.Demo()
	tr := e.Sites[0].Trunks[0]
	tr.BackupAddresses = []string{"192.0.2.9", "[2001:db8::9]:5070"}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]bool{
		"127.0.0.1:5090": true, "192.0.2.9:1": true, "[2001:db8::9]:5070": true, "[2001:db8::9]:5060": false, "192.0.2.10:5060": false,
	} {
		if got, ok := d.TrunkByAddr(netip.MustParseAddrPort(addr)); ok != want || ok && got != tr {
			t.Errorf("%s is %v", addr, got)
		}
	}
	if tr.Presentation != directory.PresentE164 || tr.CallerID != directory.CallerIDUser {
		t.Errorf("defaults: %+v", tr)
	}
}
