package media

import (
	"encoding/binary"
	"time"
)

// RTCP packet types (RFC 3550 §12.1).
const (
	rtcpSR   uint8 = 200
	rtcpRR   uint8 = 201
	rtcpSDES uint8 = 202
	rtcpBYE  uint8 = 203
)

const (
	rtcpHeaderLen = 4
	senderInfoLen = 20
	reportLen     = 24
)

// rtcpPacket is one packet of a compound; body is what follows its header, without padding.
type rtcpPacket struct {
	kind  uint8
	count int
	body  []byte
}

// nextRTCP takes the first packet off a compound; ok is false at its end and where it is malformed (RFC 3550 §A.2).
func nextRTCP(b []byte) (p rtcpPacket, rest []byte, ok bool) {
	if len(b) < rtcpHeaderLen || b[0]>>6 != 2 {
		return p, nil, false
	}
	n := rtcpHeaderLen + 4*int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b) {
		return p, nil, false
	}
	end := n
	if b[0]&0x20 != 0 { // padding is only for the last of a compound
		pad := int(b[n-1])
		if n != len(b) || pad == 0 || pad > n-rtcpHeaderLen {
			return p, nil, false
		}
		end -= pad
	}
	return rtcpPacket{kind: b[1], count: int(b[0] & 0x1f), body: b[rtcpHeaderLen:end]}, b[n:], true
}

// senderReport is what an SR tells of its sender (RFC 3550 §6.4.1).
type senderReport struct {
	ssrc uint32
	ntp  uint32 // the middle of its time stamp
}

// receptionReport is one block of an SR or RR.
type receptionReport struct {
	ssrc        uint32 // of the stream reported on
	fraction    uint8
	lost        int32 // cumulative, negative with duplicates
	highest     uint32
	jitter      uint32
	lastSR      uint32
	sinceLastSR uint32
}

// sender reads an SR's sender.
func (p *rtcpPacket) sender() (sr senderReport, ok bool) {
	if p.kind != rtcpSR || len(p.body) < 4+senderInfoLen {
		return sr, false
	}
	sr.ssrc = binary.BigEndian.Uint32(p.body)
	sr.ntp = binary.BigEndian.Uint32(p.body[6:])
	return sr, true
}

// block reads the report block of an SR or RR that is about ssrc.
func (p *rtcpPacket) block(ssrc uint32) (r receptionReport, ok bool) {
	at := 4
	switch p.kind {
	case rtcpSR:
		at += senderInfoLen
	case rtcpRR:
	default:
		return r, false
	}
	for range p.count {
		if len(p.body) < at+reportLen {
			return r, false
		}
		b := p.body[at : at+reportLen]
		at += reportLen
		if binary.BigEndian.Uint32(b) != ssrc {
			continue
		}
		return receptionReport{
			ssrc: ssrc, fraction: b[4], lost: int32(binary.BigEndian.Uint32(b[4:])<<8) >> 8,
			highest: binary.BigEndian.Uint32(b[8:]), jitter: binary.BigEndian.Uint32(b[12:]),
			lastSR: binary.BigEndian.Uint32(b[16:]), sinceLastSR: binary.BigEndian.Uint32(b[20:]),
		}, true
	}
	return r, false
}

// rtcpWriter puts a compound together in a fixed buffer.
type rtcpWriter struct {
	b []byte
	n int
}

func (w *rtcpWriter) header(kind uint8, count, bodyLen int) {
	w.b[w.n] = 2<<6 | byte(count)
	w.b[w.n+1] = kind
	binary.BigEndian.PutUint16(w.b[w.n+2:], uint16(bodyLen/4))
	w.n += rtcpHeaderLen
}

func (w *rtcpWriter) u32(v uint32) {
	binary.BigEndian.PutUint32(w.b[w.n:], v)
	w.n += 4
}

// sender writes an SR's sender; the report blocks follow.
func (w *rtcpWriter) sender(ssrc uint32, now time.Time, ts, packets, octets uint32, blocks int) {
	w.header(rtcpSR, blocks, 4+senderInfoLen+blocks*reportLen)
	w.u32(ssrc)
	ntp := ntpTime(now)
	w.u32(uint32(ntp >> 32))
	w.u32(uint32(ntp))
	w.u32(ts)
	w.u32(packets)
	w.u32(octets)
}

// receiver writes an RR's head; the report blocks follow.
func (w *rtcpWriter) receiver(ssrc uint32, blocks int) {
	w.header(rtcpRR, blocks, 4+blocks*reportLen)
	w.u32(ssrc)
}

func (w *rtcpWriter) block(r receptionReport) {
	w.u32(r.ssrc)
	w.u32(uint32(r.fraction)<<24 | uint32(min(max(r.lost, -1<<23), 1<<23-1))&0xffffff)
	w.u32(r.highest)
	w.u32(r.jitter)
	w.u32(r.lastSR)
	w.u32(r.sinceLastSR)
}

// cname writes the one item of SDES that every compound has (RFC 3550 §6.5.1).
func (w *rtcpWriter) cname(ssrc uint32, name string) {
	pad := 4 - (2+len(name))%4 // at least one zero ends the list
	w.header(rtcpSDES, 1, 4+2+len(name)+pad)
	w.u32(ssrc)
	w.b[w.n], w.b[w.n+1] = 1, byte(len(name))
	w.n += 2 + copy(w.b[w.n+2:], name)
	clear(w.b[w.n : w.n+pad])
	w.n += pad
}

func (w *rtcpWriter) bye(ssrc uint32) {
	w.header(rtcpBYE, 1, 4)
	w.u32(ssrc)
}

// ntpTime is seconds since 1900 in 32.32 bits (RFC 3550 §4).
func ntpTime(t time.Time) uint64 {
	const from1900 = 2208988800
	return uint64(t.Unix()+from1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}
