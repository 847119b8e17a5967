package softphone

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
)

// Phone is one telephone: a SIP socket or connection, the credentials of a line, and its calls.
type Phone struct {
	cfg  Config
	link link

	mu      sync.Mutex
	txs     map[string]*clientTx     // by branch and method
	served  map[string][]byte        // our answers to the peer's requests, by branch and method, for their retransmissions
	calls   map[string]*Call         // by Call-ID and our tag
	subs    map[string]*Subscription // by Call-ID and our tag
	ringing map[string]*Incoming     // by the branch of their INVITE
	login   challenges
	regID   string // Call-ID of the registration
	regSeq  int
	regTag  string
	answers map[string]int // statuses to answer requests with, by method
	closed  bool

	noticeNonce string // of our challenges

	done    chan struct{}
	running sync.WaitGroup
}

// Open makes a phone: it opens its socket, or connects to the server, but sends no SIP yet. Close ends it.
func Open(ctx context.Context, cfg Config) (*Phone, error) {
	if err := cfg.defaults(); err != nil {
		return nil, err
	}
	l, err := openLink(ctx, cfg)
	if err != nil {
		return nil, err
	}
	p := &Phone{
		cfg: cfg, link: l, txs: map[string]*clientTx{}, served: map[string][]byte{}, calls: map[string]*Call{},
		ringing: map[string]*Incoming{}, subs: map[string]*Subscription{}, noticeNonce: newTag(),
		answers: map[string]int{}, done: make(chan struct{}), regTag: newTag(),
	}
	p.login.known = map[string]*challenge{}
	p.regID = p.newCallID()
	// Close stops it and waits.
	p.running.Go(func() {
		if err := l.run(p.receive); err != nil {
			cfg.Log.WarnContext(context.WithoutCancel(ctx), "SIP connection lost", "err", err)
		}
	})
	return p, nil
}

// LocalAddr is where the phone's SIP socket is.
func (p *Phone) LocalAddr() netip.AddrPort { return p.link.local() }

// AOR is the address of record of the line (RFC 3261 §6).
func (p *Phone) AOR() string { return "sip:" + p.cfg.Line + "@" + p.cfg.Domain }

// AnswerWith makes the phone answer the peer's requests of a method by this status from now on; zero means properly again.
func (p *Phone) AnswerWith(method string, code int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[method] = code
}

// SendRaw sends bytes that need not be SIP at all.
func (p *Phone) SendRaw(b []byte) error { return p.link.send(b, p.cfg.Server) }

// Close ends the phone without a word to the server: calls should have been hung up before. It waits for its goroutines.
func (p *Phone) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return ErrClosed
	}
	p.closed = true
	calls := make([]*Call, 0, len(p.calls))
	for _, c := range p.calls {
		calls = append(calls, c)
	}
	for _, s := range p.subs {
		s.endLocked()
	}
	close(p.done)
	p.mu.Unlock()
	err := p.link.close()
	for _, c := range calls {
		c.finish(Ending{Reason: "phone closed"})
	}
	p.running.Wait()
	return err
}

// spawn runs f in a goroutine that Close waits for.
func (p *Phone) spawn(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Go(f)
	}
}

// Vanish is Close by another name: a phone whose power fails says nothing either.
func (p *Phone) Vanish() { _ = p.Close() }

// newRequest makes a request with what all of them carry, in the order of desk phones.
func (p *Phone) newRequest(method, uri, from, to, callID string, seq int) *Message {
	m := &Message{Method: method, URI: uri}
	m.add("Via", p.via(newBranch()))
	m.add("From", from)
	m.add("To", to)
	m.add("Call-ID", callID)
	m.add("CSeq", fmt.Sprintf("%d %s", seq, method))
	m.add("Max-Forwards", "70")
	return m
}

// finishRequest adds what comes last.
func (p *Phone) finishRequest(m *Message) {
	m.add("User-Agent", p.cfg.UserAgent)
	m.Headers = append(m.Headers, p.cfg.Headers...)
}

func (p *Phone) via(branch string) string {
	rport := ""
	if p.cfg.Rport {
		rport = ";rport"
	}
	return fmt.Sprintf("SIP/2.0/%s %s;branch=%s%s", strings.ToUpper(p.cfg.Transport), p.link.local(), branch, rport)
}

// renew gives a request that is sent again a CSeq and a branch of its own.
func (p *Phone) renew(m *Message, seq int) {
	m.set("Via", p.via(newBranch()))
	m.set("CSeq", fmt.Sprintf("%d %s", seq, m.Method))
}

// contact is our Contact URI.
func (p *Phone) contact() string {
	transport := ""
	if p.cfg.Transport != "udp" {
		transport = ";transport=" + p.cfg.Transport
	}
	return "sip:" + p.cfg.Line + "@" + p.link.local().String() + transport
}

// display puts the display name before an address.
func (p *Phone) display(uri string) string {
	if p.cfg.Name == "" {
		return "<" + uri + ">"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(p.cfg.Name) + `" <` + uri + ">"
}

// Identifiers have the shapes of desk phones: they are random, which is all RFC 3261 asks.
func newBranch() string { return fmt.Sprintf("z9hG4bK-%08x%04x", rand.Uint32(), rand.Uint32()&0xffff) }
func newTag() string    { return fmt.Sprintf("%016xo0", rand.Uint64()) }
func (p *Phone) newCallID() string {
	return fmt.Sprintf("%08x-%08x@%s", rand.Uint32(), rand.Uint32(), p.link.local().Addr())
}
