package httpd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"passerelle/portal/api"
)

// answer notes what was sent. Unwrap lets http.ResponseController reach the connection.
type answer struct {
	http.ResponseWriter
	status int
	bytes  int64
	gone   bool // a write failed: nobody reads any more
}

func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	a.gone = a.gone || err != nil
	return n, err
}

// areaPhones is what phones fetch.
const areaPhones = "phones"

// observed counts and logs each request and ends a panic in the request it struck.
func (f *Front) observed(area string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		a := &answer{ResponseWriter: w}
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p) // the handler wants the connection cut, and net/http does that quietly
				}
				if a.gone {
					panic(http.ErrAbortHandler) // the API's library panics when the caller has gone
				}
				f.metrics.panics.Inc()
				f.log.ErrorContext(r.Context(), "panic in http handler", "err", fmt.Sprint(p), "stack", string(debug.Stack()))
				if a.status == 0 {
					api.Problem(a, http.StatusInternalServerError, "internal error")
				}
			}
			if a.status == 0 {
				a.status = http.StatusOK
			}
			took := time.Since(start)
			f.metrics.observe(area, r.Method, a.status, took)
			if f.log.Enabled(r.Context(), slog.LevelDebug) {
				// The path only: a query may carry what nobody should read in a log.
				path := loggable(r.URL.Path)
				if area == areaPhones {
					path = "/p/***" // it opens a phone's profile
				}
				f.log.DebugContext(r.Context(), "http request", "method", r.Method, "path", path, "code", a.status,
					"bytes", a.bytes, "after", took, "remote", r.RemoteAddr)
			}
		}()
		next.ServeHTTP(a, r)
	})
}

// loggable is a path without what opens something: the token of the set-up link.
func loggable(path string) string {
	if strings.HasPrefix(path, "/setup/") {
		return "/setup/…"
	}
	return path
}

// hardened sets the headers that hold a browser to what the server means to serve.
func hardened(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		// Not no-referrer: with it browsers send "Origin: null" with forms over plain HTTP, which sameOrigin must refuse.
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// formTime is how long a form may take to come; files have the longer time of the listener.
const formTime = 15 * time.Second

// promptly hangs up on those who send a form by drops.
func promptly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" && r.ContentLength != 0 {
			c := http.NewResponseController(w)
			// Fails where the connection has no deadlines, and then it needs none.
			_ = c.SetReadDeadline(time.Now().Add(formTime))
			r.Body = &promptBody{r.Body, func() { _ = c.SetReadDeadline(time.Time{}) }}
		}
		next.ServeHTTP(w, r)
	})
}

// promptBody tells when it has come in full.
type promptBody struct {
	io.ReadCloser
	whole func()
}

// Read implements io.Reader.
func (b *promptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.whole()
	}
	return n, err
}

// maxBody is above the largest body that any operation takes.
const maxBody = 80 << 20

// announced refuses a body that says itself that it is too large, before any of it is read.
func announced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			w.Header().Set("Connection", "close")
			api.Problem(w, http.StatusRequestEntityTooLarge, "the body is larger than anything that is taken here")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses changes that a page of another origin makes a browser send.
func sameOrigin(next http.Handler) http.Handler {
	cop := http.NewCrossOriginProtection()
	cop.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		api.Problem(w, http.StatusForbidden, "cross-origin request refused")
	}))
	return cop.Handler(next)
}
