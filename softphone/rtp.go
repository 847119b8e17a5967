package softphone

import "encoding/binary"

// rtpHeader is the fixed header of an RTP packet (RFC 3550 §5.1).
type rtpHeader struct {
	marker bool
	pt     uint8
	seq    uint16
	ts     uint32
	ssrc   uint32
}

const rtpHeaderLen = 12

func (h rtpHeader) append(b []byte) []byte {
	second := h.pt
	if h.marker {
		second |= 0x80
	}
	b = append(b, 0x80, second)
	b = binary.BigEndian.AppendUint16(b, h.seq)
	b = binary.BigEndian.AppendUint32(b, h.ts)
	return binary.BigEndian.AppendUint32(b, h.ssrc)
}

// parseRTP reads a packet with CSRCs, extension and padding; ok is false when it is none.
func parseRTP(b []byte) (h rtpHeader, payload []byte, ok bool) {
	if len(b) < rtpHeaderLen || b[0]>>6 != 2 {
		return h, nil, false
	}
	h = rtpHeader{
		marker: b[1]&0x80 != 0, pt: b[1] & 0x7f, seq: binary.BigEndian.Uint16(b[2:]),
		ts: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]),
	}
	from, to := rtpHeaderLen+4*int(b[0]&15), len(b)
	if b[0]&0x10 != 0 {
		if to < from+4 {
			return h, nil, false
		}
		from += 4 + 4*int(binary.BigEndian.Uint16(b[from+2:]))
	}
	if b[0]&0x20 != 0 {
		to -= int(b[len(b)-1])
	}
	if from > to {
		return h, nil, false
	}
	return h, b[from:to], true
}
