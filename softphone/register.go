package softphone

import (
	"context"
	"fmt"
	"time"
)

// methods is what desk phones allow.
const methods = "ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, REFER, UPDATE"

// Register binds the phone's contact to its address of record (RFC 3261 §10.2) and returns for how long the server took it.
// It does not refresh: call it again.
func (p *Phone) Register(ctx context.Context, expires time.Duration) (time.Duration, error) {
	resp, err := p.register(ctx, fmt.Sprintf("%s;expires=%d", p.display(p.contact()), int(expires.Seconds())))
	if err != nil {
		return 0, err
	}
	granted := expires
	if n := seconds(resp.Header("Expires")); n >= 0 {
		granted = time.Duration(n) * time.Second
	}
	for _, c := range resp.All("Contact") {
		uri, params := nameAddr(c)
		if uri != p.contact() {
			continue
		}
		if v, ok := param(params, "expires"); ok {
			if n := seconds(v); n >= 0 {
				granted = time.Duration(n) * time.Second
			}
		}
		return granted, nil
	}
	return 0, fmt.Errorf("%w: REGISTER answered %d without our contact", ErrMalformed, resp.Code)
}

// Unregister takes the phone's binding away.
func (p *Phone) Unregister(ctx context.Context) error {
	_, err := p.register(ctx, p.display(p.contact())+";expires=0")
	return err
}

// UnregisterAll takes every binding of the address of record away (RFC 3261 §10.2.2).
func (p *Phone) UnregisterAll(ctx context.Context) error {
	_, err := p.register(ctx, "*", Header{"Expires", "0"})
	return err
}

// Bindings fetches the contacts of the address of record (RFC 3261 §10.2.3).
func (p *Phone) Bindings(ctx context.Context) ([]string, error) {
	resp, err := p.register(ctx, "")
	if err != nil {
		return nil, err
	}
	return resp.All("Contact"), nil
}

func (p *Phone) register(ctx context.Context, contact string, more ...Header) (*Message, error) {
	seq := func() int {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.regSeq++
		return p.regSeq
	}
	aor := p.display(p.AOR())
	m := p.newRequest("REGISTER", "sip:"+p.cfg.Domain, aor+";tag="+p.regTag, aor, p.regID, seq())
	if contact != "" {
		m.add("Contact", contact)
	}
	m.Headers = append(m.Headers, more...)
	p.finishRequest(m)
	m.add("Allow", methods)
	m.add("Supported", "replaces")
	resp, err := p.request(ctx, m, p.cfg.Server, seq)
	if err != nil {
		return nil, err
	}
	if resp.Code >= 300 {
		return nil, statusError("REGISTER", resp)
	}
	return resp, nil
}

// Options asks the server what it can do, outside any dialog (RFC 3261 §11).
func (p *Phone) Options(ctx context.Context, uri string) (*Message, error) {
	seq := 0
	next := func() int { seq++; return seq }
	m := p.newRequest("OPTIONS", uri, p.display(p.AOR())+";tag="+newTag(), "<"+uri+">", p.newCallID(), next())
	m.add("Contact", "<"+p.contact()+">")
	m.add("Accept", "application/sdp")
	p.finishRequest(m)
	return p.request(ctx, m, p.cfg.Server, next)
}
