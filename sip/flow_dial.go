package sip

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Limits of connections that we make.
const (
	dialTime      = 5 * time.Second  // for the connection and its TLS handshake
	dialQueue     = 64               // messages that wait for a connection
	dialIdleTime  = 10 * time.Minute // without a byte of the peer's; the next request connects anew
	dialForgotten = 12 * time.Hour   // without a connection; longer than a dialog needs it
)

// Hop is one server outside that requests of ours go to (RFC 3263 §4).
type Hop struct {
	Transport string // "UDP", "TCP" or "TLS"
	Addr      netip.AddrPort
	// Name is what the certificate must be for, where the transport is TLS (RFC 5922 §7.2); empty means the address.
	Name string
}

// String is the hop in logs, as "TLS 192.0.2.1:5061".
func (h Hop) String() string { return h.Transport + " " + h.Addr.String() }

// Target is where a request goes that a hop is to have.
func (h Hop) Target(uri string) Target {
	return Target{URI: uri, Name: h.Name, Source: Source{Transport: h.Transport, Remote: h.Addr}}
}

// outgoing is our way to a hop by TCP or TLS: one connection at a time, used by all that goes there, made when there is
// something to send, and made anew after it broke. It is a flow that outlives its connections, so that dialogs on it do
// (RFC 5923). Its connection's goroutine ends with the connection, or when close is called; Server.Run waits for it.
type outgoing struct {
	s     *Server
	ident FlowID
	hop   Hop

	mu     sync.Mutex // guards all below; no call out that waits while held
	conn   *streamFlow
	rounds uint64             // connections made
	queue  [][]byte           // waits for the connection under way
	ready  chan struct{}      // closed when the attempt under way has ended; nil when there is none
	fault  error              // why the last attempt failed
	cancel context.CancelFunc // of the attempt under way
	used   time.Time
	closed bool
}

var _ flow = (*outgoing)(nil)

func (o *outgoing) id() FlowID        { return o.ident }
func (o *outgoing) transport() string { return o.hop.Transport }

// local is where the peer reaches us: our listener of that transport. Where there is none it is the usual port, so
// that our Contact is the same from one connection to the next and a registrar replaces it.
func (o *outgoing) local(netip.AddrPort) netip.AddrPort {
	o.mu.Lock()
	conn := o.conn
	o.mu.Unlock()
	var own netip.Addr
	if conn != nil {
		own = conn.addr.Addr()
	} else {
		own = routeTo(o.hop.Addr)
	}
	return netip.AddrPortFrom(own, o.s.listening(o.hop.Transport, own))
}

// listening is the port at which one of our addresses takes connections of a transport, or usually would.
func (s *Server) listening(transport string, at netip.Addr) (port uint16) {
	listeners, usual := s.cfg.TCP, uint16(5060)
	if transport == "TLS" {
		listeners, usual = s.cfg.TLS, 5061
	}
	for _, l := range listeners {
		if a := addrPortOf(l.Addr()); a.Addr() == at || a.Addr().IsUnspecified() {
			return a.Port()
		}
	}
	return usual
}

// send sends a message, or queues it and connects. It never waits.
func (o *outgoing) send(b []byte, _ netip.AddrPort, _ netip.Addr) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.used = time.Now()
	if o.conn != nil && o.conn.push(b) == nil {
		return nil
	}
	if o.closed {
		return fmt.Errorf("send to %s: %w", o.hop, ErrFlowGone)
	}
	if len(o.queue) >= dialQueue {
		return fmt.Errorf("send to %s: %w", o.hop, ErrSlowPeer)
	}
	o.queue = append(o.queue, b)
	o.beginLocked()
	return nil
}

// connect waits for a connection and says which one it is, counted from 1.
func (o *outgoing) connect(ctx context.Context) (round uint64, err error) {
	for {
		o.mu.Lock()
		o.used = time.Now()
		switch {
		case o.conn != nil && !o.conn.isClosed():
			defer o.mu.Unlock()
			return o.rounds, nil
		case o.closed:
			o.mu.Unlock()
			return 0, fmt.Errorf("connect to %s: %w", o.hop, ErrFlowGone)
		}
		ready := o.beginLocked()
		o.mu.Unlock()
		select {
		case <-ready:
		case <-ctx.Done():
			return 0, fmt.Errorf("connect to %s: %w", o.hop, context.Cause(ctx))
		}
		o.mu.Lock()
		err := o.fault
		o.mu.Unlock()
		if err != nil {
			return 0, fmt.Errorf("connect to %s: %w", o.hop, err)
		}
	}
}

// up reports whether there is a connection now; if not, one is being made.
func (o *outgoing) up() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn != nil && !o.conn.isClosed() {
		return true
	}
	if !o.closed {
		o.beginLocked()
	}
	return false
}

// round is the number of the connection that is in use, 0 when there is none.
func (o *outgoing) round() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.conn == nil || o.conn.isClosed() {
		return 0
	}
	return o.rounds
}

