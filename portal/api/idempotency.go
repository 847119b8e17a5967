package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Answers keeps what requests with an idempotency key were answered; package store satisfies it. Keys name their caller
// before the first slash, by which they are counted.
type Answers interface {
	// Begin keeps data under a key that has none, until it is forgotten or its time is over, or gives what is kept under the
	// key. Neither means that the caller, or all of them, have as many as are kept.
	Begin(ctx context.Context, key string, data []byte, until time.Time) (earlier []byte, kept bool, err error)
	// Keep keeps data under a key in place of what was there.
	Keep(ctx context.Context, key string, data []byte, until time.Time) error
	// Forget removes a key.
	Forget(ctx context.Context, key string) error
}

const (
	idempotencyKey = "Idempotency-Key"
	// KeptAnswers is how long an answer is kept.
	KeptAnswers = 24 * time.Hour
	// maxKeptAnswer is the most bytes of an answer that is kept; one that is longer is not repeated, and nor is its deed.
	maxKeptAnswer = 32 << 10
	// keepLimit bounds the keeping of an answer, whoever has gone meanwhile.
	keepLimit = 10 * time.Second
)

// keptAnswer is what is kept under a key.
type keptAnswer struct {
	Print  string              `json:"print"` // of the request
	Run    string              `json:"run"`   // of the server that the request met
	Done   bool                `json:"done"`
	Status int                 `json:"status,omitempty"`
	Header map[string][]string `json:"header,omitempty"`
	Body   []byte              `json:"body,omitempty"`
	Long   bool                `json:"long,omitempty"` // the body was too long to be kept
}

// keptHeaders are the headers of an answer that are repeated.
var keptHeaders = []string{"Content-Type", "Content-Disposition", "Etag", "Location", "Link"}

// runID tells one run of the server from another.
func runID() string { return rand.Text()[:12] }

// once serves a request that may have come before: one with an idempotency key is done once, and answered the same again.
func (a *API) once(w http.ResponseWriter, r *http.Request, pattern string) {
	key, given := r.Header[idempotencyKey]
	op, c := a.posts[pattern], callerOf(r.Context())
	if !given || op == nil || a.cfg.Answers == nil || c.err != nil || !c.id.May(scopeOf(op)) || c.id.Site != "" && !isBySite(op) {
		a.mux.ServeHTTP(w, r) // which refuses whom it must
		return
	}
	if len(key) != 1 || len(key[0]) == 0 || len(key[0]) > 255 || strings.ContainsFunc(key[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		problem(w, huma.Error422UnprocessableEntity("validation failed",
			&huma.ErrorDetail{Location: "header." + idempotencyKey, Message: "must be one text of 1 to 255 printable ASCII characters"}))
		return
	}
	body, whole := a.readBody(w, r, op)
	if !whole {
		a.mux.ServeHTTP(w, r)
		return
	}
	now := keptAnswer{Print: printOf(r, body), Run: a.run}
	name := hashOf(c.id.Account + "\x00" + c.id.Name)[:16] + "/" + hashOf(key[0])
	raw, kept, err := a.cfg.Answers.Begin(r.Context(), name, encoded(now), time.Now().Add(KeptAnswers))
	switch {
	case err != nil:
		problem(w, a.fail(r.Context(), "begin a request with a key", err))
	case raw != nil:
		a.again(w, now, raw)
	case !kept:
		w.Header().Set("Retry-After", "3600")
		Problem(w, http.StatusTooManyRequests, "too many requests with a key within 24 hours")
	default:
		a.first(w, r, name, now)
	}
}

// first does the request and keeps what it is answered. A request that was refused has done nothing, and its key is free.
func (a *API) first(w http.ResponseWriter, r *http.Request, name string, k keptAnswer) {
	answer := &recorder{ResponseWriter: w}
	finished := false
	settle := func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepLimit)
		defer cancel()
		var err error
		if k.Status = answer.code(); !finished {
			k.Status = http.StatusInternalServerError // a panic: what it has done is not known
		}
		if nothingDone(k.Status) {
			err = a.cfg.Answers.Forget(ctx, name)
		} else {
			k.Done, k.Header, k.Long = true, make(map[string][]string), answer.long
			for _, h := range keptHeaders {
				if v := answer.Header()[h]; v != nil {
					k.Header[h] = v
				}
			}
			if k.Body = answer.body.Bytes(); k.Long {
				k.Body = nil
			}
			err = a.cfg.Answers.Keep(ctx, name, encoded(k), time.Now().Add(KeptAnswers))
		}
		if err != nil {
			a.log.ErrorContext(ctx, "answer to a request with a key not kept", "code", k.Status, "err", err)
		}
	}
	defer func() {
		settle()
		answer.release()
	}()
	a.mux.ServeHTTP(answer, r)
	finished = true
}

// nothingDone reports whether a status says that the request changed nothing. A 500 does not say so.
func nothingDone(status int) bool {
	return status >= 400 && status < 500 || status > http.StatusInternalServerError
}

// again answers a request whose key is taken.
func (a *API) again(w http.ResponseWriter, now keptAnswer, raw []byte) {
	var was keptAnswer
	if err := json.Unmarshal(raw, &was); err != nil {
		Problem(w, http.StatusInternalServerError, "what is kept under the key cannot be read; use another key")
		return
	}
	switch {
	case was.Print != now.Print:
		problem(w, huma.Error422UnprocessableEntity("the key belongs to another request",
			&huma.ErrorDetail{Location: "header." + idempotencyKey, Message: "was used with another path or body within 24 hours"}))
	case !was.Done && was.Run == now.Run:
		w.Header().Set("Retry-After", "1")
		Problem(w, http.StatusConflict, "the request with this key is under way")
	case !was.Done:
		Problem(w, http.StatusConflict, "the server stopped while the request with this key was under way: look whether it was done, and use another key")
	case was.Long:
		Problem(w, http.StatusConflict, "the request was done; its answer is too long to be repeated")
	default:
		for name, values := range was.Header {
			w.Header()[name] = values
		}
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(was.Status)
		_, _ = w.Write(was.Body) // fails only when the caller has gone
	}
}

// readBody reads the body of a request and puts it back. It is not whole when it is longer than the operation takes or does
// not come in time: the operation meets the same and refuses it.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, op *huma.Operation) (body []byte, whole bool) {
	most, wait := op.MaxBodyBytes, op.BodyReadTimeout
	if most == 0 {
		most = 1 << 20 // the library's own
	}
	if wait == 0 {
		wait = 5 * time.Second // the library's own
	}
	// Fails where the connection has no deadlines, and then it needs none.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(wait))
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), r.Body}
	return body, err == nil && int64(len(body)) <= most
}

// failing is a body that broke off.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// printOf tells one request from another.
func printOf(r *http.Request, body []byte) string {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("Content-Type"), r.Header.Get("If-Match")} {
		_, _ = io.WriteString(h, part+"\x00") // a hash takes everything
	}
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func encoded(k keptAnswer) []byte {
	raw, _ := json.Marshal(k) // the type has no value that does not encode
	return raw
}
