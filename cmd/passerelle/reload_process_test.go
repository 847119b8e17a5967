package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"passerelle/portal/api"
	"passerelle/softphone"
)

// reloadProcess is a server in a process of its own, on certificates and a site file that change.
type reloadProcess struct {
	*program
	t      *testing.T
	files  *renewals
	tls    netip.AddrPort
	https  netip.AddrPort
	client *http.Client // of the admin socket
}

// phone opens a phone of the demo's Paris on real sockets.
func (p *reloadProcess) phone(user, password string, edit ...func(*softphone.Config)) (*softphone.Phone, error) {
	cfg := softphone.Config{User: user, Password: password, Domain: "paris.acme.test", Server: p.sip, Local: netip.MustParseAddrPort("127.0.0.1:0"),
		UserAgent: "Cisco-CP-8851-3PCC/11.3.7_00a0c9" + fmt.Sprintf("%x", user[len(user)-3:])}
	for _, f := range edit {
		f(&cfg)
	}
	return softphone.Open(p.t.Context(), cfg)
}

// byTLS makes a phone speak TLS and verify.
func (p *reloadProcess) byTLS(c *softphone.Config) { p.files.verifies(c, p.tls, func(int64) {}) }

// last asks how the last reload went.
func (p *reloadProcess) last() (l api.LastReload) {
	p.t.Helper()
	code, body := adminGet(p.t, p.client, adminURL+"/api/v1/configuration/reload")
	if err := json.Unmarshal([]byte(body), &l); code != http.StatusOK || err != nil {
		p.t.Fatal(code, body, err)
	}
	return l
}

// hangUp sends SIGHUP and returns when the server has reloaded.
func (p *reloadProcess) hangUp() api.LastReload {
	p.t.Helper()
	before := p.last().At
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		p.t.Fatal(err)
	}
	for {
		if l := p.last(); !l.At.Equal(before) {
			return l
		}
	}
}

// shown gives the certificate that a listener shows now.
func (p *reloadProcess) shown(at netip.AddrPort) *x509.Certificate {
	p.t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(p.files.by.leaf)
	d := &tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: &tls.Config{RootCAs: roots, ServerName: "paris.acme.test", MinVersion: tls.VersionTLS12}}
	c, err := d.DialContext(p.t.Context(), "tcp", at.String())
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0]
}

// asks calls, asks within the call, and hangs up.
func asks(ctx context.Context, p *softphone.Phone, uri string) error {
	c, err := p.Invite(ctx, uri, softphone.InviteOptions{})
	if err != nil {
		return fmt.Errorf("call: %w", err)
	}
	if _, err := c.Options(ctx); err != nil {
		return fmt.Errorf("within the call: %w", err)
	}
	select {
	case <-c.Done():
		return errors.New("the server hangs up: " + c.Ending().Reason)
	default:
		return c.Bye(ctx)
	}
}

