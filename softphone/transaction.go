package softphone

import (
	"context"
	"fmt"
	"net/netip"
	"time"
)

// t2 caps the retransmission interval of requests other than INVITE and of responses (RFC 3261 §17.1.2.1).
const t2 = 4 * time.Second

// clientTx is a request of ours under way. Guarded by the phone's lock but for the channel.
type clientTx struct {
	responses chan *Message
	ack       []byte // of a finished INVITE: sent again for each repeated final response
	ackTo     netip.AddrPort
}

func txKey(branch, method string) string { return branch + " " + method }

// branchOf is the branch of a message's top Via.
func branchOf(m *Message) string {
	vias := m.All("Via")
	if len(vias) == 0 {
		return ""
	}
	_, params := nameAddr(vias[0])
	b, _ := param(params, "branch")
	return b
}

func (p *Phone) startTx(m *Message) (*clientTx, string, error) {
	tx := &clientTx{responses: make(chan *Message, 32)}
	key := txKey(branchOf(m), m.Method)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, "", ErrClosed
	}
	p.txs[key] = tx
	return tx, key, nil
}

func (p *Phone) endTx(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.txs, key)
}

// resender sends a message at once and, over UDP, again whenever its timer fires, at intervals that double from T1 to limit.
type resender struct {
	p        *Phone
	msg      []byte
	to       netip.AddrPort
	interval time.Duration
	limit    time.Duration
	timer    *time.Timer
}

func (p *Phone) newResender(msg []byte, to netip.AddrPort, limit time.Duration) (*resender, error) {
	r := &resender{p: p, msg: msg, to: to, interval: p.cfg.T1, limit: limit, timer: time.NewTimer(p.cfg.T1)}
	if p.link.reliable() {
		r.timer.Stop()
	}
	if err := p.link.send(msg, to); err != nil {
		r.timer.Stop()
		return nil, fmt.Errorf("send to %s: %w", to, err)
	}
	return r, nil
}

// again is called when the timer has fired.
func (r *resender) again() {
	_ = r.p.link.send(r.msg, r.to) // a lost datagram or a lost send are the same to us
	r.interval = min(2*r.interval, r.limit)
	r.timer.Reset(r.interval)
}

// instead sends another message in place of the first.
func (r *resender) instead(msg []byte) {
	r.msg, r.interval = msg, r.p.cfg.T1
	_ = r.p.link.send(r.msg, r.to)
	if !r.p.link.reliable() {
		r.timer.Reset(r.interval)
	}
}

// roundTrip runs a transaction of any method but INVITE to its final response (RFC 3261 §17.1.2).
func (p *Phone) roundTrip(ctx context.Context, m *Message, to netip.AddrPort) (*Message, error) {
	tx, key, err := p.startTx(m)
	if err != nil {
		return nil, err
	}
	defer p.endTx(key)
	r, err := p.newResender(m.marshal(), to, t2)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Method, err)
	}
	defer r.timer.Stop()
	timerF := time.NewTimer(64 * p.cfg.T1)
	defer timerF.Stop()
	for {
		select {
		case resp := <-tx.responses:
			if resp.Code >= 200 {
				return resp, nil
			}
			r.interval = t2
		case <-r.timer.C:
			r.again()
		case <-timerF.C:
			return nil, fmt.Errorf("%s to %s: %w", m.Method, to, ErrNoResponse)
		case <-ctx.Done():
			return nil, fmt.Errorf("%s to %s: %w", m.Method, to, context.Cause(ctx))
		case <-p.done:
			return nil, ErrClosed
		}
	}
}

// request is roundTrip with the credentials asked for. seq gives the CSeq of another try.
func (p *Phone) request(ctx context.Context, m *Message, to netip.AddrPort, seq func() int) (*Message, error) {
	if err := p.login.sign(m, p.cfg.User, p.cfg.Password); err != nil {
		return nil, err
	}
	for tries := 0; ; tries++ {
		resp, err := p.roundTrip(ctx, m, to)
		if err != nil {
			return nil, err
		}
		if again, err := p.challenged(resp, m, tries, seq); !again || err != nil {
			return resp, err
		}
	}
}

