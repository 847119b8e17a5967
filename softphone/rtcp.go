package softphone

import (
	"encoding/binary"
	"time"
)

// rtcpEvery is the interval of our reports, the minimum of RFC 3550 §6.2.
const rtcpEvery = 5 * time.Second

// Packet types of RTCP (RFC 3550 §12.1).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

// report is a compound packet of a sender or receiver report and our name (RFC 3550 §6.4 and §6.5).
func (m *media) report(now time.Time, name string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	var b []byte
	blocks := 0
	if m.rx.have {
		blocks = 1
	}
	begin := func(count, kind int) int {
		b = append(b, 0x80|byte(count), byte(kind), 0, 0)
		return len(b) - 4
	}
	finish := func(at int) { binary.BigEndian.PutUint16(b[at+2:], uint16((len(b)-at)/4-1)) }
	if m.rx.Sent > 0 {
		at := begin(blocks, rtcpSR)
		b = binary.BigEndian.AppendUint32(b, m.ssrc)
		// NTP counts from 1900, in seconds and their 2^-32.
		b = binary.BigEndian.AppendUint32(b, uint32(now.Unix()+2208988800))
		b = binary.BigEndian.AppendUint32(b, uint32(uint64(now.Nanosecond())<<32/uint64(time.Second)))
		b = binary.BigEndian.AppendUint32(b, m.ts)
		b = binary.BigEndian.AppendUint32(b, uint32(m.rx.Sent))
		b = binary.BigEndian.AppendUint32(b, uint32(m.rx.Sent)*uint32(m.samples))
		b = m.appendBlock(b, blocks)
		finish(at)
	} else {
		at := begin(blocks, rtcpRR)
		b = binary.BigEndian.AppendUint32(b, m.ssrc)
		b = m.appendBlock(b, blocks)
		finish(at)
	}
	at := begin(1, rtcpSDES)
	b = binary.BigEndian.AppendUint32(b, m.ssrc)
	b = append(b, 1, byte(len(name))) // CNAME
	b = append(b, name...)
	b = append(b, make([]byte, 4-len(b)%4)...) // ends with one zero at least
	finish(at)
	return b
}

// appendBlock says what we received of the peer's stream. Round-trip times are left to others.
func (m *media) appendBlock(b []byte, blocks int) []byte {
	if blocks == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, m.rx.ssrc)
	b = binary.BigEndian.AppendUint32(b, uint32(min(m.rx.Lost, 1<<23-1)))
	b = binary.BigEndian.AppendUint32(b, uint32(m.rx.high))
	b = binary.BigEndian.AppendUint32(b, uint32(m.rx.jitter*SampleRate/float64(time.Second)))
	return append(b, make([]byte, 8)...)
}

// receiveRTCP counts the peer's reports.
func (m *media) receiveRTCP(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(b) >= 4 && b[0]>>6 == 2 {
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if n > len(b) {
			return
		}
		switch b[1] {
		case rtcpSR, rtcpRR:
			m.rx.Reports++
		case rtcpBYE:
			m.rx.Goodbyes++
		}
		b = b[n:]
	}
}