// TestProcessReloadsUnderLoad is TestReloadsDropNothing with a server in a process of its own, real sockets and real time: by
// SIGHUP, by the command's road, and with faults in between.
func TestProcessReloadsUnderLoad(t *testing.T) {
	p := &reloadProcess{t: t, files: newRenewals(t), tls: freePort(t), https: freePort(t)}
	data := t.TempDir()
	p.program = start(t, data, "--rtp", "127.0.0.1:46000-47999", "--site", p.files.file("site.yaml"), "--tls", p.tls.String(), "--https", p.https.String(), "--cert", p.files.file("tls.pem"), "--key", p.files.file("tls.key"))
	p.client, _ = adminClient(data)
	open := func(user, password string, edit ...func(*softphone.Config)) *softphone.Phone {
		t.Helper()
		ph, err := p.phone(user, password, edit...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ph.Close() })
		if _, err := ph.Register(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		return ph
	}

	// What is up all the time: a bridge and a call of two, each with a phone by UDP and one by TLS, and a browser.
	rings := make(chan *softphone.Incoming, 1)
	bruno := open("+33170001202", "pB-91aa37")
	camille := open("+33170001203", "pC-0be5d2", p.byTLS, func(c *softphone.Config) { c.OnInvite = func(in *softphone.Incoming) { rings <- in } })
	host := open("+33170001301", "pW-77e310")
	alice := open("alice-app", "sA-44c1d0", p.byTLS)
	up := map[string]*softphone.Call{}
	invite := func(who string, ph *softphone.Phone, uri string) {
		t.Helper()
		c, err := ph.Invite(t.Context(), uri, softphone.InviteOptions{})
		if err != nil {
			t.Fatal(who, err)
		}
		up[who] = c
	}
	invite("alice", alice, gatewayURI+";space="+aliceSpace)
	invite("host", host, gatewayURI+";space="+aliceSpace)
	answered := make(chan outcome, 1)
	go func() { // ends with the answer
		c, err := (<-rings).Answer(t.Context(), softphone.InviteOptions{})
		answered <- outcome{c, err}
	}()
	invite("bruno", bruno, "sip:203@paris.acme.test")
	if o := <-answered; o.err != nil {
		t.Fatal(o.err)
	} else {
		up["camille"] = o.call
	}
	pairs := [][2]string{{"alice", "host"}, {"bruno", "camille"}}
	hear := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i, pair := range pairs {
			for j, who := range pair {
				up[who].Tone(500 + 300*float64(2*i+j))
			}
			for j, who := range pair {
				if err := up[who].WaitTone(ctx, 500+300*float64(2*i+1-j), -32); err != nil {
					t.Errorf("%s does not hear %s: %v", who, pair[1-j], err)
				}
			}
		}
	}
	hear()
	roots := x509.NewCertPool()
	roots.AddCert(p.files.by.leaf)
	browser := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}}}
	defer browser.CloseIdleConnections()
	look := func() *x509.Certificate {
		t.Helper()
		r, err := browser.Get("https://" + p.https.String() + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil { // or the connection is not kept
			t.Fatal(err)
		}
		return r.TLS.PeerCertificates[0]
	}
	first := p.files.latest()
	if !look().Equal(first) {
		t.Fatal("another certificate at the start")
	}

	// What comes and goes.
	comers := []*churn{
		{name: "a registration by UDP", again: func() error { _, err := bruno.Register(t.Context(), time.Hour); return err }},
		{name: "a call by UDP", again: func() error { return asks(t.Context(), bruno, gatewayURI+";space="+brunoSpace) }},
		{name: "a call by TLS", again: func() error { return asks(t.Context(), camille, gatewayURI+";space="+brunoSpace) }},
		{name: "a connection by TLS", again: func() error {
			ph, err := p.phone("+33170001201", "pA-6d1f0c", p.byTLS)
			if err != nil {
				return err
			}
			defer ph.Close()
			if _, err := ph.Register(t.Context(), time.Hour); err != nil {
				return fmt.Errorf("register: %w", err)
			}
			return asks(t.Context(), ph, gatewayURI+";space="+brunoSpace)
		}},
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	for _, c := range comers {
		c.ended = make(chan struct{})
		running.Go(func() { c.run(stop) })
	}

	began := time.Now()
	var longest time.Duration
	for n := range loadReloads {
		if n%10 == 0 {
			for _, c := range comers { // each has come and gone since the last certificate
				c.waitMore()
			}
			p.files.certificate(t)
		}
		p.files.site(t, n)
		asked := time.Now()
		switch {
		case n%10 == 8: // another's key
			putFile(t, p.files.file("tls.key"), p.files.issued[0].pem)
			if l := p.hangUp(); len(l.Faults) != 1 || !strings.Contains(l.Faults[0], "tls.key:1:1: key: is not the key of the certificate of ") {
				t.Errorf("reload %d: %+v", n, l)
			}
			p.files.issued[len(p.files.issued)-1].write(t, p.files.dir)
		case n%10 == 9:
			p.files.badSite(t)
			_, err := adminReload(t.Context(), p.client, true, false)
			if err == nil || !strings.Contains(err.Error(), "site.yaml:2:9: sites[0].name: is missing") {
				t.Errorf("reload %d: %v", n, err)
			}
		case n%2 == 0:
			if l := p.hangUp(); l.By != bySignal || l.Faults != nil || (n%10 == 0) != (len(l.Changed) == 1) {
				t.Errorf("reload %d: %+v", n, l)
			}
		default:
			if done, err := adminReload(t.Context(), p.client, true, false); err != nil || done.Sites == nil {
				t.Errorf("reload %d: %+v, %v", n, done, err)
			}
		}
		longest = max(longest, time.Since(asked))
		if n%10 == 0 || n%10 == 8 {
			for _, at := range []netip.AddrPort{p.tls, p.https} {
				if got := p.shown(at); !got.Equal(p.files.latest()) {
					t.Errorf("reload %d: a new connection sees certificate %v, want %v", n, got.SerialNumber, p.files.latest().SerialNumber)
				}
			}
			if !look().Equal(first) {
				t.Errorf("reload %d: the browser's connection is another one", n)
			}
		}
	}
	close(stop)
	running.Wait()
	t.Logf("%d reloads in %v, the longest %v", loadReloads, time.Since(began).Round(time.Millisecond), longest.Round(time.Millisecond))
	for _, c := range comers {
		t.Logf("%s: %d times", c.name, c.done.Load())
		if c.fault != nil || c.done.Load() < loadCertificates {
			t.Errorf("%s: %d times, then %v", c.name, c.done.Load(), c.fault)
		}
	}
	for who, c := range up {
		select {
		case <-c.Done():
			t.Errorf("the call of %s is over: %+v", who, c.Ending())
		default:
		}
		if s := c.Stats(); s.Streams != 1 || s.Lost > s.Received/100 {
			t.Errorf("%s hears %d streams; %d packets came and %d were lost", who, s.Streams, s.Received, s.Lost)
		}
	}
	hear()
	for _, ph := range []*softphone.Phone{camille, host, alice} { // they have registered once
		if all, err := ph.Bindings(t.Context()); err != nil || len(all) == 0 {
			t.Errorf("bindings of %s: %v, %v", ph.AOR(), all, err)
		}
	}
	for _, who := range []string{"alice", "host", "bruno"} {
		if err := up[who].Bye(t.Context()); err != nil {
			t.Errorf("%s hangs up: %v", who, err)
		}
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 20*time.Second)
}
