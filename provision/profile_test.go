package provision

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

var update = flag.Bool("update", false, "rewrite the profiles in testdata")

var autumn = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func newDirectory(t testing.TB, edit ...func(*directory.Enterprise)) *directory.Directory {
	t.Helper()
	e := sitefile.Demo()
	for _, f := range edit {
		f(e)
	}
	dir, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func phone(t testing.TB, dir *directory.Directory, mac directory.MAC) *directory.Device {
	t.Helper()
	d, ok := dir.DeviceByMAC(mac)
	if !ok {
		t.Fatalf("no phone %s", mac)
	}
	return d
}

// parsed reads a profile as a phone does: one flat-profile of parameters, each once, with text only.
func parsed(t testing.TB, profile []byte) map[string]string {
	t.Helper()
	name := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	d := xml.NewDecoder(bytes.NewReader(profile))
	all := make(map[string]string)
	var stack []string
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(stack) == 0 && token.Name.Local != "flat-profile" || len(stack) > 1 {
				t.Fatalf("%s inside %v", token.Name.Local, stack)
			}
			if len(stack) == 1 {
				if len(token.Attr) != 1 || token.Attr[0].Name.Local != "ua" || !strings.Contains("na ro rw", token.Attr[0].Value) {
					t.Errorf("%s has attributes %v", token.Name.Local, token.Attr)
				}
				if _, twice := all[token.Name.Local]; twice || !name.MatchString(token.Name.Local) {
					t.Errorf("%s is there twice, or has no proper name", token.Name.Local)
				}
			}
			stack = append(stack, token.Name.Local)
			text.Reset()
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			if len(stack) == 2 {
				all[token.Name.Local] = text.String()
			}
			stack = stack[:len(stack)-1]
		case xml.Directive, xml.Comment:
			t.Errorf("unexpected %v", token)
		}
	}
	if len(stack) != 0 || len(all) < 50 {
		t.Fatalf("%d parameters, %v open", len(all), stack)
	}
	return all
}

