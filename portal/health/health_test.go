package health

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/i18n"
	"passerelle/portal/sources"
	"passerelle/provision"
	"passerelle/sip"
)

func newLive(t *testing.T) *directory.Live {
	t.Helper()
	e := sitefile.Demo()
	for _, s := range e.Sites { // nothing is wrong with it
		if s.Gateway.Number == "" && len(s.Numbers) > 0 {
			s.Gateway.Number = s.Numbers[0]
		}
	}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return directory.NewLive(d)
}

type bindings []sip.Binding

func (b bindings) All() iter.Seq[sip.Binding] { return slices.Values(b) }

// TestEachProblemIsToldInItsTime looks at parts on both sides of each bound.
func TestEachProblemIsToldInItsTime(t *testing.T) {
	day := 24 * time.Hour
	cert := func(left time.Duration) func(*Config) {
		return func(c *Config) {
			c.Certificates = func() []Certificate { return []Certificate{{"sip.acme.test", time.Now().Add(left)}} }
		}
	}
	disk := func(free, total uint64, err error) func(*Config) {
		return func(c *Config) { c.Disk = func() (Disk, error) { return Disk{free, total}, err } }
	}
	for name, c := range map[string]struct {
		set  func(*Config)
		want string // kind and severity; empty for nothing
	}{
		"nothing to look at":    {func(*Config) {}, ""},
		"certificate for long":  {cert(31 * day), ""},
		"certificate for weeks": {cert(29 * day), "certificate_ends warning"},
		"certificate for days":  {cert(6 * day), "certificate_ends bad"},
		"certificate is over":   {cert(-time.Hour), "certificate_ended bad"},
		"room":                  {disk(50<<30, 100<<30, nil), ""},
		"room of a small disk":  {disk(300<<20, 1<<30, nil), ""},
		"little room":           {disk(1<<30, 100<<30, nil), "disk_filling warning"},
		"no room":               {disk(100<<20, 100<<30, nil), "disk_full bad"},
		"unknown room":          {disk(0, 0, errors.New("no")), ""},
		"fast disk":             {func(c *Config) { c.Writes = func() time.Duration { return 20 * time.Millisecond } }, ""},
		"slow disk":             {func(c *Config) { c.Writes = func() time.Duration { return 300 * time.Millisecond } }, "disk_slow warning"},
		"very slow disk":        {func(c *Config) { c.Writes = func() time.Duration { return 3 * time.Second } }, "disk_slow bad"},
		"store follows":         {func(c *Config) { c.Behind = func() *sip.Behind { return nil } }, ""},
		"store behind":          {func(c *Config) { c.Behind = func() *sip.Behind { return &sip.Behind{Since: time.Now()} } }, "store_behind bad"},
		"reload went well":      {func(c *Config) { c.Reload = func() (time.Time, string) { return time.Time{}, "" } }, ""},
		"reload refused": {func(c *Config) {
			c.Reload = func() (time.Time, string) { return time.Now(), "cert.pem:1: cert: has ended" }
		}, "reload_refused warning"},
		"ports left":      {func(c *Config) { c.Ports = func() (int, int) { return 89, 100 } }, ""},
		"few ports left":  {func(c *Config) { c.Ports = func() (int, int) { return 90, 100 } }, "ports_scarce warning"},
		"no ports left":   {func(c *Config) { c.Ports = func() (int, int) { return 100, 100 } }, "ports_scarce bad"},
		"IDs are guessed": {func(c *Config) { c.Guessed = func() []string { return []string{"paris.acme.test", "gone.test"} } }, "ids_guessed warning"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Directory: newLive(t)}
			c.set(&cfg)
			var got []string
			for _, p := range New(cfg).Problems() {
				got = append(got, string(p.Kind)+" "+string(p.Severity))
				for _, lang := range i18n.Languages {
					speak := i18n.For(lang)
					if text := p.Text(speak) + p.Do(speak); strings.Contains(text, "health.") || strings.Contains(text, "{") {
						t.Errorf("%s: %s", lang, text)
					}
				}
			}
			if all := strings.Join(got, ", "); all != c.want {
				t.Errorf("%q, want %q", all, c.want)
			}
		})
	}
}

// TestEveryKindHasTexts follows the kinds that the table above does not meet, too.
func TestEveryKindHasTexts(t *testing.T) {
	for _, k := range []Kind{
		NoGatewayNumber, TrunkDown, TrunkRegistering, CertificateEnds, CertificateEnded, DiskFull, DiskFilling, DiskSlow, StoreBehind, ReloadRefused, PortsScarce, PhonesOld,
		PhoneRefused, SourceBlocked, IDsGuessed, More,
	} {
		for _, lang := range i18n.Languages {
			if p := i18n.For(lang); !p.Has("health."+string(k)) || !p.Has("health."+string(k)+".do") {
				t.Errorf("%s has no text in %s", k, lang)
			}
		}
	}
	for _, c := range []sources.Cause{
		sources.Banned, sources.Flooding, sources.Malformed, sources.WrongPasswords, sources.ManyAccounts, sources.PasswordsFromAll, sources.WrongCodes, sources.WrongLinks,
	} {
		for _, lang := range i18n.Languages {
			if !i18n.For(lang).Has("blocked." + string(c)) {
				t.Errorf("%s has no text in %s", c, lang)
			}
		}
	}
}

