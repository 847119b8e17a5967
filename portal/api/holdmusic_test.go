package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"passerelle/directory"
)

// fakeMusic takes recordings that begin like one.
type fakeMusic struct {
	live *directory.Live
	fail error
}

func (f *fakeMusic) SetHoldMusic(_ context.Context, domain string, wav []byte) error {
	if f.fail != nil {
		return f.fail
	}
	if wav != nil && !strings.HasPrefix(string(wav), "RIFF") {
		return fmt.Errorf("%w: no RIFF", ErrBadRecording)
	}
	e := &directory.Enterprise{Name: "acme"}
	for _, s := range f.live.Current().Sites() {
		site := *s
		if site.Domain == domain {
			site.HoldMusic = map[bool]string{true: domain + ".wav"}[wav != nil]
		}
		e.Sites = append(e.Sites, &site)
	}
	dir, err := directory.New(e)
	if err == nil {
		f.live.Swap(dir)
	}
	return err
}

func TestHoldMusic(t *testing.T) {
	fake := &fakeMusic{}
	w := newWorld(t, func(w *world) { fake.live, w.music = w.dir, fake })
	const path = "/api/v1/sites/paris.acme.test/hold-music"
	for _, c := range []struct {
		method, path, token, body string
		code                      int
		music                     string
	}{
		{http.MethodPut, path, adminToken, "RIFF and more", 200, "paris.acme.test.wav"},
		{http.MethodPut, path, adminToken, "ID3", 422, "paris.acme.test.wav"},
		{http.MethodPut, path, adminToken, "", 400, "paris.acme.test.wav"},
		{http.MethodPut, path, readToken, "RIFF", 403, "paris.acme.test.wav"},
		{http.MethodPut, "/api/v1/sites/nowhere.test/hold-music", adminToken, "RIFF", 404, "paris.acme.test.wav"},
		{http.MethodPut, path, adminToken, strings.Repeat("RIFF", MaxRecording/4+1), 413, "paris.acme.test.wav"},
		{http.MethodDelete, path, adminToken, "", 200, "own"},
	} {
		rq := request{method: c.method, path: c.path, token: c.token, body: c.body, header: map[string]string{"Content-Type": "audio/wav"}}
		if rec := w.do(t, rq); rec.Code != c.code {
			t.Errorf("%s %s of %d bytes: %d %s", c.method, c.path, len(c.body), rec.Code, rec.Body)
		}
		if got := get[SiteMusic](t, w, path, readToken); got.Music != c.music {
			t.Errorf("after %s of %d bytes: %+v, want %s", c.method, len(c.body), got, c.music)
		}
	}
}
