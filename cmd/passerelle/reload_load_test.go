package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory/sitefile"
	"passerelle/hoteling"
	"passerelle/portal/api"
	"passerelle/softphone"
)

// How often the load test reloads; each certificate of these is a new one.
const (
	loadReloads      = 100
	loadCertificates = 10
)

// renewals write the files that reloads take over.
type renewals struct {
	dir    string
	by     *issued   // issues them
	issued []*issued // one after the other, the last in force
}

func newRenewals(t *testing.T) *renewals {
	r := &renewals{dir: t.TempDir(), by: issue(1000, nil, authority)}
	r.certificate(t)
	r.site(t, 0)
	return r
}

// certificate writes the next one.
func (r *renewals) certificate(t *testing.T) {
	t.Helper()
	i := issue(int64(len(r.issued)+1), r.by)
	i.write(t, r.dir)
	r.issued = append(r.issued, i)
}

// site writes the demo's file with another name in it, without passwords of the portal: their hashes take longer than all else.
func (r *renewals) site(t *testing.T, n int) {
	t.Helper()
	file := portalPasswords.ReplaceAll(sitefile.DemoFile(), nil)
	putFile(t, r.file("site.yaml"), bytes.Replace(file, []byte("Alice Martin"), fmt.Appendf(nil, "Alice %d Martin", n), 1))
}

var portalPasswords = regexp.MustCompile(`(?m)^ *portal_password: .*\n`)

// badSite writes one that has faults.
func (r *renewals) badSite(t *testing.T) {
	t.Helper()
	putFile(t, r.file("site.yaml"), []byte("enterprise: acme\nsites: [{}]\n"))
}

func (r *renewals) file(name string) string { return filepath.Join(r.dir, name) }

// latest is the certificate that is to be in force after a reload.
func (r *renewals) latest() *x509.Certificate { return r.issued[len(r.issued)-1].leaf }

// flags are those of a server on the files.
func (r *renewals) flags() *serveCmd {
	return &serveCmd{TLS: []string{tlsAddr.String()}, Cert: r.file("tls.pem"), Key: r.file("tls.key"), Site: []string{r.file("site.yaml")}, LogLevel: "debug"}
}

// verifies makes a phone speak TLS with a server that has one of the certificates; shown is told the serial number of the one
// that it sees.
func (r *renewals) verifies(c *softphone.Config, server netip.AddrPort, shown func(int64)) {
	roots := x509.NewCertPool()
	roots.AddCert(r.by.leaf)
	c.Transport, c.Server, c.TLS = "tls", server, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, VerifyPeerCertificate: func(_ [][]byte, chains [][]*x509.Certificate) error {
		shown(chains[0][0].SerialNumber.Int64())
		return nil
	}}
}

// churn does one thing again and again until it is told to stop; it keeps the first failure.
type churn struct {
	name  string
	again func() error
	done  atomic.Int64
	fault error         // once ended is closed
	ended chan struct{} // by run
	last  int64         // of waitMore
}

// waitMore waits until it has been done once more since the last wait, or has ended.
func (c *churn) waitMore() {
	for c.done.Load() == c.last {
		select {
		case <-c.ended:
			return
		case <-time.After(time.Millisecond):
		}
	}
	c.last = c.done.Load()
}

func (c *churn) run(stop <-chan struct{}) {
	defer close(c.ended)
	for {
		select {
		case <-stop:
			return
		default:
		}
		if err := c.again(); err != nil {
			c.fault = err
			return
		}
		c.done.Add(1)
	}
}

