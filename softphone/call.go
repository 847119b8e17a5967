package softphone

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Call is one call of the phone, from its answer to its end: an INVITE dialog (RFC 3261 §12) with its media.
type Call struct {
	p     *Phone
	o     InviteOptions
	media *media
	port  *mediaPort

	callID        string
	local, remote string        // From and To values with tags, as our requests carry them
	offering      chan struct{} // one token: who holds it may change the session
	done          chan struct{}

	mu       sync.Mutex
	target   string // the peer's Contact URI
	focus    bool   // the peer says that it is the focus of a conference
	routes   []string
	seq      int
	peerSeq  int
	sdp      localSDP // as last sent
	peer     *remoteSDP
	waiting  *pendingAnswer // our 2xx to an INVITE of the peer that lacks its ACK
	requests map[string]int // of the peer in this dialog, by method
	infos    []Message
	progress []string // of transfers
	with     string   // who the peer is, as asserted
	ending   Ending
	ended    bool
	setup    time.Duration
	expires  time.Duration // session interval agreed on; zero = no session timer
	refresh  bool          // we refresh
	updates  bool          // the peer allows UPDATE
	renewed  chan struct{} // token: the session was refreshed
}

// Ending says how a call ended.
type Ending struct {
	ByPeer bool   // the peer sent BYE
	Reason string // its Reason header (RFC 3326), or what ended the call here
	Err    error  // what went wrong here, such as a missing ACK
}

// Invite calls target, a SIP URI or what a user dials, and returns when the call is answered. Any other final response is a
// *StatusError. When ctx ends first, the call is cancelled.
func (p *Phone) Invite(ctx context.Context, target string, o InviteOptions) (*Call, error) {
	o.defaults()
	c, err := p.newCall(o)
	if err != nil {
		return nil, err
	}
	if err := c.invite(ctx, p.expand(target)); err != nil {
		c.finish(Ending{Err: err})
		return nil, err
	}
	return c, nil
}

func (p *Phone) newCall(o InviteOptions) (*Call, error) {
	c := &Call{
		p: p, o: o, media: newMedia(o.Ptime, o.Keep), offering: make(chan struct{}, 1), done: make(chan struct{}),
		requests: map[string]int{}, seq: 100, renewed: make(chan struct{}, 1),
	}
	c.media.source = o.Play
	c.media.paused = o.NeverRTP
	var err error
	if c.port, err = p.openMedia(c.media, o.RTCP); err != nil {
		return nil, err
	}
	c.sdp = o.local(c.port)
	return c, nil
}

// invite sets the call up as its caller.
func (c *Call) invite(ctx context.Context, uri string) error {
	p, o := c.p, &c.o
	c.callID = p.newCallID()
	from := p.display(p.AOR())
	if o.From != "" {
		from = p.display(o.From)
	}
	localTag := newTag()
	c.local, c.remote = from+";tag="+localTag, "<"+uri+">"
	if o.To != "" {
		c.remote = "<" + o.To + ">"
	}
	c.target = uri
	if err := p.adopt(c, localTag); err != nil {
		return err
	}
	m := p.newRequest("INVITE", uri, c.local, c.remote, c.callID, c.nextSeq())
	m.add("Contact", p.display(p.contact()))
	m.add("Expires", "240")
	c.sessionHeaders(m)
	p.finishRequest(m)
	m.Headers = append(m.Headers, o.Headers...)
	m.add("Allow", o.Allow)
	m.add("Supported", o.Supported)
	if !o.DelayedOffer {
		m.add("Content-Type", "application/sdp")
		m.Body = []byte(o.EditSDP(c.sdp.String()))
	}
	started := time.Now()
	once := *o
	once.OnProvisional = func(r *Message) {
		c.early(r)
		if o.OnProvisional != nil {
			o.OnProvisional(r)
		}
	}
	resp, err := c.inviteAuth(ctx, m, p.cfg.Server, &once)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.setup = time.Since(started)
	c.mu.Unlock()
	return c.confirm(ctx, m, resp)
}

// inviteAuth sends an INVITE until it is not challenged any more, and returns its 2xx.
func (c *Call) inviteAuth(ctx context.Context, m *Message, to netip.AddrPort, o *InviteOptions) (*Message, error) {
	if err := c.p.login.sign(m, c.p.cfg.User, c.p.cfg.Password); err != nil {
		return nil, err
	}
	for tries := 0; ; tries++ {
		resp, err := c.p.inviteOnce(ctx, m, to, o)
		if err != nil {
			return nil, err
		}
		if again, err := c.p.challenged(resp, m, tries, c.nextSeq); err != nil {
			return nil, err
		} else if again && ctx.Err() == nil {
			continue
		}
		if resp.Code >= 300 {
			if err := context.Cause(ctx); err != nil {
				return nil, fmt.Errorf("INVITE: %w", err)
			}
			return nil, statusError("INVITE", resp)
		}
		return resp, nil
	}
}

