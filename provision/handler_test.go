package provision

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

const (
	hostMAC  = directory.MAC("00:a0:c9:11:22:31")
	aliceMAC = directory.MAC("00:a0:c9:11:22:01")
)

// office is an enterprise with its phones.
type office struct {
	t      *testing.T
	live   *directory.Live
	phones *Phones
	log    bytes.Buffer
	kept   *memory
	bound  []sip.Binding
	told   chan sip.Notice
	answer error // of the phones that are told
}

// memory is a store that may fail.
type memory struct {
	mu      sync.Mutex
	records map[directory.MAC]Record
	err     error
}

func (m *memory) LoadPhones(context.Context) (all []Record, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.records {
		all = append(all, r)
	}
	return all, m.err
}

func (m *memory) SavePhone(_ context.Context, r Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err == nil {
		m.records[r.MAC] = r
	}
	return m.err
}

func (o *office) All() iter.Seq[sip.Binding] {
	return func(yield func(sip.Binding) bool) {
		for _, b := range o.bound {
			if !yield(b) {
				return
			}
		}
	}
}

func (o *office) Notify(_ context.Context, n sip.Notice) error {
	o.told <- n
	return o.answer
}

func newOffice(t *testing.T, edit ...func(*directory.Enterprise)) *office {
	o := &office{t: t, live: directory.NewLive(newDirectory(t, edit...)), kept: &memory{records: make(map[directory.MAC]Record)}, told: make(chan sip.Notice, 16)}
	o.start()
	return o
}

// start makes the phones from what is kept.
func (o *office) start() {
	o.phones = New(Config{
		Directory: o.live, Store: o.kept, Reports: filepath.Join(o.t.TempDir(), "reports"), Registrations: o, Notices: o, Log: slog.New(slog.NewTextHandler(&o.log, nil)),
	})
	if err := o.phones.Load(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// request serves one request by TLS; edit may change it before.
func (o *office) request(method, target string, body io.Reader, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	o.t.Helper()
	r := httptest.NewRequest(method, "https://pbx.acme.test/", body)
	path, err := url.Parse(target)
	if err != nil {
		o.t.Fatal(err)
	}
	r.URL, r.RequestURI = path, target
	r.TLS = &tls.ConnectionState{}
	for _, f := range edit {
		f(r)
	}
	w := httptest.NewRecorder()
	o.phones.Handler().ServeHTTP(w, r)
	return w
}

// setup makes a link that works once.
func (o *office) setup(mac directory.MAC) string {
	o.t.Helper()
	path, _, err := o.phones.NewSetup(o.t.Context(), mac)
	if err != nil {
		o.t.Fatal(err)
	}
	return path
}

// fetch gets a profile and returns the phone's own link.
func (o *office) fetch(target string) (profile map[string]string, link string) {
	o.t.Helper()
	w := o.request("GET", target, nil)
	if w.Code != http.StatusOK {
		o.t.Fatalf("%s: %d %s\n%s", target, w.Code, w.Body, o.log.String())
	}
	profile = parsed(o.t, w.Body.Bytes())
	link, ok := strings.CutSuffix(profile["Profile_Rule"], "$MA.xml")
	link, ok2 := strings.CutPrefix(link, "https://pbx.acme.test")
	if !ok || !ok2 {
		o.t.Fatalf("profile rule %q", profile["Profile_Rule"])
	}
	return profile, link
}

func (o *office) wants(code int, w *httptest.ResponseRecorder) {
	o.t.Helper()
	if w.Code != code {
		o.t.Errorf("%d, want %d: %s", w.Code, code, w.Body)
	}
	if code != http.StatusOK && strings.Contains(w.Body.String(), "Password") {
		o.t.Error("a refusal gives a profile away")
	}
}

// TestFirstProfile goes from a link that works once to the phone's own.
func TestFirstProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		setup := o.setup(hostMAC)
		profile, own := o.fetch(setup + "00a0c9112231.xml")
		if profile["Password_1_"] != "pW-77e310" || profile["PRT_Upload_Rule"] != "https://pbx.acme.test"+own+"prt" {
			t.Errorf("password %q, reports to %q", profile["Password_1_"], profile["PRT_Upload_Rule"])
		}
		time.Sleep(setupGrace)
		if _, again := o.fetch(setup + "00a0c9112231.xml"); again != own {
			t.Error("the answer that was lost had another link")
		}
		time.Sleep(time.Second)
		o.wants(http.StatusNotFound, o.request("GET", setup+"00a0c9112231.xml", nil))
		o.start() // own links outlive a restart
		for _, name := range []string{"00a0c9112231.xml", "00A0C9112231.xml", "SEP00A0C9112231.cfg", "CP-8851-3PCC.xml", "8851.cfg", ""} {
			if _, link := o.fetch(own + name); link != own {
				t.Errorf("%q: the link has changed", name)
			}
		}
		s, err := o.phones.State(hostMAC)
		if err != nil || !s.Current || s.Setup != nil || s.Fetch == nil || !s.Fetch.TLS {
			t.Errorf("state %+v, %v", s, err)
		}
	})
}

