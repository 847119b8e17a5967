package sip

import (
	"context"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// takeSubscribe makes a subscription of a SUBSCRIBE outside a dialog (RFC 6665 §4.2.1), once its line is proven.
func (s *Server) takeSubscribe(in *inbound) {
	name, id, params := parseEvent(headerValue(in.Request, "event"))
	pkg := s.subs.packages[strings.ToLower(name)]
	if pkg == nil {
		in.answer(489, "", s.allowEvents()...)
		return
	}
	line := s.prove(in)
	if line == nil {
		return
	}
	expires, brief := s.subs.cfg.grant(expiresOf(in.Request))
	if brief {
		in.answer(423, "", s.minExpires())
		return
	}
	if c := in.Contact(); c == nil || c.Address.Host == "" || c.Address.Wildcard {
		in.answer(400, "Missing Contact") // RFC 6665 §4.1.2.1: it is where the NOTIFYs go
		return
	}
	sub := s.newSubscription(in, pkg, line, expires)
	sub.facts.event, sub.facts.eventID, sub.facts.params = name, id, params
	sub.key = sub.phoneKey()
	forgotten, later := s.subs.add(sub)
	if later > 0 {
		sub.log.Warn("subscription refused: too many", "aor", sub.AOR(), "event", pkg.Name())
		s.metrics.subs.tooMany.WithLabelValues(pkg.Name()).Inc()
		in.answer(503, "", sipmsg.NewHeader("Retry-After", seconds(wholeSeconds(later))))
		return
	}
	s.metrics.subs.live.WithLabelValues(pkg.Name()).Inc()
	if forgotten != nil {
		forgotten.post(func() { forgotten.over(ErrReplaced) })
	}
	tx := s.txs.newServer(s, in.key, in.Request, in.wire())
	sub.turns.post(0, sub.answering(tx, func() { sub.begin(in, tx) }))
}

// takeRefresh hands a SUBSCRIBE in a dialog to its subscription. It proves its line as the first one did: whoever knows the
// tags of the dialog may see what is sent, but not act for the line.
func (s *Server) takeRefresh(in *inbound, sub *Subscription) {
	line := s.prove(in)
	if line == nil {
		return
	}
	if line.Username != sub.Username() {
		in.answer(403, "")
		return
	}
	tx := s.txs.newServer(s, in.key, in.Request, in.wire())
	if !sub.turns.post(subscriptionRoom, sub.answering(tx, func() { sub.refresh(in, tx) })) {
		_ = tx.respond(s.dress(newResponse(in.Request, 481, "", sub.id.LocalTag)))
	}
}

// subscriptionRoom bounds the SUBSCRIBEs of one dialog that wait.
const subscriptionRoom = 64

// minExpires tells the shortest interval (RFC 6665 §4.2.1.1).
func (s *Server) minExpires() sipmsg.Header {
	return sipmsg.NewHeader("Min-Expires", seconds(wholeSeconds(s.subs.cfg.MinExpires)))
}

// newSubscription makes the subscription of a SUBSCRIBE; begin answers it.
func (s *Server) newSubscription(in *inbound, pkg EventPackage, line *Line, expires time.Duration) *Subscription {
	req := in.Request
	from, to := req.From(), req.To()
	remoteTag, _ := from.Params.Get("tag")
	sub := &Subscription{
		s: s, pkg: pkg, turns: turns{wait: &s.subs.wait},
		id:   DialogID{CallID: req.CallID().Value(), LocalTag: newTag(), RemoteTag: RemoteTag(remoteTag)},
		flow: in.flow, peer: in.src, remoteSeq: req.CSeq().SeqNo,
		local: to.AsFrom(), remote: from.AsTo(), target: target(req.Contact(), from.Address),
	}
	sub.ctx, sub.cancel = context.WithCancelCause(context.Background())
	sub.firstSeq = newCSeq()
	sub.localSeq = sub.firstSeq
	sub.local.Params.Add("tag", string(sub.id.LocalTag))
	for _, h := range req.GetHeaders("record-route") {
		if rr, ok := h.(*sipmsg.RecordRouteHeader); ok {
			sub.routes = append(sub.routes, *rr.Address.Clone())
		}
	}
	sub.sessionID.init(req)
	sub.facts = subscriberFacts{
		line: *line, resource: newURI(&req.Recipient),
		accept: headerTokens(req, "accept"), supported: append(headerTokens(req, "supported"), headerTokens(req, "require")...),
		contact: newURI(&req.Contact().Address).String(), userAgent: headerValue(req, "user-agent"),
		first: askedBy(in, expires),
	}
	sub.facts.first.First = true
	sub.facts.device = unquote(contactParam(req.Contact(), "+sip.instance"))
	if sub.facts.device == "" {
		sub.facts.device = deviceOf(sub.facts.userAgent)
	}
	if sub.facts.resource.User == "" {
		sub.facts.resource = newURI(&to.Address)
	}
	sub.facts.aor, _ = s.lines.AOR(sub.facts.resource.User, sub.facts.resource.Host)
	sub.log = s.log.With("call_id", sub.id.CallID, "subscription", short(sub.id.LocalTag))
	return sub
}

func (s *Subscription) phoneKey() phoneKey {
	k := phoneKey{
		username: s.Username(), event: strings.ToLower(s.facts.event), id: s.facts.eventID,
		device: s.facts.device, resource: string(s.facts.aor),
	}
	if k.device == "" {
		k.device = s.facts.contact
	}
	if k.resource == "" {
		k.resource = s.facts.resource.User + "@" + s.facts.resource.Host
	}
	return k
}

// askedBy reads what a SUBSCRIBE asks for.
func askedBy(in *inbound, expires time.Duration) Asked {
	a := Asked{Expires: expires, Source: in.src}
	if len(in.Body()) > 0 {
		a.ContentType, a.Body = headerValue(in.Request, "content-type"), in.Body()
	}
	return a
}

func contactParam(c *sipmsg.ContactHeader, name string) string {
	for _, p := range c.Params {
		if strings.EqualFold(p.K, name) {
			return p.V
		}
	}
	return ""
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
