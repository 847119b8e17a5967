package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// browser is somebody's browser, without scripts.
type browser struct {
	t      testing.TB
	url    string
	client *http.Client
	lang   string
}

func (w *world) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, url: w.url, client: &http.Client{Jar: jar}, lang: "fr-FR,fr;q=0.9,en;q=0.5"}
}

// as is the browser of somebody who is signed in with the demo's password.
func (w *world) as(t testing.TB, name string) *browser {
	t.Helper()
	b := w.browser(t)
	if got := b.post("/sign-in", "email", name+"@acme.test", "password", name+"-demo"); got.code != http.StatusOK || strings.Contains(got.path, "sign-in") {
		t.Fatalf("%s cannot sign in: %d at %s", name, got.code, got.path)
	}
	return b
}

// answer is a page, after redirections.
type answer struct {
	code   int
	path   string // where the browser is
	body   string
	header http.Header
}

func (b *browser) get(path string) answer {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil)
}

// post sends a form of names and values, as a browser sends it from a page of this server.
func (b *browser) post(path string, fields ...string) answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return b.do(http.MethodPost, path, form)
}

func (b *browser) do(method, path string, form url.Values) answer {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", b.lang)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.url)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Request.URL.RequestURI(), string(body), res.Header}
}

// want fails unless the page was answered with that status and holds every text, as a reader sees it.
func (a answer) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if a.code != code {
		t.Errorf("%s: answered %d, want %d: %.300s", a.path, a.code, code, a.body)
		return
	}
	seen := text(a.body)
	for _, w := range texts {
		if !strings.Contains(seen, w) {
			t.Errorf("%s: %q is not on the page: %s", a.path, w, seen)
		}
	}
}

// without fails if the page holds one of the texts, anywhere in its source.
func (a answer) without(t *testing.T, texts ...string) {
	t.Helper()
	for _, w := range texts {
		if strings.Contains(a.body, w) {
			t.Errorf("%s: %q is on the page", a.path, w)
		}
	}
}