// TestUsedLinkEndsWithTheOwn ends the link that works once as soon as the phone uses its own.
func TestUsedLinkEndsWithTheOwn(t *testing.T) {
	o := newOffice(t)
	setup := o.setup(hostMAC)
	_, own := o.fetch(setup + "00a0c9112231.xml")
	o.fetch(own + "00a0c9112231.xml")
	o.wants(http.StatusNotFound, o.request("GET", setup+"00a0c9112231.xml", nil))
	// Another link, for a phone that was reset: it ends the link that the phone had.
	_, second := o.fetch(o.setup(hostMAC) + "00a0c9112231.xml")
	o.wants(http.StatusNotFound, o.request("GET", own+"00a0c9112231.xml", nil))
	if err := o.phones.Revoke(t.Context(), hostMAC); err != nil {
		t.Fatal(err)
	}
	o.wants(http.StatusNotFound, o.request("GET", second+"00a0c9112231.xml", nil))
}

// TestRefusals asks for profiles without the right to one. All look alike, and what is no link is not even noted.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		setup := o.setup(hostMAC)
		_, own := o.fetch(o.setup(aliceMAC) + "00a0c9112201.xml")
		unknown := o.request("GET", Root+"AAAAAAAAAAAAAAAAAAAAAAAAAA/00a0c9112231.xml", nil)
		o.wants(http.StatusNotFound, unknown)
		for _, target := range []string{
			"/p/00a0c9112231.xml", "/p/00a0c9112231/00a0c9112231.xml", "/p/", "/p//00a0c9112231.xml", "/p/CP-8851-3PCC.xml",
			own + "00a0c9112231.xml", setup + "00a0c9112201.xml", // another's file
			own + "passwd", own + "..", own + "../" + strings.TrimPrefix(setup, Root) + "00a0c9112231.xml", own + "..%2f..%2fetc%2fpasswd", own + "%2e%2e/%2e%2e/etc/passwd",
			own + "00a0c9112201.xml/..", own + "00a0c9112201.xml%00.txt", own + "prt", own + "prt/x", setup + strings.Repeat("a", 300),
			own + "00a0c9112201.xml" + strings.Repeat("/", 40),
		} {
			w := o.request("GET", target, nil)
			if w.Code != http.StatusNotFound || w.Body.String() != unknown.Body.String() {
				t.Errorf("%s: %d %q", target, w.Code, w.Body)
			}
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "PROPFIND"} {
			o.wants(http.StatusNotFound, o.request(method, own+"00a0c9112201.xml", nil))
		}
		o.wants(http.StatusNotFound, o.request("GET", setup+"00a0c9112231.xml", nil, func(r *http.Request) {
			r.Header.Set("User-Agent", "Cisco-CP-8851-3PCC/12.0 (00562b043615)")
		}))
		o.wants(http.StatusNotFound, o.request("GET", setup+"00a0c9112231.xml", nil, func(r *http.Request) { r.Host = "evil\"><x" }))
		if s, _ := o.phones.State(hostMAC); s.Refused.Cause != "other_phone" || s.Fetch != nil || !s.Setup.Used.IsZero() {
			t.Errorf("state %+v", s)
		}
		time.Sleep(SetupLife + time.Second)
		o.wants(http.StatusNotFound, o.request("GET", setup+"00a0c9112231.xml", nil))
		if s, _ := o.phones.State(hostMAC); s.Refused.Cause != "expired" {
			t.Errorf("refused because %s", s.Refused.Cause)
		}
		for _, secret := range []string{strings.Trim(strings.TrimPrefix(setup, Root), "/"), strings.Trim(strings.TrimPrefix(own, Root), "/"), "pW-77e310", "pA-6d1f0c"} {
			if strings.Contains(o.log.String(), secret) {
				t.Errorf("%s is in the log", secret)
			}
		}
	})
}

