package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/hoteling"
	"passerelle/internal/memnet"
	"passerelle/media"
	"passerelle/portal/events"
	"passerelle/provision"
	"passerelle/sip"
	"passerelle/softphone"
	"passerelle/store"
)

// world is a whole server on a network in memory, inside a synctest bubble. When it ends it proves that nothing is left
// over and that no secret came out.
type world struct {
	t       *testing.T
	net     *memnet.Network
	live    *directory.Live
	house   *house
	config  *configuration // of a stored world
	ports   *media.Ports
	journal *cdr.Journal
	events  *events.Log
	stop    context.CancelFunc
	ended   chan error
	log     syncBuffer
	metrics *prometheus.Registry
	typed   []string // what callers typed: digits that may be in no output
	nextIP  byte
	names   *names // what DNS says
}

// serverAddr is where the server is.
var serverAddr = netip.MustParseAddrPort("192.0.2.10:5060")

// inWorld runs a scenario on the demo's enterprise in a bubble of its own.
func inWorld(t *testing.T, scenario func(w *world)) {
	t.Helper()
	inWorldOf(t, sitefile.Demo(), scenario)
}

// inWorldOf runs a scenario on an enterprise.
func inWorldOf(t *testing.T, e *directory.Enterprise, scenario func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, e, nil)
		scenario(w)
		w.close()
	})
}

// inStoredWorld runs a scenario on the demo's enterprise out of a store.
func inStoredWorld(t *testing.T, scenario func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		key, _, err := store.FindKey(store.KeySource{Generate: filepath.Join(t.TempDir(), "key")})
		if err != nil {
			t.Fatal(err)
		}
		st, err := store.Open(filepath.Join(t.TempDir(), storeFile), key)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		if err := st.Import(t.Context(), sitefile.Demo(), nil); err != nil {
			t.Fatal(err)
		}
		e, err := st.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, e, st)
		scenario(w)
		w.close()
	})
}

func newWorld(t *testing.T, e *directory.Enterprise, st *store.Store) *world {
	t.Helper()
	dir, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, net: memnet.New(), live: directory.NewLive(dir), ended: make(chan error, 1), metrics: prometheus.NewRegistry(), nextIP: 100, names: &names{}}
	udp, err := w.net.ListenPacket(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := w.net.Listen(serverAddr)
	if err != nil {
		t.Fatal(err)
	}
	secure, err := w.net.Listen(tlsAddr)
	if err != nil {
		t.Fatal(err)
	}
	w.ports, err = media.NewPorts(media.PortsConfig{Host: serverAddr.Addr(), Min: 20000, Max: 20999, Listen: w.listenMedia})
	if err != nil {
		t.Fatal(err)
	}
	w.logEvents()
	if w.journal, err = cdr.Open(cdr.Config{Dir: t.TempDir(), Observe: func(s cdr.Stage, r cdr.Record) { w.events.Post(events.OfCall(s, r)) }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.journal.Close() })
	config := &configuration{store: st, live: w.live, events: w.events}
	var settings call.Settings
	var associations hoteling.Store
	var phones provision.Store
	if st != nil {
		settings, associations, phones = byPhone{config}, st, st
	}
	w.house = newHouse(houseConfig{
		settings:     settings,
		associations: associations,
		phones:       phones,
		live:         w.live,
		listeners:    &listeners{udp: []net.PacketConn{udp}, tcp: []net.Listener{tcp}, tls: []net.Listener{secure}, certificates: testCertificates()},
		ports:        w.ports,
		journal:      w.journal,
		events:       w.events,
		drainLimit:   time.Minute,
		dns:          w.names,
		dial: func(_ context.Context, to netip.AddrPort) (net.Conn, error) {
			return w.net.Dial(netip.AddrPortFrom(serverAddr.Addr(), 0), to)
		},
		log:     slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		metrics: w.metrics,
	})
	if err := w.house.desk.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	config.swapped = w.house.changed
	w.config = config
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	go func() {
		w.ended <- w.house.run(ctx)
		close(w.ended)
	}()
	t.Cleanup(func() { // a scenario that failed leaves the server running
		stop()
		for range w.ended { // closed at the end
		}
	})
	synctest.Wait()
	return w
}

