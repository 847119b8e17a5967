package main

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// TestFirstStartMakesTheOwner opens the link that a first start prints and assigns a gateway number: no terminal is needed
// after it.
func TestFirstStartMakesTheOwner(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	var printed strings.Builder
	if err := printSetup(t.Context(), &printed, s.acc, "http://"+s.addr); err != nil {
		t.Fatal(err)
	}
	_, link, found := strings.Cut(printed.String(), "http://"+s.addr)
	if !found {
		t.Fatal(printed.String())
	}
	link = "http://" + s.addr + strings.TrimSpace(link)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	post := func(to string, form url.Values) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+s.addr)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode, res.Request.URL.Path
	}
	const password = "correct horse battery"
	code, at := post(link, url.Values{"name": {"Zoé Blanc"}, "email": {"zoe@acme.test"}, "password": {password}, "again": {password}})
	if code != http.StatusOK || at != "/" {
		t.Fatalf("the link leads to %s, %d", at, code)
	}
	if code, at = post("http://"+s.addr+"/services/gateway/assign", url.Values{"site": {"montreal.acme.test"}, "before": {""}, "number": {"+15145550100"}}); code != http.StatusOK {
		t.Fatal(at, code)
	}
	if site, ok := s.conf.live.Current().SiteByDomain("montreal.acme.test"); !ok || site.Gateway.Number != "+15145550100" {
		t.Error("the number is not assigned")
	}
	for _, page := range []string{"/", "/users", "/phones", "/live", "/registrations", "/trunks", "/services/hoteling", "/account"} {
		if code, body := adminGet(t, client, "http://"+s.addr+page); code != http.StatusOK || !strings.Contains(body, "Zoé Blanc") {
			t.Errorf("%s: %d", page, code)
		}
	}
	printed.Reset()
	if err := printSetup(t.Context(), &printed, s.acc, "http://"+s.addr); err != nil || printed.Len() > 0 {
		t.Errorf("a second link: %q, %v", printed.String(), err)
	}
	if log := s.log.String(); strings.Contains(log, password) || strings.Contains(log, strings.TrimPrefix(link, "http://"+s.addr)) {
		t.Error("the log tells the password or the link")
	}
}

// TestOwnerLinkByTheAdminSocket takes the owner's account over as the command does, and is open to nobody else.
func TestOwnerLinkByTheAdminSocket(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	client, running := adminClient(s.dir)
	if !running {
		t.Fatal("no server runs")
	}
	link, err := adminOwnerLink(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := writeOwnerLink(&printed, link); err != nil || !strings.Contains(printed.String(), link.URL+"\n") {
		t.Fatal(printed.String(), err)
	}
	base, path, _ := strings.Cut(link.URL, "/setup/")
	if base != "https://portal.acme.test" || len(path) < 26 {
		t.Fatal("the link is", link.URL)
	}
	if code, body := adminGet(t, http.DefaultClient, "http://"+s.addr+"/setup/"+path); code != http.StatusOK || !strings.Contains(body, `name="again"`) {
		t.Errorf("the link leads to %d %s", code, body)
	}
	if strings.Contains(s.log.String(), path) {
		t.Error("the log tells the link")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/api/v1/owner/link", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized {
		t.Error("a stranger of the network is answered", res.StatusCode)
	}
}

func TestPublicURL(t *testing.T) {
	for _, c := range []struct{ public, http, https, want string }{
		{"", "127.0.0.1:8080", "", "http://127.0.0.1:8080"},
		{"", "127.0.0.1:8080", ":8443", "https://localhost:8443"},
		{"https://portal.acme.test/", ":80", "", "https://portal.acme.test"},
		{"portal.acme.test", ":80", "", ""},
		{"https://portal.acme.test/portal", ":80", "", ""},
		{"ftp://portal.acme.test", ":80", "", ""},
	} {
		got, err := (&serveCmd{PublicURL: c.public, HTTP: c.http, HTTPS: c.https}).publicURL()
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
}

func TestReachable(t *testing.T) {
	for listening, want := range map[string]string{
		":8080": "localhost:8080", "0.0.0.0:80": "localhost:80", "[::]:80": "localhost:80", "192.0.2.10:8080": "192.0.2.10:8080", "portal.test:80": "portal.test:80",
	} {
		if got := reachable(listening); got != want {
			t.Errorf("%s: %s, want %s", listening, got, want)
		}
	}
}