// TestSecretsOnlyByTLS refuses a phone without TLS, which may try again with it, unless its site says otherwise.
func TestSecretsOnlyByTLS(t *testing.T) {
	plain := func(r *http.Request) { r.TLS = nil }
	o := newOffice(t)
	setup := o.setup(hostMAC)
	o.wants(http.StatusForbidden, o.request("GET", setup+"00a0c9112231.xml", nil, plain))
	o.fetch(setup + "00a0c9112231.xml")
	o = newOffice(t, func(e *directory.Enterprise) { e.Sites[0].Phones.PlainHTTP = true })
	w := o.request("GET", o.setup(hostMAC)+"00a0c9112231.xml", nil, plain)
	o.wants(http.StatusOK, w)
	if rule := parsed(t, w.Body.Bytes())["Profile_Rule"]; !strings.HasPrefix(rule, "http://pbx.acme.test/p/") {
		t.Error(rule)
	}
	o = newOffice(t, func(e *directory.Enterprise) { e.Sites[0].Phones.URL = "https://phones.acme.test:8443" })
	w = o.request("GET", o.setup(hostMAC)+"00a0c9112231.xml", nil)
	if rule := parsed(t, w.Body.Bytes())["Profile_Rule"]; !strings.HasPrefix(rule, "https://phones.acme.test:8443/p/") {
		t.Error(rule)
	}
}

// TestNothingIsGivenThatIsNotKept refuses a phone whose link could not be kept: it would be locked out after a restart.
func TestNothingIsGivenThatIsNotKept(t *testing.T) {
	o := newOffice(t)
	setup := o.setup(hostMAC)
	o.kept.err = errors.New("disk full")
	w := o.request("GET", setup+"00a0c9112231.xml", nil)
	o.wants(http.StatusServiceUnavailable, w)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	o.kept.err = nil
	o.fetch(setup + "00a0c9112231.xml")
}

// TestLookingUsesUpNothing asks by HEAD.
func TestLookingUsesUpNothing(t *testing.T) {
	o := newOffice(t)
	setup := o.setup(hostMAC)
	w := o.request("HEAD", setup+"00a0c9112231.xml", nil)
	if s, _ := o.phones.State(hostMAC); w.Code != http.StatusOK || w.Body.Len() != 0 || s.Fetch != nil || !s.Setup.Used.IsZero() {
		t.Errorf("%d, %d bytes, %+v", w.Code, w.Body.Len(), s.Setup)
	}
}

// TestReports sends problem reports, as a form and as they are.
func TestReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		setup := o.setup(hostMAC)
		_, own := o.fetch(setup + "00a0c9112231.xml")
		form := func(name string, data []byte) (io.Reader, func(*http.Request)) {
			var buf bytes.Buffer
			m := multipart.NewWriter(&buf)
			_ = m.WriteField("devicename", "../../x")
			part, err := m.CreateFormFile("prt_file", name)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = part.Write(data)
			m.Close()
			return &buf, func(r *http.Request) { r.Header.Set("Content-Type", m.FormDataContentType()) }
		}
		body, kind := form("../../../../tmp/prt.tar.gz", []byte("report 1"))
		o.wants(http.StatusOK, o.request("POST", own+"prt", body, kind))
		o.wants(http.StatusTooManyRequests, o.request("POST", own+"prt", strings.NewReader("at once")))
		for n := 2; n <= keptReports+1; n++ {
			time.Sleep(reportsApart)
			o.wants(http.StatusOK, o.request("PUT", own+"prt/prt-1.tar.gz", strings.NewReader(fmt.Sprint("report ", n))))
		}
		time.Sleep(reportsApart)
		for _, size := range []int{maxReport + 1, maxReport + 1<<20} {
			o.wants(http.StatusRequestEntityTooLarge, o.request("PUT", own+"prt", bytes.NewReader(make([]byte, size))))
			body, kind := form("x", make([]byte, size))
			o.wants(http.StatusRequestEntityTooLarge, o.request("POST", own+"prt", body, kind))
		}
		o.wants(http.StatusBadRequest, o.request("POST", own+"prt", strings.NewReader("--x--"), func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }))
		o.wants(http.StatusBadRequest, o.request("POST", own+"prt", strings.NewReader("")))
		o.wants(http.StatusNotFound, o.request("POST", setup+"prt", strings.NewReader("by the link that works once")))
		o.wants(http.StatusNotFound, o.request("POST", "/p/x/prt", strings.NewReader("by no link")))
		s, err := o.phones.State(hostMAC)
		if err != nil || len(s.Reports) != keptReports {
			t.Fatalf("%+v, %v", s.Reports, err)
		}
		files, err := filepath.Glob(filepath.Join(o.phones.cfg.Reports, "*", "*"))
		if err != nil || len(files) != keptReports {
			t.Errorf("files %v, %v", files, err)
		}
		f, err := o.phones.Report(hostMAC, s.Reports[0].Name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, _ := io.ReadAll(f); string(got) != "report 4" {
			t.Errorf("the newest report is %q", got)
		}
		for _, name := range []string{"../../secret", "", s.Reports[0].Name + "/..", "x.tar.gz"} {
			if _, err := o.phones.Report(hostMAC, name); !errors.Is(err, ErrUnknownReport) {
				t.Errorf("%q: %v", name, err)
			}
		}
		if _, err := os.Stat("/tmp/prt.tar.gz"); err == nil {
			t.Error("a report was written where the phone wanted it")
		}
	})
}
