package softphone

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Refer asks the peer to call a URI instead (RFC 3515): a blind transfer. What becomes of it is told by Progress.
func (c *Call) Refer(ctx context.Context, uri string) error {
	_, err := c.ask(ctx, "REFER", func(m *Message) {
		m.add("Refer-To", "<"+uri+">")
		m.add("Referred-By", "<"+c.p.AOR()+">")
		m.add("Contact", "<"+c.p.contact()+">")
	})
	return err
}

// Consult asks the peer to be with the peer of another call of this phone's: an attended transfer (RFC 5359 §2.5).
func (c *Call) Consult(ctx context.Context, other *Call) error {
	return c.Refer(ctx, other.target+"?Replaces="+url.QueryEscape(other.Replaces()))
}

// Replaces is the value of a Replaces header that names the call's dialog to its peer (RFC 3891 §6.1).
func (c *Call) Replaces() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%s;to-tag=%s;from-tag=%s", c.callID, tag(c.remote), tag(c.local))
}

// Progress are the status lines that NOTIFYs have told of transfers so far (RFC 3515 §2.4.5).
func (c *Call) Progress() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.progress...)
}

// notified keeps what a NOTIFY tells of a transfer.
func (c *Call) notified(m *Message) {
	if event, _, _ := strings.Cut(m.Header("Event"), ";"); !strings.EqualFold(strings.TrimSpace(event), "refer") {
		return
	}
	line, _, _ := strings.Cut(string(m.Body), "\r\n")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = append(c.progress, line)
}

// Refer asks whoever a URI leads to, outside any call, to call another one (RFC 3515 §2.4.2); the NOTIFYs that tell what becomes of
// it come to Next. A refusal is a *StatusError.
func (p *Phone) Refer(ctx context.Context, uri, to string) (*Subscription, error) {
	s := &Subscription{
		p: p, callID: p.newCallID(), tag: newTag(), target: uri, remote: "<" + uri + ">",
		notified: make(chan *Message, notifyRoom), done: make(chan struct{}),
	}
	s.local = p.display(p.AOR()) + ";tag=" + s.tag
	p.mu.Lock()
	p.subs[s.key()] = s
	p.mu.Unlock()
	m := p.newRequest("REFER", s.target, s.local, s.remote, s.callID, s.nextSeq())
	m.add("Contact", p.display(p.contact()))
	m.add("Refer-To", "<"+to+">")
	p.finishRequest(m)
	resp, err := p.request(ctx, m, p.cfg.Server, s.nextSeq)
	if err == nil && resp.Code >= 300 {
		err = statusError("REFER", resp)
	}
	if err != nil {
		s.Forget()
		return nil, err
	}
	return s, nil
}

// Focus is the URI of the peer when it says that it is the focus of a conference (RFC 4579 §4.1), else empty.
func (c *Call) Focus() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.focus {
		return ""
	}
	return c.target
}

// Profile is the transport profile of the peer's audio, such as RTP/AVP.
func (c *Call) Profile() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == nil {
		return ""
	}
	return c.peer.profile
}