// mediaConn makes a media socket of an endpoint of the network.
type mediaConn struct{ *memnet.PacketConn }

// WriteTo implements media.Conn.
func (c mediaConn) WriteTo(b []byte, dst netip.AddrPort) error {
	_, err := c.WriteToUDPAddrPort(b, dst)
	return err
}

func (w *world) listenMedia(addr netip.AddrPort) (media.Conn, error) {
	pc, err := w.net.ListenPacket(addr)
	if err != nil {
		return nil, err
	}
	return mediaConn{pc}, nil
}

// close ends the server and looks at what it leaves.
func (w *world) close() {
	w.t.Helper()
	w.settled()
	w.stop()
	if err := <-w.ended; err != nil {
		w.t.Errorf("the server ended with %v", err)
	}
	w.noSecrets()
	if w.t.Failed() {
		w.t.Log(w.log.String())
	}
}

// settled waits until no leg, seat or port is in use; it fails after three minutes.
func (w *world) settled() {
	w.t.Helper()
	for range 180 * 2 {
		synctest.Wait() // a leg is off the table before its record is written
		if w.house.server.Legs() == 0 && w.ports.InUse() == 0 && len(w.house.gateway.Bridges()) == 0 {
			return
		}
		time.Sleep(500 * time.Millisecond)
	}
	w.t.Errorf("left over: %d legs, %d ports, bridges %+v", w.house.server.Legs(), w.ports.InUse(), w.house.gateway.Bridges())
}

// noSecrets searches log, metrics and call records for everything that must not be there.
func (w *world) noSecrets() {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	var all strings.Builder
	all.WriteString(w.log.String())
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&all, f); err != nil {
			w.t.Fatal(err)
		}
	}
	records, err := w.journal.Latest(1000, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := json.NewEncoder(&all).Encode(records); err != nil { // %+v would print addresses, which are digits too
		w.t.Fatal(err)
	}
	for _, e := range w.happened() {
		if _, err := all.Write(e.Data); err != nil {
			w.t.Fatal(err)
		}
	}
	out := all.String()
	secrets := append([]string{}, w.typed...)
	for _, s := range w.live.Current().Sites() {
		for u := range s.Everyone() {
			secrets = append(secrets, u.SpaceID.Reveal(), u.PIN.Reveal(), u.PortalPassword.Reveal())
			for _, d := range u.Devices() {
				secrets = append(secrets, d.Password.Reveal())
			}
		}
	}
	for _, secret := range secrets {
		if len(secret) >= 4 && strings.Contains(out, secret) {
			i := strings.Index(out, secret)
			w.t.Errorf("the secret %q is in the output: …%s…", secret, out[max(0, i-120):min(len(out), i+120)])
		}
	}
}

// phone opens a phone with the credentials of a line of Paris, each on an address of its own.
func (w *world) phone(user, password string, edit ...func(*softphone.Config)) *softphone.Phone {
	w.t.Helper()
	w.nextIP++
	cfg := softphone.Config{
		User: user, Password: password, Domain: "paris.acme.test", Server: serverAddr,
		Local:   netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, w.nextIP}), 5060),
		Sockets: softphone.Memory(w.net),
		// Each phone has a MAC of its own: the registrar knows phones by it.
		UserAgent: fmt.Sprintf("Cisco-CP-8851-3PCC/11.3.7_00a0c91122%02x", w.nextIP),
	}
	for _, f := range edit {
		f(&cfg)
	}
	p, err := softphone.Open(w.t.Context(), cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Close() })
	return p
}

// The demo's callers.
func (w *world) alice() *softphone.Phone   { return w.phone("alice-app", "sA-44c1d0") }
func (w *world) camille() *softphone.Phone { return w.phone("+33170001203", "pC-0be5d2") }

// trunk opens the demo's carrier: trusted by its address, no password.
func (w *world) trunk() *softphone.Phone {
	return w.phone("+33612345678", "", func(c *softphone.Config) {
		c.Local = trunkAddr
		c.Domain = "carrier.test"
	})
}