func TestTrunksThatFail(t *testing.T) {
	live := newLive(t)
	site := live.Current().Sites()[0]
	trunk := func(name string, c trunks.Condition, r *trunks.RegistrationState) trunks.State {
		return trunks.State{Trunk: &directory.Trunk{Name: name, Site: site}, Condition: c, Registration: r, Since: time.Now()}
	}
	states := []trunks.State{
		trunk("up", trunks.Up, &trunks.RegistrationState{Registered: true, Since: time.Now()}),
		trunk("fresh", trunks.Unknown, &trunks.RegistrationState{}), // was never answered
		trunk("refused", trunks.Up, &trunks.RegistrationState{Since: time.Now(), Cause: "denied"}),
		trunk("down", trunks.Down, nil),
	}
	states[2].Registration.Since = time.Now().Add(time.Hour) // the latest comes first
	got := New(Config{Directory: live, Trunks: func() []trunks.State { return states }}).Problems()
	if len(got) != 2 || got[1].Kind != TrunkRegistering || got[0].Kind != TrunkDown || got[0].Site != site.Domain || got[0].ID == got[1].ID {
		t.Fatalf("%+v", got)
	}
	if text := got[1].Text(i18n.For(directory.English)); !strings.Contains(text, "trunk refused – It refuses the user") {
		t.Error(text)
	}
}

// TestPhonesWithAnOldProfile tells of those that are there and had time to fetch; what is dear is not asked twice in a row.
func TestPhonesWithAnOldProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := newLive(t)
		var phones []provision.State
		var here bindings
		for d := range live.Current().Devices() {
			if d.User.Site.Domain != "paris.acme.test" {
				continue
			}
			s := provision.State{Device: d}
			s.Fetch = &provision.Fetch{At: time.Now(), Username: d.Username}
			phones = append(phones, s)
			if len(here) < 2 {
				here = append(here, sip.Binding{Username: d.Username, Source: sip.Source{Transport: "UDP", Remote: netip.MustParseAddrPort("192.0.2.7:5060")}, Since: time.Now()})
			}
		}
		asked := 0
		c := New(Config{Directory: live, Registrations: here, Stale: func() []provision.State { asked++; return phones }})
		if got := c.Problems(); len(got) != 0 {
			t.Errorf("at once: %+v", got)
		}
		time.Sleep(6 * time.Minute)
		for range 3 {
			got := c.Problems()
			if len(got) != 1 || got[0].Kind != PhonesOld || fmt.Sprint(got[0].Args[1]) != "2" || got[0].Site != "paris.acme.test" {
				t.Fatalf("%+v", got)
			}
		}
		if asked != 2 {
			t.Error("asked", asked, "times")
		}
	})
}

// TestManyOfAKindAreSummedUp shuts out a whole office.
func TestManyOfAKindAreSummedUp(t *testing.T) {
	live := newLive(t)
	var wrong []sip.Wrong
	for d := range live.Current().Devices() {
		for i := range 10 {
			wrong = append(wrong, sip.Wrong{Source: netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}), Username: d.Username, Tries: 9, First: time.Now()})
		}
	}
	c := New(Config{Directory: live, Wrongs: func() []sip.Wrong { return wrong }})
	sees := func(domain string) bool { return domain == "montreal.acme.test" }
	got := Visible(c.Problems(), true, sees)
	more := slices.IndexFunc(got, func(p Problem) bool { return p.Kind == More })
	if len(got) != maxOfKind+1 || more < 0 || got[more].Args[0] != len(wrong)-maxOfKind {
		t.Errorf("%d problems of %d: %+v", len(got), len(wrong), got)
	}
	for _, p := range Visible(c.Problems(), false, sees) {
		if p.Site != "montreal.acme.test" && p.Kind != More {
			t.Errorf("%+v", p)
		}
	}
}

// TestBansAreNoProblem tells of blocked sources, but not of what somebody has banned.
func TestBansAreNoProblem(t *testing.T) {
	blocked := []sources.Blocked{
		{ID: "1", Source: netip.MustParsePrefix("192.0.2.0/24"), Cause: sources.Banned},
		{ID: "2", Source: netip.MustParsePrefix("203.0.113.9/32"), Cause: sources.Flooding, Sites: []string{"paris.acme.test", "montreal.acme.test"}},
	}
	got := New(Config{Directory: newLive(t), Blocked: func() []sources.Blocked { return blocked }}).Problems()
	if len(got) != 2 || got[0].Args[0] != "203.0.113.9" || got[0].Site == got[1].Site || got[0].ID == got[1].ID {
		t.Errorf("%+v", got)
	}
}
