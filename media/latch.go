package media

import (
	"net/netip"
	"time"
)

// latch decides where a peer is: at the address its description names until packets come from somewhere else, and then
// where they come from (symmetric RTP, RFC 4961). It follows only a source that has sent several packets of one stream
// in order while the present one was silent, so a stray or forged packet moves nothing.
type latch struct {
	signalled netip.AddrPort // of the description; not valid when it names no usable address
	peer      netip.AddrPort // where the peer is; what is sent goes there
	heard     bool           // something has come from peer
	last      time.Time      // when it last did

	candidate netip.AddrPort
	ssrc      uint32
	seq       uint16
	count     int
	since     time.Time
}

const (
	// latchPackets in order make a new source the peer.
	latchPackets = 3
	// latchSilence is how long the present peer must have been silent for that.
	latchSilence = 40 * time.Millisecond
	// latchReorder is how far sequence numbers of one source may be apart.
	latchReorder = 16
)

// signal takes up the address of a description. A new one is believed until packets tell otherwise.
func (l *latch) signal(addr netip.AddrPort) (changed bool) {
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if addr == l.signalled {
		return false
	}
	*l = latch{signalled: addr, peer: addr}
	return true
}

// accept reports whether a packet is the peer's, and moved when that is because the peer has turned out to be at src.
// A source that is not valid is the peer a socket is connected to.
func (l *latch) accept(src netip.AddrPort, p *rtpPacket, now time.Time) (ok, moved bool) {
	if !src.IsValid() || src == l.peer {
		l.heard, l.last, l.count = true, now, 0
		return true, false
	}
	step := int16(p.seq - l.seq)
	if l.count == 0 || src != l.candidate || p.ssrc != l.ssrc || step <= 0 || step > latchReorder {
		l.candidate, l.ssrc, l.seq, l.count, l.since = src, p.ssrc, p.seq, 1, now
		return false, false
	}
	l.seq = p.seq
	l.count++
	if l.count < latchPackets || l.heard && now.Sub(l.last) < latchSilence {
		return false, false
	}
	l.peer, l.heard, l.last, l.count = src, true, now, 0
	return true, true
}
