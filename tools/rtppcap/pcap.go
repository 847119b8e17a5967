package main

import (
	"encoding/binary"
	"io"
	"time"
)

const (
	rtpPort    = 6000 // replaced by SIPp
	ethernet   = 1    // LINKTYPE_ETHERNET
	headerSize = 14 + 20 + 8
)

// writePcap writes the packets as UDP over IPv4 over Ethernet; SIPp replaces addresses and ports.
func writePcap(w io.Writer, all []packet) error {
	head := []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, 65535, ethernet}
	if err := binary.Write(w, binary.LittleEndian, head); err != nil {
		return err
	}
	for _, p := range all {
		size := uint32(headerSize + len(p.rtp))
		record := []uint32{uint32(p.at / time.Second), uint32(p.at % time.Second / time.Microsecond), size, size}
		if err := binary.Write(w, binary.LittleEndian, record); err != nil {
			return err
		}
		if _, err := w.Write(ethernetFrame(p.rtp)); err != nil {
			return err
		}
	}
	return nil
}

func ethernetFrame(rtp []byte) []byte {
	b := make([]byte, headerSize, headerSize+len(rtp))
	b[12], b[13] = 0x08, 0x00 // IPv4
	ip, udp := b[14:34], b[34:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(20+8+len(rtp)))
	copy(ip[12:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
	binary.BigEndian.PutUint16(ip[10:], checksum(ip))
	binary.BigEndian.PutUint16(udp[0:], rtpPort)
	binary.BigEndian.PutUint16(udp[2:], rtpPort)
	binary.BigEndian.PutUint16(udp[4:], uint16(8+len(rtp)))
	return append(b, rtp...)
}

// checksum is the Internet checksum (RFC 1071) of an IPv4 header.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
