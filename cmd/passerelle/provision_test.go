package main

import (
	"crypto/tls"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/softphone"
)

// unboxed is a Cisco MPP phone as it comes out of its box: it knows its MAC address and what a person typed, the link of
// its first profile, and does everything else by itself.
type unboxed struct {
	w       *world
	mac     string // twelve hexadecimal digits
	rule    string // Profile_Rule
	profile map[string]string
	phone   *ringing
	host    *mpp // while the profile makes it one
	shown   shown
	resync  chan *softphone.Message // NOTIFYs that proved the password
	refused int                     // NOTIFYs that did not
}

// unbox connects a phone and lets it start.
func (w *world) unbox(mac directory.MAC, link string) *unboxed {
	w.t.Helper()
	u := &unboxed{w: w, mac: strings.ReplaceAll(string(mac), ":", ""), rule: "https://pbx.acme.test" + link + "$PSN.xml", resync: make(chan *softphone.Message, 8)}
	u.boot()
	return u
}

// fetch gets the profile of Profile_Rule, whose macros the phone fills in.
func (u *unboxed) fetch() (code int) {
	u.w.t.Helper()
	for range 2 { // a first profile names another place, where the phone looks next
		target, err := url.Parse(strings.NewReplacer("$PSN", "CP-8851-3PCC", "$MAU", strings.ToUpper(u.mac), "$MA", u.mac).Replace(u.rule))
		if err != nil {
			u.w.t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(u.w.t.Context(), http.MethodGet, target.String(), nil)
		r.Header.Set("User-Agent", "Cisco-CP-8851-3PCC/12.0.3 ("+u.mac+")")
		r.TLS = &tls.ConnectionState{}
		answer := httptest.NewRecorder()
		u.w.house.phones.Handler().ServeHTTP(answer, r)
		if answer.Code != http.StatusOK {
			return answer.Code
		}
		var doc struct {
			Parameters []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		}
		if err := xml.Unmarshal(answer.Body.Bytes(), &doc); err != nil {
			u.w.t.Fatal(err)
		}
		u.profile = make(map[string]string)
		for _, p := range doc.Parameters {
			u.profile[p.XMLName.Local] = p.Value
		}
		moved := u.profile["Profile_Rule"] != u.rule
		u.rule = u.profile["Profile_Rule"]
		if !moved {
			break
		}
	}
	return http.StatusOK
}

// boot fetches, registers and subscribes as the profile says.
func (u *unboxed) boot() {
	u.w.t.Helper()
	if code := u.fetch(); code != http.StatusOK {
		u.w.t.Fatalf("profile: %d\n%s", code, u.w.log.String())
	}
	if u.phone != nil {
		_ = u.phone.Unregister(u.w.t.Context()) // fails where the former line has gone
		_ = u.phone.Close()
	}
	p := u.profile
	u.phone = u.w.registered(p["Auth_ID_1_"], p["Password_1_"], func(c *softphone.Config) {
		c.Line, c.Domain, c.Name = p["User_ID_1_"], p["Proxy_1_"], p["Display_Name_1_"]
		c.UserAgent = "Cisco-CP-8851-3PCC/12.0.3_" + u.mac
		c.GuardNotify = p["Auth_Resync-Reboot_1_"] == "Yes"
		c.OnNotice = func(m *softphone.Message) int {
			if m.Header("Event") == "resync" {
				u.resync <- m
			}
			return 200
		}
		if p["SIP_Transport_1_"] == "TLS" {
			byTLS(c)
		}
	})
	u.host = nil
	if p["Enable_Broadsoft_Hoteling_1_"] == "Yes" {
		u.host = &mpp{ringing: u.phone, w: u.w}
		u.shown = u.host.start()
	}
}

// keys are the softkeys that the phone shows at rest, by what is signed in.
func (u *unboxed) keys() (list []string) {
	for key := range strings.SplitSeq(u.profile["Idle_Key_List"], ";") {
		key, _, _ = strings.Cut(key, "|")
		if key == "guestin" && (u.host == nil || u.shown.guest != "") || key == "guestout" && u.shown.guest == "" {
			continue
		}
		list = append(list, key)
	}
	return list
}

// wantResync waits for the server to ask for a new start, proves that it did so as the phone's own line, and starts anew.
func (u *unboxed) wantResync() {
	u.w.t.Helper()
	select {
	case m := <-u.resync:
		if !strings.Contains(m.Header("Authorization"), `username="`+u.profile["Auth_ID_1_"]+`"`) {
			u.w.t.Errorf("resync by %q", m.Header("Authorization"))
		}
	case <-time.After(10 * time.Second):
		u.w.t.Fatalf("nobody asked the phone to fetch its profile\n%s", u.w.log.String())
	}
	u.boot()
}

func (u *unboxed) wantNoResync() {
	u.w.t.Helper()
	synctest.Wait()
	select {
	case <-u.resync:
		u.w.t.Error("the phone was asked to fetch what it has")
	default:
	}
}

// link makes the link of a phone's first profile.
func (w *world) link(mac directory.MAC) string {
	w.t.Helper()
	path, _, err := w.house.phones.NewSetup(w.t.Context(), mac)
	if err != nil {
		w.t.Fatal(err)
	}
	return path
}

// setUser changes a user of Paris as the portal does.
func (w *world) setUser(ext string, change func(*directory.User)) {
	w.t.Helper()
	if err := w.config.SetUser(w.t.Context(), w.user(ext).Ref, change); err != nil {
		w.t.Fatal(err)
	}
}

const freshMAC directory.MAC = "00:a0:c9:11:22:31"

// TestPhoneFromTheBox unboxes a phone and signs a guest in on it; nobody touches its menus.
func TestPhoneFromTheBox(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		w.setUser("301", func(u *directory.User) { u.Phone.Host.Enabled = false })
		u := w.unbox(freshMAC, w.link(freshMAC))
		if u.profile["SIP_Transport_1_"] != "TLS" || u.profile["User_ID_1_"] != "+33170001301" || u.host != nil || u.keys()[0] != "redial" {
			t.Fatalf("transport %s, line %s, keys %v", u.profile["SIP_Transport_1_"], u.profile["User_ID_1_"], u.keys())
		}
		// The administrator lets the phone take guests: its key is there without a walk to the phone.
		w.setUser("301", func(u *directory.User) { u.Phone.Host.Enabled = true })
		u.wantResync()
		if u.host == nil || u.keys()[0] != "guestin" {
			t.Fatalf("keys %v", u.keys())
		}
		u.shown = u.host.guestIn("201", alicePIN)
		u.host.as(u.shown, "201")
		if _, taken := w.house.desk.On(w.user("301").Ref); !taken || u.keys()[0] != "guestout" {
			t.Errorf("signed in %v, keys %v", taken, u.keys())
		}
		u.shown = u.host.guestOut()
		if u.keys()[0] != "guestin" {
			t.Errorf("keys %v", u.keys())
		}
		u.wantNoResync()
		if s, err := w.house.phones.State(freshMAC); err != nil || !s.Current || s.Setup != nil {
			t.Errorf("state %+v, %v", s, err)
		}
	})
}