// trunkAddr is where the demo's carrier is.
var trunkAddr = netip.MustParseAddrPort("127.0.0.1:5090")

const (
	gatewayURI = "sip:+33170001000@paris.acme.test"
	aliceSpace = "48213907752"
	brunoSpace = "73500619280"
)

// invite calls and fails the test if it is not answered.
func (w *world) invite(p *softphone.Phone, uri string, o softphone.InviteOptions) *softphone.Call {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	c, err := p.Invite(ctx, uri, o)
	if err != nil {
		w.t.Fatalf("call to the gateway: %v\n%s", err, w.log.String())
	}
	return c
}

// enter calls straight into a space.
func (w *world) enter(p *softphone.Phone, space string) *softphone.Call {
	w.t.Helper()
	return w.invite(p, gatewayURI+";space="+space, softphone.InviteOptions{})
}

// types presses keys, one second after the answer.
func (w *world) types(c *softphone.Call, digits string, o softphone.DigitOptions) {
	w.t.Helper()
	w.typed = append(w.typed, strings.Trim(digits, "#*"))
	time.Sleep(time.Second)
	if err := c.SendDigits(w.t.Context(), digits, o); err != nil {
		w.t.Fatalf("send digits: %v\n%s", err, w.log.String())
	}
}

// bye hangs up.
func (w *world) bye(calls ...*softphone.Call) {
	w.t.Helper()
	for _, c := range calls {
		if err := c.Bye(w.t.Context()); err != nil {
			w.t.Errorf("BYE: %v", err)
		}
	}
}

// participants waits until so many sit in all spaces together.
func (w *world) participants(want int) {
	w.t.Helper()
	got := 0
	for range 200 {
		if got = w.house.gateway.Participants(); got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.t.Fatalf("%d participants, want %d\n%s", got, want, w.log.String())
}

// meet makes each call sound its own tone and proves that everyone hears everyone else and never themselves.
func (w *world) meet(calls ...*softphone.Call) {
	w.t.Helper()
	hertz := func(i int) float64 { return 400 + 150*float64(i) }
	for i, c := range calls {
		c.Tone(hertz(i))
	}
	time.Sleep(time.Second)
	for i, c := range calls {
		heard := c.Heard(700 * time.Millisecond)
		for j := range calls {
			level := heard.Level(hertz(j))
			if i == j && level > -45 {
				w.t.Errorf("caller %d hears itself at %.0f dB", i, level)
			}
			if i != j && level < -32 {
				w.t.Errorf("caller %d hears caller %d at %.0f dB only", i, j, level)
			}
		}
	}
}

// gone waits for the server to hang up and returns the Reason of its BYE.
func (w *world) gone(c *softphone.Call, within time.Duration) string {
	w.t.Helper()
	select {
	case <-c.Done():
		return c.Ending().Reason
	case <-time.After(within):
		w.t.Fatalf("the server did not hang up within %v\n%s", within, w.log.String())
		return ""
	}
}

// refused calls and returns the status of the refusal.
func (w *world) refused(p *softphone.Phone, uri string, o softphone.InviteOptions) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*time.Minute)
	defer cancel()
	c, err := p.Invite(ctx, uri, o)
	if err == nil {
		w.bye(c)
		return 200
	}
	if code := softphone.StatusOf(err); code != 0 {
		return code
	}
	w.t.Fatalf("neither answered nor refused: %v", err)
	return 0
}

// syncBuffer is a buffer that goroutines share.
type syncBuffer struct {
	mu   sync.Mutex
	b    bytes.Buffer
	trap string // a line with these words panics, once
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.trap != "" && bytes.Contains(p, []byte(s.trap)) {
		s.trap = ""
		panic("a fault that a test has put there")
	}
	return s.b.Write(p)
}

// panicAt makes whoever logs these words next panic.
func (s *syncBuffer) panicAt(words string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trap = words
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// statusError tells a refusal for tables.
func statusError(code int) string { return fmt.Sprintf("%d %s", code, sip.StatusText(code)) }
