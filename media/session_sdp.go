package media

import (
	"fmt"
	"net/netip"
	"sync"
)

// sdpState is the offer/answer side of a session (RFC 3264), used by the leg's goroutines.
type sdpState struct {
	mu     sync.Mutex // held during a negotiation
	dialog *Dialog
	ours   []byte // our offer that waits for its answer
}

// sessionParams is what a negotiation settled, immutable for the mixer.
type sessionParams struct {
	negotiated
	formats [128]Codec // of received payload types
}

func newSessionParams(n negotiated) *sessionParams {
	p := &sessionParams{negotiated: n}
	// Static numbers mean the same in every session, and some phones send another one than they answered.
	p.formats[0], p.formats[8], p.formats[13] = PCMU, PCMA, ComfortNoise
	for _, o := range n.Others {
		p.formats[o.PT&0x7f] = o.Codec
	}
	for _, e := range n.Events {
		p.formats[e.PT&0x7f] = TelephoneEvent
	}
	p.formats[n.PT&0x7f] = n.Codec
	for i, c := range p.formats {
		if isSound(c) && !c.Mixable() {
			p.formats[i] = UnknownCodec
		}
	}
	return p
}

// Accept answers an offer of the peer, the first one or a later one. On error what was negotiated before stands
// (RFC 3264 §8).
func (s *Session) Accept(offer []byte) (answer []byte, err error) {
	s.sdp.mu.Lock()
	defer s.sdp.mu.Unlock()
	o, err := parseOffer(offer)
	if err != nil {
		return nil, err
	}
	answer, n, err := o.answer(answerParams{
		Local: s.advertised(o.peer()), Origin: &s.sdp.dialog.origin, Codecs: s.cfg.Codecs, Ptime: s.cfg.Ptime, Direction: SendRecv,
		Secure: s.cfg.Secure, In: s.key().In, Out: s.key().Out,
	})
	if err != nil {
		return nil, err
	}
	s.sdp.dialog.peer, s.sdp.ours = o, nil
	s.settle(n)
	return answer, nil
}

// Offer makes an offer of our own: to an INVITE without one, or in a re-INVITE. Complete takes its answer.
func (s *Session) Offer() ([]byte, error) {
	s.sdp.mu.Lock()
	defer s.sdp.mu.Unlock()
	var peer netip.Addr
	if s.sdp.dialog.peer != nil {
		peer = s.sdp.dialog.peer.peer()
	}
	s.sdp.ours = newOffer(offerParams{
		Local: s.advertised(peer), Origin: &s.sdp.dialog.origin, Codecs: s.cfg.Codecs, Ptime: s.cfg.Ptime,
		Direction: SendRecv, Secure: s.cfg.Secure, Out: s.key().Out, Active: s.params.Load() != nil,
		Previous: s.sdp.dialog.peer,
	})
	return s.sdp.ours, nil
}

// Complete takes the peer's answer to our offer.
func (s *Session) Complete(answer []byte) error {
	s.sdp.mu.Lock()
	defer s.sdp.mu.Unlock()
	if s.sdp.ours == nil {
		return ErrNoOffer
	}
	n, err := parseAnswer(s.sdp.ours, answer, s.cfg.Secure)
	if err != nil {
		return fmt.Errorf("complete offer: %w", err)
	}
	if o, err := parseOffer(answer); err == nil {
		s.sdp.dialog.peer = o
	}
	s.sdp.ours = nil
	s.settle(n)
	return nil
}

// key gives the keys in use.
func (s *Session) key() negotiated {
	if p := s.params.Load(); p != nil {
		return p.negotiated
	}
	return negotiated{}
}

// settle hands what was negotiated to the mixer.
func (s *Session) settle(n negotiated) {
	s.params.Store(newSessionParams(n))
	s.log.Debug("media negotiated", "codec", n.Codec.String(), "remote", n.Remote, "direction", n.Direction.String(), "ptime", n.Ptime)
}

// advertised is our RTP address for a description to this peer.
func (s *Session) advertised(peer netip.Addr) netip.AddrPort {
	return netip.AddrPortFrom(s.ports.advertised(peer, s.cfg.Local), s.pair.port)
}

// peer is the address of the first usable audio line, for the choice of our own.
func (o *offer) peer() netip.Addr {
	for i := range o.desc.media {
		if m := &o.desc.media[i]; m.kind == "audio" && m.port != 0 {
			return o.desc.remote(m).Addr.Addr()
		}
	}
	return netip.Addr{}
}
