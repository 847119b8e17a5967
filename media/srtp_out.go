package media

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// srtpOut encrypts what we send to a peer under a key of ours. It belongs to whoever writes the peer's sockets. The first
// sequence number of a stream must be below 2^15, else a lost first packet makes the peer guess the roll-over counter wrong
// (RFC 3711 §3.3.1), and no number may carry two different packets.
type srtpOut struct {
	key  srtpKey
	ctx  *srtp.Context
	rtp  rtp.Header
	rtcp rtcp.Header
}

func newSRTPOut(key srtpKey) *srtpOut { return &srtpOut{key: key, ctx: key.context()} }

// packet encrypts the RTP packet in b in place; b must have room for srtpOverhead and the key's MKI.
func (o *srtpOut) packet(b []byte) (secure []byte, ok bool) {
	secure, err := o.ctx.EncryptRTP(b[:0], b, &o.rtp)
	return secure, err == nil
}

// report encrypts the RTCP compound in b in place.
func (o *srtpOut) report(b []byte) (secure []byte, ok bool) {
	secure, err := o.ctx.EncryptRTCP(b[:0], b, &o.rtcp)
	return secure, err == nil
}