// TestReloadsDropNothing takes over a hundred site files and ten certificates while calls and registrations by UDP and TLS are
// up and others come and go: none is dropped, none is refused, and who is up hears every packet. Every tenth reload has a
// fault and changes nothing.
func TestReloadsDropNothing(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		t := w.t // of the bubble
		files := newRenewals(t)
		set, err := files.flags().certificates()
		if err != nil {
			t.Fatal(err)
		}
		certs := w.house.cfg.listeners.certificates
		certs.use(set)
		tokens, err := newSwitchedTokens("")
		if err != nil {
			t.Fatal(err)
		}
		reloads := newReloader(reloadConfig{
			flags: files.flags(), again: func(context.Context) (*serveCmd, error) { return files.flags(), nil }, certificates: certs, sites: w.config,
			level: &slog.LevelVar{}, tokens: tokens, drainLimit: func(time.Duration) {}, journal: w.config.store, log: w.house.cfg.log, metrics: prometheus.NewRegistry(),
		})

		// What is up all the time: a bridge by TLS and by the trunk, a call of two by UDP and TLS, a guest.
		calls := make(chan *softphone.Incoming, 8)
		bruno, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2", byTLS)
		trunk := w.trunk()
		dialled := w.dial(t.Context(), bruno.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c := w.take(camille.rings(w))
		up := map[string]*softphone.Call{"bruno": w.up(dialled), "camille": c, "alice": w.enter(w.phone("alice-app", "sA-44c1d0", byTLS), aliceSpace), "carrier": w.enter(trunk, aliceSpace)}
		host, ok := w.live.Current().UserByNumber("+33170001301")
		if !ok {
			t.Fatal("no host")
		}
		if _, err := w.house.desk.SignInWithPIN(t.Context(), host.Ref, "+15145550201", "998877", hoteling.ByCode); err != nil {
			t.Fatal(err)
		}
		go func() { // answers and waits for the other side to hang up, until the phone closes with the test
			for in := range calls {
				if _, err := in.Answer(context.WithoutCancel(t.Context()), softphone.InviteOptions{}); err != nil {
					w.t.Error(err)
				}
			}
		}()
		defer close(calls)
		montreal := w.phone("+15145550301", "pV-30f7aa", byTLS, func(c *softphone.Config) {
			c.Domain = "montreal.acme.test"
			c.OnInvite = func(in *softphone.Incoming) { calls <- in }
		})
		if _, err := montreal.Register(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		w.meet(up["alice"], up["carrier"])
		w.meet(up["bruno"], up["camille"])
		for _, c := range up {
			c.ResetStats()
		}

		// What comes and goes.
		brief := func(p *softphone.Phone, uri string) error {
			call, err := p.Invite(t.Context(), uri, softphone.InviteOptions{})
			if err != nil {
				return fmt.Errorf("call %s: %w", uri, err)
			}
			time.Sleep(300 * time.Millisecond)
			select {
			case <-call.Done():
				return fmt.Errorf("%s hangs up: %s", uri, call.Ending().Reason)
			default:
			}
			return call.Bye(t.Context())
		}
		desk := w.phone("+33170001201", "pA-6d1f0c")
		comers := []*churn{
			{name: "a registration by UDP", again: func() error {
				_, err := desk.Register(t.Context(), time.Hour)
				time.Sleep(100 * time.Millisecond)
				return err
			}},
			{name: "a call by UDP into a space", again: func() error { return brief(bruno.Phone, gatewayURI+";space="+brunoSpace) }},
			{name: "a call from TLS to TLS", again: func() error { return brief(camille.Phone, "sip:+15145550301@montreal.acme.test") }},
			{name: "a call from the trunk", again: func() error { return brief(trunk, gatewayURI+";space="+brunoSpace) }},
			{name: "a connection by TLS", again: func() error { return files.connects(w, certs, brief) }},
		}
		stop := make(chan struct{})
		var running sync.WaitGroup
		for _, c := range comers {
			c.ended = make(chan struct{})
			running.Go(func() { c.run(stop) })
		}

		for n := range loadReloads {
			time.Sleep(time.Duration(50+n*37%400) * time.Millisecond)
			faulty := n%10 == 9
			if n%10 == 0 {
				files.certificate(t)
			}
			files.site(t, n)
			if faulty {
				files.badSite(t)
			}
			before := w.live.Current()
			done, err := reloads.Reload(t.Context(), api.ReloadOptions{By: "test", SiteFiles: true})
			if faulty {
				if err == nil || w.live.Current() != before {
					t.Errorf("reload %d has a fault: %+v, %v", n, done, err)
				}
				continue
			}
			if !certs.current.Load().pair.Leaf.Equal(files.latest()) {
				t.Errorf("reload %d: not the latest certificate", n)
			}
			if name := w.live.Current().Sites()[0].Users[0].Name; err != nil || name != fmt.Sprintf("Alice %d Martin", n) {
				t.Fatalf("reload %d: %v, the name is %q", n, err, name)
			}
		}
		close(stop)
		running.Wait()
		if len(files.issued) != 1+loadCertificates {
			t.Errorf("%d certificates", len(files.issued))
		}
		for _, c := range comers {
			t.Logf("%s: %d times", c.name, c.done.Load())
			if c.fault != nil || c.done.Load() < 20 {
				t.Errorf("%s: %d times, then %v", c.name, c.done.Load(), c.fault)
			}
		}
		for who, c := range up {
			w.steady(who, c, 60*time.Millisecond)
		}
		w.meet(up["alice"], up["carrier"])
		w.meet(up["bruno"], up["camille"])
		if _, ok := w.house.desk.On(host.Ref); !ok {
			t.Error("the guest is signed out")
		}
		for _, p := range []*softphone.Phone{bruno.Phone, camille.Phone, montreal} {
			if all, err := p.Bindings(t.Context()); err != nil || len(all) == 0 {
				t.Errorf("bindings of %s: %v, %v", p.AOR(), all, err)
			}
		}
		w.bye(up["alice"], up["carrier"], up["bruno"])
	})
}

// connects opens a phone by TLS, registers, calls, and goes; it fails if the handshake shows another certificate than the one
// in force.
func (r *renewals) connects(w *world, certs *certificates, brief func(p *softphone.Phone, uri string) error) error {
	serial := func() int64 { return certs.current.Load().pair.Leaf.SerialNumber.Int64() }
	shown, before := int64(0), serial()
	cfg := softphone.Config{User: "+33170001301", Password: "pW-77e310", Domain: "paris.acme.test", Local: netip.MustParseAddrPort("198.51.100.90:0"), Sockets: softphone.Memory(w.net)}
	r.verifies(&cfg, tlsAddr, func(serial int64) { shown = serial })
	p, err := softphone.Open(w.t.Context(), cfg)
	if err != nil {
		return err
	}
	defer p.Close()
	if shown != before && shown != serial() {
		return fmt.Errorf("the handshake shows certificate %d, %d was in force", shown, before)
	}
	if _, err := p.Register(w.t.Context(), time.Hour); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return brief(p, gatewayURI+";space="+brunoSpace)
}
