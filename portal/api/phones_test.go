package api

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/provision"
	"passerelle/sip"
)

// deskMAC is the phone of Bruno in these tests.
const deskMAC directory.MAC = "00:a0:c9:11:22:02"

// notifier answers in a phone's place.
type notifier struct{ err error }

func (n *notifier) Notify(context.Context, sip.Notice) error { return n.err }

// withPhones gives Bruno's phone a MAC address.
func withPhones(t *testing.T) (*world, *notifier) {
	t.Helper()
	n := &notifier{}
	return newWorld(t, func(w *world) {
		bruno := w.dir.Current().Sites()[0].Users[1]
		bruno.Phone.MAC, bruno.Phone.Model = deskMAC, "CP-8851-3PCC"
		w.dir.Current().Sites()[0].Phones.URL = "https://pbx.acme.test"
		dir, err := directory.New(w.dir.Current().Enterprise())
		if err != nil {
			t.Fatal(err)
		}
		w.dir.Swap(dir)
		w.regs[1].Username = bruno.Phone.Username
		w.phones = provision.New(provision.Config{Directory: w.dir, Registrations: w.regs, Notices: n, Reports: t.TempDir()})
	}), n
}

// TestPhones sets a phone up, lets it fetch, and looks at what the API tells of it.
func TestPhones(t *testing.T) {
	w, phone := withPhones(t)
	phones := w.phones.(*provision.Phones)
	const path = "/api/v1/phones/00a0c9112202"
	one := func(state string) Phone {
		t.Helper()
		p := get[Phone](t, w, path, readToken)
		if p.State != state || p.Line != "+33170001202" || len(p.Contacts) != 1 || p.MAC != string(deskMAC) {
			t.Errorf("%+v, want state %s", p, state)
		}
		if list := get[Page[Phone]](t, w, "/api/v1/phones?site=PARIS.acme.test", readToken); len(list.Items) != 1 || list.Items[0].State != state {
			t.Errorf("listed as %+v", list.Items)
		}
		return p
	}
	post := func(method, path, token string, code int) string {
		t.Helper()
		rec := w.do(t, request{method: method, path: path, token: token})
		if rec.Code != code {
			t.Errorf("%s %s: %d %s, want %d", method, path, rec.Code, rec.Body, code)
		}
		return rec.Body.String()
	}
	device := func(method, link, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://pbx.acme.test"+link, strings.NewReader(body))
		r.TLS = &tls.ConnectionState{}
		rec := httptest.NewRecorder()
		phones.Handler().ServeHTTP(rec, r)
		return rec
	}
	between := func(s, from, to string) string {
		_, s, _ = strings.Cut(s, from)
		s, _, _ = strings.Cut(s, to)
		return s
	}

	one("unknown")
	post("POST", path+"/setup", readToken, http.StatusForbidden)
	link := between(post("POST", path+"/setup", adminToken, http.StatusCreated), `"url":"https://pbx.acme.test`, `"`)
	if p := one("waiting"); p.Setup == nil || p.Setup.Used != nil {
		t.Errorf("setup %+v", p.Setup)
	}
	answer := device("GET", strings.Replace(link, "$MA", "00a0c9112202", 1), "")
	own := between(answer.Body.String(), "https://pbx.acme.test", "$MA.xml")
	if p := one("current"); p.Fetched == nil || !p.Fetched.TLS || p.Fetched.File != "00a0c9112202.xml" || p.Setup.Used == nil {
		t.Errorf("%d: %+v", answer.Code, p)
	}

	if rec := device("PUT", own+"prt", "a report"); rec.Code != http.StatusOK {
		t.Fatalf("report: %d", rec.Code)
	}
	name := one("current").Reports[0].Name
	if got := post("GET", path+"/reports/"+name, adminToken, http.StatusOK); got != "a report" {
		t.Errorf("report %q", got)
	}
	post("GET", path+"/reports/..%2f..%2fx", adminToken, http.StatusNotFound)
	post("GET", path+"/reports/"+name, readToken, http.StatusForbidden)

	post("POST", path+"/resync", adminToken, http.StatusNoContent)
	phone.err = &sip.StatusError{Code: 480, Reason: "Busy"}
	if text := post("POST", path+"/resync", adminToken, http.StatusBadGateway); !strings.Contains(text, "480") {
		t.Error(text)
	}
	phone.err = errors.New("secret of the disk")
	if text := post("POST", path+"/resync", adminToken, http.StatusInternalServerError); strings.Contains(text, "disk") {
		t.Error(text)
	}

	w.dir.Current().Sites()[0].Users[1].Name = "Somebody Else"
	if p := get[Phone](t, w, path, readToken); p.State != "changed" {
		t.Errorf("after a change %s", p.State)
	}
	post("DELETE", path+"/access", adminToken, http.StatusOK)
	if p := get[Phone](t, w, path, readToken); p.State != "unknown" || p.Fetched == nil || device("GET", own, "").Code != http.StatusNotFound {
		t.Errorf("after revocation %+v", p)
	}
	for _, other := range []string{"00a0c9112299", "x", "%2e%2e%2fx", "00a0c91122"} {
		post("POST", "/api/v1/phones/"+other+"/resync", adminToken, http.StatusNotFound)
	}
	for _, secret := range []string{"pA-6d1f0c", strings.Trim(strings.TrimPrefix(own, "/p/"), "/"), between(link, "/p/", "/")} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}