// challenged prepares a request to be sent again with credentials, when its response asks for them.
func (p *Phone) challenged(resp, m *Message, tries int, seq func() int) (again bool, err error) {
	if resp.Code != 401 && resp.Code != 407 || p.cfg.Password == "" {
		return false, nil
	}
	stale, ok := p.login.learn(resp)
	if !ok || tries > 0 && (!stale || tries >= maxChallenges) {
		return false, nil // the password is wrong, or the server is
	}
	p.renew(m, seq())
	return true, p.login.sign(m, p.cfg.User, p.cfg.Password)
}

// inviteOnce runs one INVITE transaction to its final response (RFC 3261 §17.1.1). When ctx ends it cancels, and still waits
// for the outcome. The ACK of a 2xx is the caller's, that of another final response is sent here.
func (p *Phone) inviteOnce(ctx context.Context, m *Message, to netip.AddrPort, o *InviteOptions) (*Message, error) {
	tx, key, err := p.startTx(m)
	if err != nil {
		return nil, err
	}
	r, err := p.newResender(m.marshal(), to, 32*p.cfg.T1)
	if err != nil {
		p.endTx(key)
		return nil, fmt.Errorf("INVITE: %w", err)
	}
	defer r.timer.Stop()
	expire := time.NewTimer(64 * p.cfg.T1) // Timer B, and later the wait for the outcome of a CANCEL
	defer expire.Stop()
	cancelled, proceeding := ctx.Done(), false
	var cause error
	for {
		select {
		case resp := <-tx.responses:
			if resp.Code >= 200 {
				if resp.Code >= 300 {
					p.acknowledge(key, p.ackOf(m, resp), to, o.NeverACK)
				}
				return resp, nil
			}
			proceeding = true
			r.timer.Stop()
			if cause == nil {
				expire.Stop()
			}
			if o.OnProvisional != nil {
				o.OnProvisional(resp)
			}
			if cause != nil {
				r.instead(p.cancelOf(m))
			}
		case <-r.timer.C:
			r.again()
		case <-cancelled:
			cancelled, cause = nil, context.Cause(ctx)
			expire.Reset(64 * p.cfg.T1)
			if proceeding { // before any response nothing may be cancelled (RFC 3261 §9.1)
				r.instead(p.cancelOf(m))
			}
		case <-expire.C:
			p.endTx(key)
			if cause != nil {
				return nil, fmt.Errorf("INVITE to %s: %w", to, cause)
			}
			return nil, fmt.Errorf("INVITE to %s: %w", to, ErrNoResponse)
		case <-p.done:
			return nil, ErrClosed
		}
	}
}

// cancelOf is the CANCEL of an INVITE (RFC 3261 §9.1). Its own response does not matter, the INVITE's does.
func (p *Phone) cancelOf(invite *Message) []byte {
	m := &Message{Method: "CANCEL", URI: invite.URI}
	n, _ := invite.cseq()
	m.add("Via", invite.All("Via")[0])
	m.add("From", invite.Header("From"))
	m.add("To", invite.Header("To"))
	m.add("Call-ID", invite.Header("Call-ID"))
	m.add("CSeq", fmt.Sprintf("%d CANCEL", n))
	m.add("Max-Forwards", "70")
	for _, route := range invite.All("Route") {
		m.add("Route", route)
	}
	p.finishRequest(m)
	return m.marshal()
}

// ackOf is the ACK of a final response other than 2xx: same branch as the INVITE (RFC 3261 §17.1.1.3).
func (p *Phone) ackOf(invite, resp *Message) *Message {
	m := &Message{Method: "ACK", URI: invite.URI}
	n, _ := invite.cseq()
	m.add("Via", invite.All("Via")[0])
	m.add("From", invite.Header("From"))
	m.add("To", resp.Header("To"))
	m.add("Call-ID", invite.Header("Call-ID"))
	m.add("CSeq", fmt.Sprintf("%d ACK", n))
	m.add("Max-Forwards", "70")
	for _, route := range invite.All("Route") {
		m.add("Route", route)
	}
	p.finishRequest(m)
	return m
}

// acknowledge sends an ACK and keeps it for repeats of the response, for as long as those may come.
func (p *Phone) acknowledge(key string, ack *Message, to netip.AddrPort, never bool) {
	if never {
		p.endTx(key)
		return
	}
	b := ack.marshal()
	p.mu.Lock()
	if tx := p.txs[key]; tx != nil {
		tx.ack, tx.ackTo = b, to
	}
	p.mu.Unlock()
	_ = p.link.send(b, to)
	time.AfterFunc(64*p.cfg.T1, func() { p.endTx(key) })
}
