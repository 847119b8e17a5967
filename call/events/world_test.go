package events

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"passerelle/internal/memnet"
	"passerelle/sip"
	"passerelle/softphone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	serverAddr = netip.MustParseAddrPort("10.0.0.1:5060")
	trunkAddr  = netip.MustParseAddrPort("10.0.0.2:5060")
)

// site is a directory of three lines: 101, 102 and 103, with their phones' user names ann, bob and eve.
type site struct{}

var siteLines = map[string]sip.AOR{"ann": "101@site.test", "bob": "102@site.test", "eve": "103@site.test"}

func (site) Line(username string) (sip.Line, bool) {
	aor, ok := siteLines[username]
	return sip.Line{Username: username, Password: "pw-" + username, Realm: "site.test", AOR: aor, AORs: []sip.AOR{aor}}, ok
}

func (site) AOR(user, _ string) (sip.AOR, bool) {
	for _, aor := range siteLines {
		if aor.User() == user {
			return aor, true
		}
	}
	return "", false
}

func (site) Realm(string, string) string { return "site.test" }

func (site) Trunk(src netip.AddrPort) (string, bool) { return "mail", src == trunkAddr }

// guests is who uses whose phone, by the phone's user name.
type guests struct {
	mu sync.Mutex
	in map[string]sip.AOR
}

func (g *guests) UserOf(username string) (sip.AOR, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	aor, ok := g.in[username]
	return aor, ok
}

func (g *guests) set(username string, aor sip.AOR) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.in == nil {
		g.in = make(map[string]sip.AOR)
	}
	if g.in[username] = aor; aor == "" {
		delete(g.in, username)
	}
}

// world is a server on a network in memory with event packages.
type world struct {
	*memnet.Network
	t      *testing.T
	srv    *sip.Server
	reg    *sip.Registrar
	nextIP byte
}

// Bindings and Notify make the world a Notices, for packages that are made before the server is.
func (w *world) Bindings(aor sip.AOR) []sip.Binding { return w.reg.Bindings(aor) }

func (w *world) Notify(ctx context.Context, n sip.Notice) error { return w.srv.Notify(ctx, n) }

// newWorld starts a server with the packages that serve returns; those with a Run run.
func newWorld(t *testing.T, serve func(w *world) []sip.EventPackage) *world {
	t.Helper()
	w := &world{Network: memnet.New(), t: t}
	udp, err := w.ListenPacket(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := w.Listen(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	w.reg = sip.NewRegistrar(sip.RegistrarConfig{}, nil)
	w.srv = sip.NewServer(sip.ServerConfig{UDP: []net.PacketConn{udp}, TCP: []net.Listener{tcp}},
		sip.NewAuthenticator(sip.AuthConfig{}, site{}), w.reg, site{}, nil)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, p := range serve(w) {
		w.srv.Handle(p)
		if r, ok := p.(interface {
			Run(ctx context.Context) error
		}); ok {
			running.Go(func() { _ = r.Run(ctx) }) // ends with stop
		}
		if o, ok := p.(interface{ Registered(c sip.Change) }); ok {
			w.reg.OnChange(o.Registered)
		}
	}
	for _, run := range []func(context.Context) error{w.srv.Run, w.reg.Run} {
		running.Go(func() { // ends with stop
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	synctest.Wait()
	return w
}

// phone opens a phone with the credentials of a line, each a device of its own.
func (w *world) phone(username string, edit ...func(*softphone.Config)) *softphone.Phone {
	w.t.Helper()
	w.nextIP++
	cfg := softphone.Config{
		User: username, Password: "pw-" + username, Line: siteLines[username].User(), Domain: "site.test", Server: serverAddr,
		Local:     netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, w.nextIP}), 5060),
		UserAgent: fmt.Sprintf("Cisco-CP-8851-3PCC/11.3.7_00a0c91122%02x", w.nextIP), Sockets: softphone.Memory(w.Network),
	}
	for _, f := range edit {
		f(&cfg)
	}
	p, err := softphone.Open(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = p.Close() })
	return p
}

// subscribe subscribes and returns the subscription with its first NOTIFY.
func subscribe(t *testing.T, p *softphone.Phone, o softphone.SubscribeOptions) (*softphone.Subscription, *softphone.Message) {
	t.Helper()
	s, err := p.Subscribe(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s, next(t, s)
}

// next returns the next NOTIFY; none within a minute fails the test.
func next(t *testing.T, s *softphone.Subscription) *softphone.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	m, err := s.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// expired is a context for taking only what is there already.
var expired = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// quiet fails the test when a NOTIFY comes within a second.
func quiet(t *testing.T, s *softphone.Subscription) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if m, err := s.Next(ctx); err == nil {
		t.Fatalf("notified\n%s", m)
	}
}

// wantBody checks type and body of a NOTIFY.
func wantBody(t *testing.T, m *softphone.Message, contentType, body string) {
	t.Helper()
	if got := m.Header("Content-Type"); got != contentType || string(m.Body) != body {
		t.Fatalf("NOTIFY of %s\n%s\nwant %s\n%s", got, m.Body, contentType, body)
	}
}

// wantRefused checks that a SUBSCRIBE is refused with that status.
func wantRefused(t *testing.T, p *softphone.Phone, o softphone.SubscribeOptions, code int) {
	t.Helper()
	if _, err := p.Subscribe(t.Context(), o); softphone.StatusOf(err) != code {
		t.Errorf("%s of %s: %v, want %d", o.Event, o.To, err, code)
	}
}

// crlf writes line ends as SIP bodies have them.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// sorted joins texts whose order does not matter.
func sorted(list []string) string {
	slices.Sort(list)
	return strings.Join(list, " ")
}
