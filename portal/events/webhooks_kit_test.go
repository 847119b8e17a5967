package events_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"passerelle/portal/events"
)

// receiver is what webhooks are sent to, by URL host.
type receiver struct {
	mu       sync.Mutex
	secret   string // that deliveries must be signed with; empty is not looked at
	down     func(r *http.Request) (status int, header http.Header, err error)
	got      []events.Event
	attempts []time.Time
	faults   []string
}

// RoundTrip implements http.RoundTripper.
func (v *receiver) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.attempts = append(v.attempts, time.Now())
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	v.check(r, body)
	if v.down != nil {
		status, header, err := v.down(r)
		if err != nil {
			return nil, err
		}
		if status != 0 {
			return &http.Response{StatusCode: status, Header: header, Body: http.NoBody, Request: r}, nil
		}
	}
	var e events.Event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	v.got = append(v.got, e)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("thanks")), Request: r}, nil
}

// check verifies a delivery as a receiver does that knows the specification.
func (v *receiver) check(r *http.Request, body []byte) {
	at, err := strconv.ParseInt(r.Header.Get("Webhook-Timestamp"), 10, 64)
	if age := time.Since(time.Unix(at, 0)); err != nil || age < 0 || age > time.Minute {
		v.faults = append(v.faults, "timestamp "+r.Header.Get("Webhook-Timestamp"))
	}
	if v.secret == "" {
		return
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(v.secret, "whsec_"))
	if err != nil {
		v.faults = append(v.faults, err.Error())
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
		v.faults = append(v.faults, "signature of "+string(body))
	}
}

// received are the deliveries so far.
func (v *receiver) received() []events.Event {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.got)
}

// times are those of the attempts so far.
func (v *receiver) times() []time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.attempts)
}

// fails has every attempt fail while it is true.
func (v *receiver) fails(on bool) {
	v.answers(nil)
	if on {
		v.answers(func(*http.Request) (int, http.Header, error) { return 0, nil, errors.New("nobody listens") })
	}
}

func (v *receiver) answers(down func(r *http.Request) (int, http.Header, error)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = down
}

// notes are the numbers of what was received, in its order, each once.
func (w *world) notes(v *receiver) (all []int) {
	w.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range v.got {
		if !seen[e.ID] && e.Type != events.EventsLost {
			all = append(all, noteOf(w.t, e).N)
		}
		seen[e.ID] = true
	}
	for _, f := range v.faults {
		w.t.Error("a delivery has a fault:", f)
	}
	return all
}

// inOrder wants the numbers from first to last.
func (w *world) inOrder(got []int, first, last int) {
	w.t.Helper()
	if len(got) != last-first+1 {
		w.t.Errorf("%d events were received, want %d", len(got), last-first+1)
	}
	for i, n := range got {
		if n != first+i {
			w.t.Fatalf("the event %d in order is %d", first+i, n)
		}
	}
}

// hosts sends by the host of the URL.
type hosts map[string]*receiver

// RoundTrip implements http.RoundTripper.
func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) { return h[r.URL.Host].RoundTrip(r) }

// create adds a webhook to the receiver at a host and has the receiver know its secret.
func (w *world) create(h hosts, host string, hook events.Webhook) events.WebhookState {
	w.t.Helper()
	hook.URL, hook.Active = "https://"+host+"/in", true
	s, err := w.hooks.Create(w.t.Context(), hook, "")
	if err != nil {
		w.t.Fatal(err)
	}
	h[host].mu.Lock()
	h[host].secret = s.Secret.Reveal()
	h[host].mu.Unlock()
	return s
}

func (w *world) state(id string) events.WebhookState {
	w.t.Helper()
	s, err := w.hooks.Webhook(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
