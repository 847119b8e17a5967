package sip

import (
	"context"
	"net/netip"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// requestParts is what a request of ours is built of.
type requestParts struct {
	method sipmsg.RequestMethod
	target sipmsg.Uri
	routes []sipmsg.Uri
	local  *sipmsg.FromHeader
	remote *sipmsg.ToHeader
	callID string
	seq    uint32
	wire   *wire
}

// newRequest builds a request with what all of ours carry (RFC 3261 §8.1.1, §12.2.1.1).
func (s *Server) newRequest(p requestParts) *sipmsg.Request {
	if len(p.routes) > 0 && !p.routes[0].UriParams.Has("lr") { // a strict router
		p.target, p.routes = p.routes[0], append(append([]sipmsg.Uri{}, p.routes[1:]...), p.target)
	}
	transport := p.wire.flow.transport()
	req := sipmsg.NewRequest(p.method, *p.target.Clone())
	req.SetTransport(transport)
	local := p.wire.flow.local(p.wire.to)
	if from := p.wire.from; from.IsValid() && !from.IsUnspecified() {
		local = netip.AddrPortFrom(from, local.Port())
	}
	host, port := s.host(local)
	req.AppendHeader(&sipmsg.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: transport, Host: host, Port: port,
		Params: sipmsg.HeaderParams{{K: "branch", V: newBranch()}, {K: "rport"}},
	})
	for _, r := range p.routes {
		req.AppendHeader(&sipmsg.RouteHeader{Address: r})
	}
	hops := sipmsg.MaxForwardsHeader(70)
	req.AppendHeader(&hops)
	req.AppendHeader(sipmsg.HeaderClone(p.local))
	req.AppendHeader(sipmsg.HeaderClone(p.remote))
	callID := sipmsg.CallIDHeader(p.callID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sipmsg.CSeqHeader{SeqNo: p.seq, MethodName: p.method})
	return req
}

// exchange sends a request other than INVITE and waits for its final answer. Nobody answering is a *StatusError of 408.
func (s *Server) exchange(ctx context.Context, req *sipmsg.Request, w *wire) (*sipmsg.Response, error) {
	type outcome struct {
		res *sipmsg.Response
		err error
	}
	answer := make(chan outcome, 1)
	s.dressRequest(req)
	tx, err := s.txs.newClient(req, w, func(res *sipmsg.Response, err error) {
		if res != nil && res.IsProvisional() {
			return
		}
		select {
		case answer <- outcome{res, err}:
		default: // repeated
		}
	})
	if err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		s.metrics.sent.WithLabelValues(methodLabel(req.Method), outcomeLabel(a.res, a.err)).Inc()
		if a.res == nil {
			return nil, &StatusError{Code: 408, Err: a.err}
		}
		return a.res, nil
	case <-ctx.Done():
		tx.tx.Terminate()
		return nil, context.Cause(ctx)
	}
}

// contactOf is our Contact in a dialog with a peer.
func (s *Server) contactOf(tag LocalTag, f flow, peer Source) string {
	addr := f.local(peer.Remote)
	if !reliable(peer.Transport) && peer.Local.IsValid() {
		addr = peer.Local
	}
	uri := "<sip:" + string(tag) + "@" + s.hostPort(addr)
	if t := peer.Transport; reliable(t) {
		uri += ";transport=" + strings.ToLower(t)
	}
	return uri + ">"
}
