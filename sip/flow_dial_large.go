package sip

import (
	"context"
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
