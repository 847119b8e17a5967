package sip

import (
	"context"
	"strings"
	"time"
)

// wideTime is how long a call waits for the connection that its large INVITE is to go by.
const wideTime = 2 * time.Second

// widen gives a call of ours by UDP the way of its large requests, and connects when the INVITE is one. Nobody owns the leg
// yet. Without a connection the request goes by UDP and is counted.
func (l *Leg) widen(ctx context.Context, t Target) {
	if !t.LargeByTCP || l.peer.Transport != "UDP" {
		return
	}
	o := l.s.out.to(l.s, Hop{Transport: "TCP", Addr: l.peer.Remote})
	l.wide = o
	w, err := l.wire()
	if err != nil || len(l.build(l.call.invite, w).String()) <= mtu {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wideTime)
	defer cancel()
	if _, err := o.connect(ctx); err != nil {
		l.log.Info("a large INVITE goes by UDP", "remote", l.peer.Remote, "err", err)
	}
}

// wideWire is the way of a request of so many bytes by the connection, when it is large, or when the peer's Contact asks for
// TCP (RFC 3261 §12.2.1.1, §18.1.1), and there is a connection. It is the owner's.
func (l *Leg) wideWire(size int) (*wire, bool) {
	if l.wide == nil {
		return nil, false
	}
	asked, _ := l.target.UriParams.Get("transport")
	if size <= mtu && !strings.EqualFold(asked, "tcp") || !l.wide.up() {
		return nil, false
	}
	return &wire{s: l.s, flow: l.wide, to: l.wide.hop.Addr}, true
}