// early applies the session description of a provisional response: ringing tones and announcements come before the answer.
func (c *Call) early(r *Message) {
	c.learnPeer(r)
	if len(r.Body) == 0 || c.o.DelayedOffer {
		return
	}
	_ = c.applyAnswer(r.Body) // what is wrong with it will be wrong in the 2xx as well
}

// confirm makes the call of a 2xx: dialog state, ACK, media.
func (c *Call) confirm(ctx context.Context, invite, resp *Message) error {
	c.mu.Lock()
	c.remote = resp.Header("To")
	c.routes = reversed(resp.All("Record-Route"))
	c.updates = slices.Contains(resp.All("Allow"), "UPDATE")
	c.mu.Unlock()
	c.learnTarget(resp)
	c.learnPeer(resp)
	c.learnTimer(resp)
	var body []byte
	var err error
	c.media.mu.Lock()
	c.media.after = time.Now().Add(c.o.MediaAfter)
	c.media.mu.Unlock()
	if c.o.DelayedOffer {
		body, err = c.applyOffer(resp.Body)
	} else {
		err = c.applyAnswer(resp.Body)
	}
	c.sendACK(invite, body)
	if err == nil {
		err = context.Cause(ctx) // the 2xx crossed our CANCEL
	}
	if err != nil {
		_ = c.byeOnce(context.WithoutCancel(ctx)) // lives 64*T1 at most
		return fmt.Errorf("call answered, but hung up: %w", err)
	}
	c.startTimer()
	return nil
}

// sendACK acknowledges a 2xx in the dialog (RFC 3261 §13.2.2.4).
func (c *Call) sendACK(invite *Message, body []byte) {
	n, _ := invite.cseq()
	m := c.request("ACK", n)
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if v := invite.Header(name); v != "" {
			m.add(name, v)
		}
	}
	c.p.finishRequest(m)
	if body != nil {
		m.add("Content-Type", "application/sdp")
		m.Body = body
	}
	c.p.acknowledge(txKey(branchOf(invite), "INVITE"), m, c.destination(), c.o.NeverACK)
}

// adopt makes the phone deliver the dialog's requests to the call.
func (p *Phone) adopt(c *Call, localTag string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.calls[c.callID+" "+localTag] = c
	return nil
}

// Done is closed when the call has ended, by whomever.
func (c *Call) Done() <-chan struct{} { return c.done }

// Ending says how the call ended; it is the zero value before.
func (c *Call) Ending() Ending {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ending
}

// CallID identifies the call in the server's logs.
func (c *Call) CallID() string { return c.callID }

// Setup is the time from the INVITE to its 2xx.
func (c *Call) Setup() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.setup
}

// Requests counts what the peer asked within the dialog: c.Requests("OPTIONS").
func (c *Call) Requests(method string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests[method]
}

// Bye hangs up and returns when the peer has confirmed it. The call is over at once.
func (c *Call) Bye(ctx context.Context) error {
	c.mu.Lock()
	ended := c.ended
	c.mu.Unlock()
	if ended {
		return ErrEnded
	}
	c.media.stop()
	err := c.byeOnce(ctx)
	c.finish(Ending{Reason: "hung up", Err: err})
	return err
}

func (c *Call) byeOnce(ctx context.Context) error {
	_, err := c.ask(ctx, "BYE", nil)
	return err
}

// Vanish ends the call without a word, as if its phone had lost power.
func (c *Call) Vanish() { c.finish(Ending{Reason: "vanished"}) }

// finish ends the call here; the first ending counts.
func (c *Call) finish(e Ending) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended, c.ending = true, e
	if c.waiting != nil {
		c.waiting.timer.Stop()
	}
	c.mu.Unlock()
	p := c.p
	p.mu.Lock()
	delete(p.calls, c.callID+" "+tag(c.local))
	p.mu.Unlock()
	c.port.close()
	close(c.done)
}

func reversed(in []string) []string {
	slices.Reverse(in)
	return in
}

// routeAddr is where a Route value points, when it is an IP address.
func routeAddr(route string) (netip.AddrPort, bool) {
	uri, _ := nameAddr(route)
	return uriAddr(strings.TrimSpace(uri))
}
