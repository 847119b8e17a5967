package media

import (
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// srtpIn verifies and decrypts what a peer sends. It belongs to whoever reads the peer's sockets.
type srtpIn struct {
	key srtpKey
	ctx *srtp.Context

	// After a change of keys some peers let the roll-over counter run on, as RFC 3711 §3.3.1 says, and others start again at
	// zero; whichever verifies a packet first is kept. What is still under way bears the old key until then.
	onward *srtp.Context
	former *srtp.Context

	rtp   rtp.Header
	rtcp  rtcp.Header
	spare []byte // a failed trial spoils its copy only
}

// newSRTPIn takes up a peer's key. before is the state under the key before, or nil, and ssrc the stream it has heard.
func newSRTPIn(key srtpKey, before *srtpIn, ssrc uint32) *srtpIn {
	in := &srtpIn{key: key, ctx: key.context()}
	if before == nil {
		return in
	}
	in.former = before.ctx
	if roc, ok := before.ctx.ROC(ssrc); ok && roc > 0 {
		in.onward = key.context()
		in.onward.SetROC(ssrc, roc)
	}
	return in
}

// packet gives the RTP packet in b, decrypted in place; ok is false for one that does not verify or came before.
func (in *srtpIn) packet(b []byte) (plain []byte, ok bool) {
	if in.former == nil {
		plain, err := in.ctx.DecryptRTP(b[:0], b, &in.rtp)
		return plain, err == nil
	}
	for _, ctx := range [...]*srtp.Context{in.ctx, in.onward, in.former} {
		if ctx == nil {
			continue
		}
		in.spare = append(in.spare[:0], b...)
		if plain, err := ctx.DecryptRTP(in.spare[:0], in.spare, &in.rtp); err == nil {
			if ctx != in.former {
				in.ctx, in.onward, in.former = ctx, nil, nil
			}
			return b[:copy(b, plain)], true
		}
	}
	return nil, false
}

// report gives the RTCP compound in b, decrypted in place.
func (in *srtpIn) report(b []byte) (plain []byte, ok bool) {
	if in.former == nil {
		plain, err := in.ctx.DecryptRTCP(b[:0], b, &in.rtcp)
		return plain, err == nil
	}
	for _, ctx := range [...]*srtp.Context{in.ctx, in.former} { // its index needs no counter
		in.spare = append(in.spare[:0], b...)
		if plain, err := ctx.DecryptRTCP(in.spare[:0], in.spare, &in.rtcp); err == nil {
			return b[:copy(b, plain)], true
		}
	}
	return nil, false
}
