package softphone

import (
	"net/netip"
	"strings"
)

// serve takes a NOTIFY of the subscription. It runs on the reading goroutine.
func (s *Subscription) serve(m *Message, from netip.AddrPort) {
	p := s.p
	n, _ := m.cseq()
	code := 200
	if s.o.OnNotify != nil {
		code = s.o.OnNotify(m)
	}
	p.mu.Lock()
	if s.answered < s.seq {
		s.early++
	}
	if n <= s.peerSeq {
		s.overtook++
	}
	s.peerSeq = max(s.peerSeq, n)
	s.state = m.Header("Subscription-State")
	if code < 300 {
		s.learnLocked(m)
	}
	select {
	case s.notified <- m:
	default: // nobody reads
	}
	if state, _, _ := strings.Cut(s.state, ";"); strings.EqualFold(strings.TrimSpace(state), "terminated") || code == 481 {
		delete(p.subs, s.key())
		s.endLocked()
	}
	p.mu.Unlock()
	if code != Ignore {
		p.reply(m, p.response(m, code), from)
	}
}

// serveNotice answers a NOTIFY outside any subscription. One that makes the phone act, such as Event: resync, must prove the
// line's password where Config.GuardNotify says so (RFC 3261 §22.2).
func (p *Phone) serveNotice(m *Message, from netip.AddrPort) {
	if p.cfg.GuardNotify && !p.proven(m) {
		r := p.response(m, 401)
		r.add("WWW-Authenticate", `Digest realm="`+p.cfg.Domain+`", nonce="`+p.noticeNonce+`", algorithm=MD5, qop="auth"`)
		p.reply(m, r, from)
		return
	}
	code := 200
	if p.cfg.OnNotice != nil {
		code = p.cfg.OnNotice(m)
	}
	if code != Ignore {
		p.reply(m, p.response(m, code), from)
	}
}

// proven reports whether a request carries credentials that fit our own line.
func (p *Phone) proven(m *Message) bool {
	return credentialsFit(m, p.cfg.User, p.cfg.Password, p.cfg.Domain, p.noticeNonce)
}