// TestProfiles compares the demo's profiles with those in testdata. With -update it writes them there.
func TestProfiles(t *testing.T) {
	monitored := func(e *directory.Enterprise) { e.Sites[0].Users[0].Monitored = []string{"202", "203"} }
	dir := newDirectory(t, monitored)
	for name, mac := range map[string]directory.MAC{
		"cp-8865-user":    "00:a0:c9:11:22:01", // another line, monitored lines
		"cp-7841-user":    "00:a0:c9:11:22:03",
		"cp-8851-host":    "00:a0:c9:11:22:31",
		"cp-6851-english": "00:a0:c9:11:22:51",
	} {
		t.Run(name, func(t *testing.T) {
			got := newRenderer(dir, true, autumn).profile(phone(t, dir, mac), "https://pbx.acme.test/p/TOKEN/")
			parsed(t, got)
			file := filepath.Join("testdata", name+".xml")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestHostileNames puts into a profile what would leave its element, or break the document.
func TestHostileNames(t *testing.T) {
	const name = "</Station_Name>\n<Password_1_>&lol;<![CDATA[é\"'\x00\x1b]]>\ufffe"
	dir := newDirectory(t)
	u := phone(t, dir, "00:a0:c9:11:22:01").User
	u.Name, u.Phone.Password = name, "<&>'\"]]>" // not all of it passes the directory
	got := parsed(t, newRenderer(dir, false, autumn).profile(phone(t, dir, "00:a0:c9:11:22:01"), "https://pbx.acme.test/p/TOKEN/"))
	if want := "</Station_Name><Password_1_>&lol;<![CDATA[é\"']]>"; got["Station_Name"] != want || got["Display_Name_1_"] != want {
		t.Errorf("got %q", got["Station_Name"])
	}
	if got["Password_1_"] != "<&>'\"]]>" {
		t.Errorf("password %q", got["Password_1_"])
	}
}

// TestNothingStaysOfOthers wants a phone that moves to somebody with fewer lines to lose the lines it had.
func TestNothingStaysOfOthers(t *testing.T) {
	dir := newDirectory(t)
	before := parsed(t, newRenderer(dir, false, autumn).profile(phone(t, dir, "00:a0:c9:11:22:01"), "https://pbx.acme.test/p/TOKEN/"))
	moved := newDirectory(t, func(e *directory.Enterprise) {
		paris := e.Sites[0]
		paris.Workspaces[0].Phone.Host.Enabled = false
		alice, host := paris.Users[0], paris.Workspaces[0]
		alice.Phone.MAC, host.Phone.MAC = host.Phone.MAC, alice.Phone.MAC
		alice.Phone.Model, host.Phone.Model = host.Phone.Model, alice.Phone.Model
	})
	after := parsed(t, newRenderer(moved, false, autumn).profile(phone(t, moved, "00:a0:c9:11:22:01"), "https://pbx.acme.test/p/TOKEN/"))
	for name := range before {
		if _, ok := after[name]; !ok && !strings.HasSuffix(name, "_2_") {
			t.Errorf("%s stays as it was: %q", name, before[name])
		}
	}
	if before["Password_2_"] == "" || before["User_ID_2_"] != "+33170001202" {
		t.Fatalf("the second line was %q", before["User_ID_2_"])
	}
	for name, want := range map[string]string{
		"User_ID_1_": "+33170001301", "Line_Enable_2_": "No", "Register_2_": "No", "User_ID_2_": "", "Password_2_": "", "Display_Name_2_": "", "Extension_2_": "Disabled",
	} {
		if got, ok := after[name]; !ok || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// TestHostKeys wants the keys of guests on host phones, and nowhere else.
func TestHostKeys(t *testing.T) {
	for _, enabled := range []bool{true, false} {
		dir := newDirectory(t, func(e *directory.Enterprise) { e.Sites[0].Workspaces[0].Phone.Host.Enabled = enabled })
		got := parsed(t, newRenderer(dir, false, autumn).profile(phone(t, dir, "00:a0:c9:11:22:31"), "https://pbx.acme.test/p/TOKEN/"))
		if got["Enable_Broadsoft_Hoteling_1_"] != yes(enabled) || strings.HasPrefix(got["Idle_Key_List"], "guestin|;guestout|;") != enabled {
			t.Errorf("host %v: hoteling %s, keys %s", enabled, got["Enable_Broadsoft_Hoteling_1_"], got["Idle_Key_List"])
		}
		if got["Enable_Broadsoft_Hoteling_2_"] != "No" {
			t.Error("hoteling on a line that is not the phone's own")
		}
	}
}

// TestTransport wants the site's transport before the server's, and SRTP always where signalling is sealed.
func TestTransport(t *testing.T) {
	for _, tc := range []struct {
		name              string
		set               directory.Transport
		direct, tls       bool
		transport, secure string
	}{
		{"nothing set, no TLS", "", false, false, "UDP", "Optional"},
		{"nothing set, TLS", "", false, true, "TLS", "Strict"},
		{"set to TCP", directory.TCP, false, true, "TCP", "Optional"},
		{"media from phone to phone", "", true, true, "TLS", "Optional"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := newDirectory(t, func(e *directory.Enterprise) {
				e.Sites[0].Phones = directory.Phones{Transport: tc.set, Proxy: "sip.paris.test:5071"}
				e.Sites[0].DirectMedia = tc.direct
			})
			got := parsed(t, newRenderer(dir, tc.tls, autumn).profile(phone(t, dir, "00:a0:c9:11:22:01"), "https://pbx.acme.test/p/TOKEN/"))
			if got["SIP_Transport_1_"] != tc.transport || got["Secure_Call_Option_1_"] != tc.secure || got["Outbound_Proxy_1_"] != "sip.paris.test:5071" {
				t.Errorf("transport %s, SRTP %s, proxy %s", got["SIP_Transport_1_"], got["Secure_Call_Option_1_"], got["Outbound_Proxy_1_"])
			}
		})
	}
}

func TestTimeZones(t *testing.T) {
	for _, tc := range []struct{ name, zone, rule string }{
		{"Europe/Paris", "GMT+01:00", "start=3/-1/7/02:00:00;end=10/-1/7/03:00:00;save=1:0:0"},
		{"America/Toronto", "GMT-05:00", "start=3/8/7/02:00:00;end=11/1/7/02:00:00;save=1:0:0"},
		{"America/St_Johns", "GMT-03:30", "start=3/8/7/02:00:00;end=11/1/7/02:00:00;save=1:0:0"},
		{"Australia/Sydney", "GMT+10:00", "start=10/1/7/02:00:00;end=4/1/7/03:00:00;save=1:0:0"},
		{"Australia/Lord_Howe", "GMT+10:30", "start=10/1/7/02:00:00;end=4/1/7/02:00:00;save=0:30:0"},
		{"Indian/Reunion", "GMT+04:00", ""},
		{"Asia/Kathmandu", "GMT+05:45", ""},
		{"Africa/Casablanca", "GMT+01:00", ""}, // follows Ramadan
		{"UTC", "GMT", ""},
		{"Europe/London", "GMT", "start=3/-1/7/01:00:00;end=10/-1/7/02:00:00;save=1:0:0"},
	} {
		for _, now := range []time.Time{autumn, autumn.AddDate(0, -5, 0)} {
			if got := zoneOf(tc.name, now); got.zone != tc.zone || got.rule != tc.rule {
				t.Errorf("%s at %s: %s %s", tc.name, now.Format(time.DateOnly), got.zone, got.rule)
			}
		}
	}
}

func TestDialPlan(t *testing.T) {
	dir := newDirectory(t)
	if got, want := dialPlan(dir.Sites()[0]), "(15S0|17S0|18S0|112S0|*xx|*xxx.|#xx|#xxx.|xxx|xx.|+x.)"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	dir = newDirectory(t, func(e *directory.Enterprise) { e.Sites[0].Users[1].Extension = "152" })
	if got := dialPlan(dir.Sites()[0]); !strings.HasPrefix(got, "(15|17S0|") {
		t.Errorf("extension 152 cannot be dialled: %s", got)
	}
}

func TestModels(t *testing.T) {
	for name, want := range map[string]model{
		"CP-8865-3PCC": {16, 10}, "CP-7841-3PCC": {4, 4}, "7811": {1, 1}, "Yealink T54": {3, 3}, "": {3, 3},
	} {
		if got := modelOf(name, 3); got != want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
