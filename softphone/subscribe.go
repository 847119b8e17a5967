package softphone

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"
)

// SubscribeOptions says what a phone subscribes to (RFC 6665). Event suffices.
type SubscribeOptions struct {
	Event       string // Event header, with its parameters
	To          string // resource, dialled or a URI; empty = the line itself
	RequestURI  string // empty = the resource; MPP phones send "sip:SERVER" for some events
	Accept      string
	Expires     time.Duration // zero = an hour
	Fetch       bool          // ask for the state once, with Expires: 0
	ContentType string
	Body        []byte
	Headers     []Header
	// OnNotify has the last word on each NOTIFY: the status to answer it with, Ignore for no answer. It runs on the goroutine
	// that reads and must not wait; nil answers 200.
	OnNotify func(*Message) int
}

// Subscription is a phone's side of a subscription, the subscriber's.
type Subscription struct {
	p      *Phone
	o      SubscribeOptions
	callID string
	local  string // From with our tag
	tag    string

	notified chan *Message // NOTIFYs, for Next
	done     chan struct{} // closed by the last NOTIFY, Forget or the phone's end

	// Guarded by the phone's lock.
	seq      int
	target   string
	remote   string // To with the server's tag
	routes   []string
	granted  time.Duration
	state    string // Subscription-State of the latest NOTIFY
	peerSeq  int
	answered int // CSeq of the latest SUBSCRIBE whose final answer came
	early    int
	overtook int
	over     bool
}

// notifyRoom is how many NOTIFYs wait for Next; further ones are answered and dropped.
const notifyRoom = 1024

// Subscribe subscribes and returns when the server has taken it; the NOTIFYs come to Next.
func (p *Phone) Subscribe(ctx context.Context, o SubscribeOptions) (*Subscription, error) {
	o.Expires = cmp.Or(o.Expires, time.Hour)
	if o.Fetch {
		o.Expires = 0
	}
	resource := p.AOR()
	if o.To != "" {
		resource = p.expand(o.To)
	}
	s := &Subscription{
		p: p, o: o, callID: p.newCallID(), tag: newTag(), target: cmp.Or(o.RequestURI, resource), remote: "<" + resource + ">",
		notified: make(chan *Message, notifyRoom), done: make(chan struct{}),
	}
	s.local = p.display(p.AOR()) + ";tag=" + s.tag
	p.mu.Lock()
	p.subs[s.key()] = s
	p.mu.Unlock()
	if err := s.subscribe(ctx, o.Expires, o.ContentType, o.Body); err != nil {
		s.Forget()
		return nil, err
	}
	return s, nil
}

// Refresh subscribes again in the dialog, with a body or without.
func (s *Subscription) Refresh(ctx context.Context, expires time.Duration, contentType string, body []byte) error {
	return s.subscribe(ctx, expires, contentType, body)
}

// Unsubscribe ends the subscription; its last NOTIFY closes Done.
func (s *Subscription) Unsubscribe(ctx context.Context) error { return s.subscribe(ctx, 0, "", nil) }

// Forget drops the subscription without a word, as a phone does that loses power: its NOTIFYs are answered 481 from now on.
func (s *Subscription) Forget() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	delete(s.p.subs, s.key())
	s.endLocked()
}

// Next returns the next NOTIFY; ErrEnded after the last.
func (s *Subscription) Next(ctx context.Context) (*Message, error) {
	select {
	case m := <-s.notified:
		return m, nil
	default:
	}
	select {
	case m := <-s.notified:
		return m, nil
	case <-s.done:
		select {
		case m := <-s.notified:
			return m, nil
		default:
			return nil, fmt.Errorf("next NOTIFY: %w", ErrEnded)
		}
	case <-ctx.Done():
		return nil, fmt.Errorf("next NOTIFY: %w", context.Cause(ctx))
	}
}

// Done is closed when the subscription is over.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Granted is how long the server took the latest SUBSCRIBE for.
func (s *Subscription) Granted() time.Duration {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.granted
}

// State is the Subscription-State of the latest NOTIFY.
func (s *Subscription) State() string {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.state
}

// Faults counts what a notifier must not do: NOTIFYs that came while a SUBSCRIBE was unanswered, and NOTIFYs out of order.
func (s *Subscription) Faults() (early, overtook int) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return s.early, s.overtook
}

func (s *Subscription) key() string { return s.callID + " " + s.tag }

func (s *Subscription) endLocked() {
	if !s.over {
		s.over = true
		close(s.done)
	}
}

func (s *Subscription) nextSeq() int {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.seq++
	return s.seq
}

// subscribe sends one SUBSCRIBE and learns from its answer.
func (s *Subscription) subscribe(ctx context.Context, expires time.Duration, contentType string, body []byte) error {
	p := s.p
	seq := s.nextSeq()
	p.mu.Lock()
	target, remote, routes := s.target, s.remote, s.routes
	p.mu.Unlock()
	m := p.newRequest("SUBSCRIBE", target, s.local, remote, s.callID, seq)
	for _, r := range routes {
		m.add("Route", r)
	}
	m.add("Contact", p.display(p.contact()))
	if s.o.Accept != "" {
		m.add("Accept", s.o.Accept)
	}
	m.add("Expires", strconv.Itoa(int(expires.Seconds())))
	m.add("Event", s.o.Event)
	m.Headers = append(m.Headers, s.o.Headers...)
	p.finishRequest(m)
	if len(body) > 0 {
		m.add("Content-Type", contentType)
		m.Body = body
	}
	resp, err := p.request(ctx, m, p.cfg.Server, s.nextSeq)
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err != nil:
		return err
	case resp.Code >= 300:
		return statusError("SUBSCRIBE", resp)
	}
	s.remote = resp.Header("To")
	s.granted = expires
	if n := seconds(resp.Header("Expires")); n >= 0 {
		s.granted = time.Duration(n) * time.Second
	}
	s.learnLocked(resp)
	if s.routes == nil {
		rr := resp.All("Record-Route")
		for i := len(rr) - 1; i >= 0; i-- {
			s.routes = append(s.routes, rr[i])
		}
	}
	return nil
}

// noteAnswer notes on the reading goroutine that a SUBSCRIBE has its final answer, so that NOTIFYs before it are known.
func (p *Phone) noteAnswer(resp *Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.subs[resp.Header("Call-ID")+" "+tag(resp.Header("From"))]; s != nil && resp.Code >= 200 {
		n, _ := resp.cseq()
		s.answered = max(s.answered, n)
	}
}

func (s *Subscription) learnLocked(m *Message) {
	if contacts := m.All("Contact"); len(contacts) > 0 {
		if uri, _ := nameAddr(contacts[0]); uri != "" {
			s.target = uri
		}
	}
}
