package sip

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/icholy/digest"

	"passerelle/sip/siptest"
)

// lamp is an event package with one state for everybody, which tests change.
type lamp struct {
	name  string
	begin func(s *Subscription) error // nil takes every subscription and shows its state
	subs  chan *Subscription          // those taken

	mu    sync.Mutex
	state string
}

func newLamp() *lamp {
	return &lamp{name: "x-lamp", subs: make(chan *Subscription, 1000), state: "off"}
}

func (l *lamp) Name() string { return l.name }

func (l *lamp) Subscribe(_ context.Context, s *Subscription) error {
	if l.begin != nil {
		if err := l.begin(s); err != nil {
			return err
		}
	} else {
		s.State(l.show)
	}
	l.subs <- s
	return nil
}

func (l *lamp) set(state string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
}

func (l *lamp) show(full bool) (string, []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if full {
		return "text/lamp", []byte("full " + l.state)
	}
	return "text/lamp", []byte("part " + l.state)
}

var bob = Line{Username: "bob", Password: "hn5:plum", AOR: "line82@site.test"}

// newLampWorld is a server with one event package, and two lines.
func newLampWorld(t *testing.T, l *lamp, cfg SubscriptionConfig) *world {
	t.Helper()
	lines := newSiteLines(ann, bob)
	w := newWorldOf(t, ServerConfig{UserAgent: "Passerelle", Subscriptions: cfg}, NewAuthenticator(AuthConfig{}, lines),
		NewRegistrar(RegistrarConfig{}, nil), lines, answering, l)
	synctest.Wait()
	return w
}

// watcher is a phone that subscribes in the protocol's own text.
type watcher struct {
	*siptest.Peer
	t       *testing.T
	line    Line
	uri     string // Request-URI: the resource, then the target
	to      string
	contact string
	event   string
	callID  string
	tag     string
	remote  string // tag of the server
	cseq    int
	nc      int
	nonce   *digest.Challenge
}

var watchers int

func newWatcher(t *testing.T, p *siptest.Peer, line Line) *watcher {
	watchers++
	return &watcher{
		Peer: p, t: t, line: line, uri: "sip:" + string(line.AOR), to: "<sip:" + string(line.AOR) + ">", event: "x-lamp",
		contact: fmt.Sprintf("<sip:%s@%s>", line.AOR.User(), p.Addr), tag: fmt.Sprintf("w%d", watchers),
		callID: fmt.Sprintf("%08x-%08x@%s", watchers, watchers*7, p.Addr.Addr()), cseq: 100,
	}
}

// text builds a SUBSCRIBE with the next CSeq, and credentials once a challenge is known.
func (w *watcher) text(lines ...string) string {
	w.t.Helper()
	w.cseq++
	to := w.to
	if w.remote != "" {
		to += ";tag=" + w.remote
	}
	var b strings.Builder
	fmt.Fprintf(&b, "SUBSCRIBE %s SIP/2.0\nVia: SIP/2.0/%s %s;branch=z9hG4bK-%s-%d\nFrom: <sip:%s>;tag=%s\nTo: %s\nCall-ID: %s\nCSeq: %d SUBSCRIBE\nMax-Forwards: 70\n",
		w.uri, w.Transport, w.Addr, w.tag, w.cseq, w.line.AOR, w.tag, to, w.callID, w.cseq)
	if w.nonce != nil {
		w.nc++
		cred, err := digest.Digest(w.nonce, digest.Options{Method: "SUBSCRIBE", URI: w.uri, Username: w.line.Username, Password: w.line.Password, Count: w.nc})
		if err != nil {
			w.t.Fatal(err)
		}
		b.WriteString("Authorization: " + cred.String() + "\n")
	}
	if w.contact != "" {
		b.WriteString("Contact: " + w.contact + "\n")
	}
	if w.event != "" {
		b.WriteString("Event: " + w.event + "\n")
	}
	for i, l := range lines {
		b.WriteString(l)
		if !strings.Contains(l, "\n\n") || i < len(lines)-1 {
			b.WriteString("\n")
		}
	}
	return siptest.Text(b.String())
}

// ask sends a SUBSCRIBE, proves the line when challenged, and returns the answer.
func (w *watcher) ask(lines ...string) siptest.Message {
	w.t.Helper()
	for range 2 {
		w.SendRaw(w.text(lines...))
		m := w.Next()
		if m.Code() == 0 || m.Method() != "SUBSCRIBE" {
			w.t.Fatalf("%s got %q, want an answer to SUBSCRIBE\n%s", w.Addr, m.StartLine(), m.Raw)
		}
		if m.Code() != 401 {
			if m.Code() < 300 {
				w.remote = m.Tag("To")
				w.uri = m.URI("Contact")
			}
			return m
		}
		nonce, err := digest.ParseChallenge(m.Header("WWW-Authenticate"))
		if err != nil {
			w.t.Fatal(err)
		}
		w.nonce, w.nc = nonce, 0
	}
	w.t.Fatalf("%s is challenged again and again", w.Addr)
	return siptest.Message{}
}

// want sends a SUBSCRIBE that must be answered with code.
func (w *watcher) want(code int, lines ...string) siptest.Message {
	w.t.Helper()
	m := w.ask(lines...)
	if m.Code() != code {
		w.t.Fatalf("%s got %q, want %d\n%s", w.Addr, m.StartLine(), code, m.Raw)
	}
	return m
}

// notified wants the next message to be a NOTIFY of that state and body, and answers it.
func (w *watcher) notified(state, body string) siptest.Message {
	w.t.Helper()
	m := w.heard(state, body)
	w.Answer(m, "200 OK", "")
	return m
}

// heard is notified without an answer.
func (w *watcher) heard(state, body string) siptest.Message {
	w.t.Helper()
	m := w.WantRequest("NOTIFY")
	if got := m.Header("Subscription-State"); got != state || m.Body() != body {
		w.t.Fatalf("%s is notified of %q, %q; want %q, %q\n%s", w.Addr, got, m.Body(), state, body, m.Raw)
	}
	return m
}

// subscribed is a phone with a live subscription that has got its first NOTIFY.
func (w *world) subscribed(t *testing.T, at string, line Line, lines ...string) *watcher {
	t.Helper()
	p := newWatcher(t, siptest.NewPeer(t, w.Network, at, serverAddr), line)
	p.want(200, lines...)
	m := p.WantRequest("NOTIFY")
	p.Answer(m, "200 OK", "")
	return p
}

func wantSubscriptions(t *testing.T, w *world, n int) {
	t.Helper()
	synctest.Wait()
	if got := w.srv.Subscriptions(); got != n {
		t.Fatalf("%d subscriptions, want %d", got, n)
	}
}
