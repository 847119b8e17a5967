package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
	"passerelle/portal/api"
	"passerelle/portal/httpd"
)

// front is what stands before the API on the network, for a caller who may everything.
func front(t *testing.T, c *api.Contract) http.Handler {
	t.Helper()
	return httpd.NewFront(httpd.Config{API: c.API}).Handler(c)
}

func sent(t *testing.T, h http.Handler, r api.ContractRequest, body io.Reader, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	rq := httptest.NewRequestWithContext(t.Context(), r.Method, r.Path, body)
	if r.Kind == "" {
		r.Kind = "application/json"
	}
	rq.Header.Set("Content-Type", r.Kind)
	for i := 0; i+1 < len(header); i += 2 {
		rq.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, rq)
	return rec
}

// TestForgedRequestsDoNothing sends every operation that changes something as a page of another origin makes a browser send
// it. Operations are those of the description: a new one is among them.
func TestForgedRequestsDoNothing(t *testing.T) {
	c := api.NewContract(t)
	h := front(t, c)
	changing := 0
	for _, r := range c.Requests {
		if r.Method == http.MethodGet {
			continue
		}
		changing++
		for name, header := range map[string][]string{
			"another site": {"Origin", "https://evil.test", "Sec-Fetch-Site", "cross-site"}, "a sister": {"Origin", "https://mail.acme.test", "Sec-Fetch-Site", "same-site"},
			"an old browser": {"Origin", "https://evil.test"}, "an opaque origin": {"Origin", "null"},
			"a form": {"Origin", "https://evil.test", "Content-Type", "application/x-www-form-urlencoded"}, "plain text": {"Sec-Fetch-Site", "cross-site", "Content-Type", "text/plain"},
		} {
			rec := sent(t, h, r, strings.NewReader(r.Body), header...)
			if rec.Code != http.StatusForbidden || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s from %s: %d %s", r.ID, name, rec.Code, rec.Body)
			}
		}
	}
	if changing < 25 {
		t.Errorf("only %d operations", changing)
	}
	if c.Changed() {
		t.Error("something was changed")
	}
}

// endless is a body that never ends; it counts what is read of it.
type endless struct{ read int64 }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	e.read += int64(len(b))
	return len(b), nil
}

// TestEndlessBodies sends each operation a body without end: no more of it is read than the operation takes.
func TestEndlessBodies(t *testing.T) {
	c := api.NewContract(t)
	h := front(t, c)
	for _, r := range c.Requests {
		if r.Most == 0 || r.Most > 32<<20 {
			continue // takes no body; TestImportTooLarge
		}
		for _, key := range []string{"", "k"} {
			body := &endless{}
			header := []string{}
			if key != "" && r.Method == http.MethodPost {
				header = []string{"Idempotency-Key", key}
			}
			rec := sent(t, h, r, body, header...)
			if rec.Code != http.StatusRequestEntityTooLarge || rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %d %s", r.ID, rec.Code, rec.Body)
			}
			if body.read > r.Most+64<<10 {
				t.Errorf("%s: %d bytes are read, it takes %d", r.ID, body.read, r.Most)
			}
		}
	}
	if c.Changed() {
		t.Error("something was changed")
	}
}

// TestHostileBodies sends each operation that takes JSON what no program of good will sends.
func TestHostileBodies(t *testing.T) {
	c := api.NewContract(t)
	h := front(t, c)
	for _, r := range c.Requests {
		if r.Most == 0 || r.Kind != "" {
			continue
		}
		for name, body := range map[string]string{
			"nothing": "", "no JSON": "{", "a list": "[]", "null": "null", "a number": "1", "deep": strings.Repeat("[", 100_000), "another field": `{"__proto__":{"admin":true}}`,
			"twice": `{"name":"a","name":1}`, "not UTF-8": "{\"name\":\"\xff\xfe\"}",
		} {
			rec := sent(t, h, r, strings.NewReader(body))
			if rec.Code >= 500 {
				t.Errorf("%s, %s: %d %s", r.ID, name, rec.Code, rec.Body)
			}
			if rec.Code >= 400 && rec.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s, %s: %d is no problem: %s", r.ID, name, rec.Code, rec.Body)
			}
		}
	}
}

// dribble sends one byte a second, for ever.
type dribble struct{ ctx context.Context }

func (d dribble) Read(b []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		b[0] = ' '
		return 1, nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

// TestSlowClients has many send their bodies, or their headers, a byte a second, on the virtual clock: each is cut off, and
// others are answered meanwhile.
func TestSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := api.NewContract(t)
		n := memnet.New()
		at := netip.MustParseAddrPort("192.0.2.1:8080")
		l, err := n.Listen(at)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- httpd.NewServer(httpd.ServerConfig{Listener: l}, front(t, c)).Run(ctx) }() // ended by stop, awaited below
		from := 0
		client := func() *http.Client {
			from++
			own := netip.MustParseAddrPort(fmt.Sprintf("192.0.2.%d:1024", 10+from))
			return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return n.Dial(own, at) }}}
		}
		cut := make(chan string, 200)
		slow := 0
		for _, r := range c.Requests {
			if r.Most == 0 {
				continue
			}
			keys := []string{""}
			if r.Method == http.MethodPost {
				keys = append(keys, "k")
			}
			for _, key := range keys {
				slow++
				who := client()
				go func() { // ends when it is cut off
					rq, err := http.NewRequestWithContext(ctx, r.Method, "http://"+at.String()+r.Path, dribble{ctx})
					if err != nil {
						cut <- err.Error()
						return
					}
					if rq.Header.Set("Content-Type", "application/json"); r.Kind != "" {
						rq.Header.Set("Content-Type", r.Kind)
					}
					if key != "" {
						rq.Header.Set("Idempotency-Key", key)
					}
					begun := time.Now()
					res, err := who.Do(rq)
					switch took := time.Since(begun); {
					case took > 2*time.Minute+time.Second:
						cut <- fmt.Sprint(r.ID, " holds its connection for ", took)
					case err == nil && res.StatusCode < 400:
						cut <- fmt.Sprint(r.ID, " is answered ", res.Status)
					default:
						cut <- ""
					}
					if err == nil {
						res.Body.Close()
					}
				}()
			}
		}
		headers, err := n.Dial(netip.MustParseAddrPort("192.0.2.9:1024"), at)
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends when the connection is cut off
			for begun := time.Now(); ; time.Sleep(time.Second) {
				if _, err := headers.Write([]byte("G")); err != nil || time.Since(begun) > time.Minute {
					cut <- map[bool]string{true: "headers may take a minute"}[time.Since(begun) > 10*time.Second]
					return
				}
			}
		}()
		time.Sleep(2 * time.Second) // all are under way
		begun := time.Now()
		res, err := client().Get("http://" + at.String() + "/api/v1/status") //nolint:noctx // answered at once, or the test ends
		if err != nil || res.StatusCode != http.StatusOK || time.Since(begun) > time.Second {
			t.Errorf("meanwhile: %v, %v", res, err)
		} else {
			res.Body.Close()
		}
		for range slow + 1 {
			if fault := <-cut; fault != "" {
				t.Error(fault)
			}
		}
		if slow < 20 || c.Changed() {
			t.Errorf("%d slow clients; changed: %v", slow, c.Changed())
		}
		headers.Close()
		stop()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
