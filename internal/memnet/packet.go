package memnet

import (
	"bytes"
	"net/netip"
	"time"
)

// Packet is one UDP packet under way.
type Packet struct {
	Src, Dst netip.AddrPort
	Payload  []byte // shared by hooks and receivers: read only
}

// Is tells whether the payload is a SIP request with this method: p.Is("ACK").
func (p Packet) Is(method string) bool {
	return bytes.HasPrefix(p.Payload, []byte(method+" "))
}

// IsResponse tells whether the payload is a SIP response of this status whose CSeq names this method (RFC 3261 §20.16).
func (p Packet) IsResponse(code int, method string) bool {
	head := []byte("SIP/2.0 " + string([]byte{byte('0' + code/100%10), byte('0' + code/10%10), byte('0' + code%10)}) + " ")
	if !bytes.HasPrefix(p.Payload, head) {
		return false
	}
	for line := range bytes.Lines(p.Payload) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("CSeq")) {
			return bytes.HasSuffix(bytes.TrimSpace(value), []byte(" "+method))
		}
	}
	return false
}

// Verdict says what becomes of a packet; the zero value lets it pass. Verdicts of several hooks add up: any drop drops,
// delays and copies sum, the last rewrite holds.
type Verdict struct {
	Drop   bool
	Copies int            // further copies
	Delay  time.Duration  // more than its successor's: reordering
	Src    netip.AddrPort // new source, when valid
	Dst    netip.AddrPort // new destination, when valid
}

// Pass lets the packet through.
func Pass() Verdict { return Verdict{} }

// Drop loses the packet.
func Drop() Verdict { return Verdict{Drop: true} }

// Duplicate delivers the packet twice.
func Duplicate() Verdict { return Verdict{Copies: 1} }

// Delay delivers the packet after d.
func Delay(d time.Duration) Verdict { return Verdict{Delay: d} }

// From delivers the packet as if src had sent it.
func From(src netip.AddrPort) Verdict { return Verdict{Src: src} }

// To delivers the packet to dst instead.
func To(dst netip.AddrPort) Verdict { return Verdict{Dst: dst} }
