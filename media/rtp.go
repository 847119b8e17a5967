package media

import "encoding/binary"

// rtpHeaderLen is the fixed part of an RTP header (RFC 3550 §5.1).
const rtpHeaderLen = 12

// rtpPacket is a received RTP packet; payload points into the datagram.
type rtpPacket struct {
	marker  bool
	pt      uint8
	seq     uint16
	ts      uint32
	ssrc    uint32
	payload []byte
}

// parse reads an RTP packet and reports whether it is one (RFC 3550 §A.1): version 2 and every length within the
// datagram.
func (p *rtpPacket) parse(b []byte) bool {
	if len(b) < rtpHeaderLen || b[0]>>6 != 2 {
		return false
	}
	p.marker = b[1]&0x80 != 0
	p.pt = b[1] & 0x7f
	p.seq = binary.BigEndian.Uint16(b[2:])
	p.ts = binary.BigEndian.Uint32(b[4:])
	p.ssrc = binary.BigEndian.Uint32(b[8:])
	at := rtpHeaderLen + 4*int(b[0]&0x0f) // contributing sources
	if b[0]&0x10 != 0 {                   // header extension: 4 bytes and as many words as they say
		if len(b) < at+4 {
			return false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 { // the last byte says how many are padding
		pad := int(b[end-1])
		if pad == 0 || pad > end-at {
			return false
		}
		end -= pad
	}
	if at > end {
		return false
	}
	p.payload = b[at:end]
	return true
}

// putRTPHeader writes the fixed header of a packet of ours.
func putRTPHeader(b []byte, marker bool, pt uint8, seq uint16, ts, ssrc uint32) {
	b[0] = 2 << 6
	b[1] = pt & 0x7f
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
}

// putRTPNumbers changes what a relay changes in a packet.
func putRTPNumbers(b []byte, marker bool, pt uint8, seq uint16, ts, ssrc uint32) {
	first := b[0]
	putRTPHeader(b, marker, pt, seq, ts, ssrc)
	b[0] = first
}

// isRTCP tells RTCP from RTP on one port by the second byte (RFC 5761 §4).
func isRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }
