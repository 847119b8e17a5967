package sip

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Outgoing describes a call of ours.
type Outgoing struct {
	Target  Target
	Trunk   string   // name of the trunk the call goes to, empty for a phone
	From    string   // SIP URI of the caller as the callee may see it
	Display string   // the caller's name
	To      string   // URI of the callee; empty means the target's
	Offer   []byte   // nil leaves the offer to the callee: Answered returns it and Acknowledge answers it
	Headers []Header // further headers, such as P-Asserted-Identity
	Focus   bool     // our end is the focus of a conference: Contact has isfocus (RFC 4579 §4.1)
	// Urgent calls are made while the server drains, too: those for help.
	Urgent bool
	// Reliable says that we take reliable provisional answers (RFC 3262). They are acknowledged in any case.
	Reliable bool
	// MaxForwards is how many hops the INVITE may still take; zero means 70. Who passes a call on takes one less than it came
	// with (RFC 3261 §16.6).
	MaxForwards int

	// Patience is how long the first answer may take, a provisional one too, before the call ends with 408; zero means 64*T1
	// (RFC 3261 §17.1.1.2). What comes later is cancelled.
	Patience time.Duration

	// Credentials returns what to answer a challenge of a realm with (RFC 3261 §22.2); nil when there is nothing.
	Credentials func(realm string) (username, password string, ok bool)
}

// Header is a header of a message of ours.
type Header struct{ Name, Value string }

// Target says where a call goes.
type Target struct {
	URI    string   // Request-URI
	Routes []string // URIs to go by: the Path of a binding, or a proxy
	Source Source   // the flow to use: that of a binding, or Transport and Remote for a trunk, see Hop
	Name   string   // what the certificate must be for where a connection of ours is made by TLS, see Hop
	// LargeByTCP sends requests above 1300 bytes by TCP where Source says UDP, and by UDP all the same when no connection
	// can be had (RFC 3261 §18.1.1).
	LargeByTCP bool
}

// Target returns where a call to a binding goes: to its contact, by the flow it registered on (RFC 5626 §5.3).
func (b *Binding) Target() Target {
	return Target{URI: b.Contact, Routes: b.Path, Source: b.Source}
}

// Dial calls somebody. It returns when the INVITE has been sent, or could not be: it waits for a
// connection where the target needs one of ours. The leg tells of 18x by ProgressEvent;
// Answered waits for the answer. Hangup cancels a call that is not answered (RFC 3261 §9.1). A leg that ends unanswered has
// the callee's status in its Cause, as a *StatusError.
func (s *Server) Dial(ctx context.Context, o Outgoing) (*Leg, error) {
	if s.draining.Load() && !o.Urgent {
		return nil, fmt.Errorf("call: %w", ErrShutdown)
	}
	if err := s.reach(ctx, &o.Target); err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	l, err := s.newCall(o)
	if err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	l.widen(ctx, o.Target)
	if !s.legs.add(l) {
		return nil, fmt.Errorf("call: %w", ErrShutdown)
	}
	s.metrics.legs.Inc()
	l.log.Info("leg begun", "trunk", o.Trunk, "remote", l.peer.Remote, "transport", l.peer.Transport, "ours", true)
	l.own()
	err = l.do(ctx, func() error {
		if err := l.send(l.call.invite); err != nil {
			l.over(err)
			l.state = legTerminated
			return err
		}
		if o.Patience > 0 {
			l.after(o.Patience, l.giveUp)
		}
		return nil
	})
	if err != nil {
		l.post(command(func() { l.hangup(Reason{}, ErrLegEnded) })) // ctx ended first
		return nil, fmt.Errorf("call: %w", err)
	}
	return l, nil
}

// newCall makes the leg of a call of ours.
func (s *Server) newCall(o Outgoing) (*Leg, error) {
	var target, from, to sipmsg.Uri
	if o.To == "" {
		o.To = o.Target.URI
	}
	for _, x := range []struct {
		text string
		uri  *sipmsg.Uri
	}{{o.Target.URI, &target}, {o.From, &from}, {o.To, &to}} {
		if err := sipmsg.ParseUri(x.text, x.uri); err != nil {
			return nil, fmt.Errorf("parse URI: %w", err)
		}
	}
	src := o.Target.Source
	f := s.flows.get(src.Flow)
	if src.Transport == "UDP" {
		f = s.flows.udp(src.Local, src.Remote.Addr())
	}
	if f == nil || !src.Remote.IsValid() {
		return nil, ErrFlowGone
	}
	if !src.Local.IsValid() {
		src.Local = f.local(src.Remote)
	}
	host, _ := s.host(src.Local)
	l := &Leg{
		s: s, calling: true, state: legCalling,
		id:    DialogID{CallID: randomText(24) + "@" + host, LocalTag: newTag()},
		inbox: make(chan any), events: make(chan LegEvent, legEvents), done: make(chan struct{}), gone: make(chan struct{}),
		cancel: func(error) {}, flow: f, peer: src, target: target, since: time.Now(),
		localSeq: newCSeq(), awaiting: make(map[uint32]*awaitedACK), sdp: o.Offer,
		local: sipmsg.FromHeader{DisplayName: quote(o.Display), Address: from}, remote: sipmsg.ToHeader{Address: to},
	}
	l.local.Params = sipmsg.HeaderParams{{K: "tag", V: string(l.id.LocalTag)}}
	for _, r := range o.Target.Routes {
		var uri sipmsg.Uri
		if err := sipmsg.ParseUri(strings.Trim(r, "<> "), &uri); err != nil {
			return nil, fmt.Errorf("parse route: %w", err)
		}
		l.routes = append(l.routes, uri)
	}
	l.focus.Store(o.Focus)
	l.invite = &Invite{
		RequestURI: newURI(&target), From: newAddress(o.Display, &from, nil), To: newAddress("", &to, nil),
		Identity: Identity{Trunk: o.Trunk}, Source: src,
	}
	l.log = s.log.With("call_id", l.id.CallID, "leg", short(l.id.LocalTag))
	l.sessionID.begin()
	c := &outCall{method: sipmsg.INVITE, body: o.Offer, hops: o.MaxForwards, delayed: o.Offer == nil}
	c.headers = append(l.session.begin(l, 0), ofOurs(o.Headers)...)
	l.call = &ourCall{invite: c, credentials: o.Credentials, reliable: o.Reliable, answered: make(chan ackResult, 1), strays: make(map[string]*sipmsg.Request)}
	c.done = l.concludeCall
	return l, nil
}

// TrunkTarget returns the target of a call to a trunk that is reached by UDP.
func TrunkTarget(uri string, addr netip.AddrPort) Target {
	return Target{URI: uri, Source: Source{Transport: "UDP", Remote: addr}}
}