// beginLocked starts an attempt unless one is under way, and returns what its end closes.
func (o *outgoing) beginLocked() (ready <-chan struct{}) {
	if o.ready != nil {
		return o.ready
	}
	o.ready = make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	o.cancel = cancel
	o.s.wait.Go(func() { // ends with the connection; close ends that
		defer o.s.recovered(ownerConnection)
		o.serve(ctx)
	})
	return o.ready
}

// serve makes a connection and reads it to its end.
func (o *outgoing) serve(ctx context.Context) {
	c, raw, err := o.s.dial(ctx, o.hop)
	f := o.settle(c, raw, err)
	if f == nil {
		return
	}
	o.s.guard.Trust(o.hop.Addr.Addr())
	gauge := o.s.metrics.flows.WithLabelValues(f.kind)
	gauge.Inc()
	defer gauge.Dec()
	written := make(chan struct{})
	go func() { // ends when the connection closes; waited for below
		defer close(written)
		f.writeLoop()
	}()
	err = o.s.readStream(f)
	o.s.log.Debug("connection of ours ended", "transport", f.kind, "remote", f.remote, "err", err)
	o.mu.Lock()
	if o.conn == f {
		o.conn = nil // what comes now goes by another one
	}
	o.mu.Unlock()
	f.finish(time.Second)
	<-written
	if f.heard.Load() {
		o.sendAgain(f)
	}
}

// sendAgain sends what a connection that broke had no time for. One that never said a word gets no second chance.
func (o *outgoing) sendAgain(f *streamFlow) {
	for {
		select {
		case b := <-f.queue:
			if b == nil { // from finish
				continue
			}
			if err := o.send(b, netip.AddrPort{}, netip.Addr{}); err != nil {
				o.s.metrics.sendErrors.Inc()
			}
		default:
			return
		}
	}
}

// settle ends an attempt: what waits leaves by the new connection, or is lost.
func (o *outgoing) settle(c, raw net.Conn, err error) *streamFlow {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.cancel()
	ready, queue := o.ready, o.queue
	o.ready, o.queue, o.fault = nil, nil, err
	defer close(ready)
	if err == nil && o.closed {
		_ = raw.Close()
		err = ErrFlowGone
		o.fault = err
	}
	if err != nil {
		for range queue {
			o.s.metrics.sendErrors.Inc()
		}
		o.s.log.Info("no connection", "transport", o.hop.Transport, "remote", o.hop.Addr, "err", err)
		return nil
	}
	o.rounds++
	f := newStreamFlow(o.ident, o.hop.Transport, c, raw)
	f.owner, f.remote = o, o.hop.Addr
	o.conn = f
	for _, b := range queue {
		_ = f.push(b) // the queue of a connection is longer than ours
	}
	return f
}

// close ends the connection and refuses others.
func (o *outgoing) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.ready != nil {
		o.cancel()
	}
	if o.conn != nil {
		o.conn.close()
	}
}

// dial connects to a hop.
func (s *Server) dial(ctx context.Context, hop Hop) (c, raw net.Conn, err error) {
	connect := s.cfg.Dial
	if connect == nil {
		connect = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", to.String())
		}
	}
	if raw, err = connect(ctx, hop.Addr); err != nil {
		return nil, nil, err
	}
	if hop.Transport != "TLS" {
		return raw, raw, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.cfg.DialTLS != nil {
		cfg = s.cfg.DialTLS.Clone()
	}
	cfg.ServerName = cmp.Or(hop.Name, hop.Addr.Addr().WithZone("").String())
	t := tls.Client(raw, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, nil, fmt.Errorf("TLS: %w", err)
	}
	return t, raw, nil
}

// outgoings are our ways to hops.
type outgoings struct {
	mu    sync.Mutex
	byHop map[Hop]*outgoing
}

// to returns our way to a hop, and forgets those that nobody needs any more.
func (t *outgoings) to(s *Server, hop Hop) *outgoing {
	hop.Name = strings.ToLower(hop.Name)
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.byHop[hop]; o != nil {
		return o
	}
	for key, o := range t.byHop {
		if o.forgotten() {
			delete(t.byHop, key)
			s.flows.remove(o)
		}
	}
	o := &outgoing{s: s, ident: s.flows.next(), hop: hop, used: time.Now()}
	if t.byHop == nil {
		t.byHop = make(map[Hop]*outgoing)
	}
	t.byHop[hop] = o
	s.flows.add(o)
	return o
}

func (o *outgoing) forgotten() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.conn == nil && o.ready == nil && time.Since(o.used) > dialForgotten
}

// reach completes the source of a target that names no flow and needs a connection: it connects, or finds the connection
// that is there. It waits no longer than ctx, and dialTime.
func (s *Server) reach(ctx context.Context, t *Target) error {
	if !reliable(t.Source.Transport) || t.Source.Flow != 0 {
		return nil
	}
	if t.Source.Transport != "TCP" && t.Source.Transport != "TLS" || !t.Source.Remote.IsValid() {
		return ErrFlowGone
	}
	o := s.out.to(s, Hop{Transport: t.Source.Transport, Addr: t.Source.Remote, Name: t.Name})
	if _, err := o.connect(ctx); err != nil {
		return &StatusError{Code: 503, Err: err}
	}
	t.Source.Flow, t.Source.Local = o.ident, o.local(t.Source.Remote)
	return nil
}