// TestPhoneChangesHands gives a phone to somebody else: it is asked with the password that it has, and comes back with
// that of its new user.
func TestPhoneChangesHands(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		u := w.unbox(freshMAC, w.link(freshMAC))
		err := w.config.change(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
			paris := e.Sites[0]
			camille, desk := paris.Users[2].Phone, paris.Workspaces[0].Phone
			camille.MAC, desk.MAC = desk.MAC, camille.MAC
			return e, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		u.wantResync()
		if u.profile["User_ID_1_"] != "+33170001203" || u.host != nil {
			t.Fatalf("the phone is %s's", u.profile["User_ID_1_"])
		}
		u.wantNoResync()
		if n := len(w.house.registrar.Bindings("+33170001203@paris.acme.test")); n != 1 {
			t.Errorf("%d bindings of the new line", n)
		}
	})
}

// TestResyncOfLineThatLeft takes the phone's user away and gives the phone to another by the same import: the registration
// ends, and the phone is asked all the same.
func TestResyncOfLineThatLeft(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		u := w.unbox(freshMAC, w.link(freshMAC))
		err := w.config.change(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
			paris := e.Sites[0]
			paris.Workspaces, paris.Users[2].Phone.MAC = nil, freshMAC
			return e, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		u.wantResync()
		if u.profile["User_ID_1_"] != "+33170001203" {
			t.Errorf("the phone is %s's", u.profile["User_ID_1_"])
		}
	})
}

// TestStolenLink uses the link of a phone's first profile after the phone has: it is worth nothing, and the phone's own
// link is of no use for another phone.
func TestStolenLink(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		link := w.link(freshMAC)
		u := w.unbox(freshMAC, link)
		thief := &unboxed{w: w, mac: u.mac, rule: "https://pbx.acme.test" + link + "$MA.xml"}
		if code := thief.fetch(); code != http.StatusNotFound {
			t.Errorf("the link that works once: %d", code)
		}
		thief = &unboxed{w: w, mac: "00a0c9112201", rule: u.rule}
		if code := thief.fetch(); code != http.StatusNotFound {
			t.Errorf("another phone with the own link: %d", code)
		}
	})
}
