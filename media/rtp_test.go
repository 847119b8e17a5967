package media

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

// FuzzRTP holds our parser of the hot path to that of pion: what both take, both read alike.
func FuzzRTP(f *testing.F) {
	for _, p := range []rtp.Packet{
		{Header: rtp.Header{Version: 2, PayloadType: 8, SequenceNumber: 7, Timestamp: 160, SSRC: 9}, Payload: make([]byte, 160)},
		{Header: rtp.Header{Version: 2, Marker: true, PayloadType: 101, CSRC: []uint32{1, 2, 3}}, Payload: []byte{5, 10, 0, 160}},
		{Header: rtp.Header{
			Version: 2, Extension: true, ExtensionProfile: 0xbede,
			Extensions: []rtp.Extension{},
		}, Payload: []byte{1}},
		{Header: rtp.Header{Version: 2, Padding: true, PaddingSize: 4}, Payload: []byte{1, 2}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x80, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3})
	f.Add([]byte{0xbf, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 255})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ours rtpPacket
		var theirs rtp.Packet
		ok, err := ours.parse(b), theirs.Unmarshal(b)
		if len(b) >= rtpHeaderLen && b[0]>>6 != 2 && ok {
			t.Fatalf("version %d taken", b[0]>>6)
		}
		if !ok || err != nil {
			return // each refuses some that the other takes: pion does not look at the version, we not into extensions
		}
		if ours.pt != theirs.PayloadType || ours.seq != theirs.SequenceNumber || ours.ts != theirs.Timestamp ||
			ours.ssrc != theirs.SSRC || ours.marker != theirs.Marker || !bytes.Equal(ours.payload, theirs.Payload) {
			t.Fatalf("%+v is %+v to pion", ours, theirs)
		}
	})
}

func TestRTPParse(t *testing.T) {
	head := []byte{0x80, 0x88, 0x12, 0x34, 0, 0, 1, 0, 0xde, 0xad, 0xbe, 0xef}
	with := func(first byte, rest ...byte) []byte {
		b := append(bytes.Clone(head), rest...)
		b[0] = first
		return b
	}
	for _, c := range []struct {
		name    string
		in      []byte
		payload int // -1: not RTP
	}{
		{"bare header", head, 0},
		{"payload", with(0x80, 1, 2, 3), 3},
		{"short header", head[:11], -1},
		{"empty", nil, -1},
		{"version 1", with(0x40, 1), -1},
		{"a contributing source", with(0x81, 0, 0, 0, 1, 9), 1},
		{"contributing sources missing", with(0x8f, 0, 0, 0, 1), -1},
		{"extension", with(0x90, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 9, 9), 2},
		{"extension longer than the packet", with(0x90, 0xbe, 0xde, 0, 9, 1, 2, 3, 4), -1},
		{"extension without a header", with(0x90, 0xbe, 0xde), -1},
		{"padding", with(0xa0, 7, 0, 2), 1},
		{"all padding", with(0xa0, 0, 0, 3), 0},
		{"no padding where there should be", with(0xa0, 7, 0, 0), -1},
		{"padding into the header", with(0xa0, 7, 0, 4), -1},
	} {
		var p rtpPacket
		ok := p.parse(c.in)
		if ok != (c.payload >= 0) || ok && len(p.payload) != c.payload {
			t.Errorf("%s: %v, payload of %d", c.name, ok, len(p.payload))
		}
	}
	var p rtpPacket
	if p.parse(head); p.pt != 8 || !p.marker || p.seq != 0x1234 || p.ts != 256 || p.ssrc != 0xdeadbeef {
		t.Errorf("header read as %+v", p)
	}
	var b [rtpHeaderLen]byte
	putRTPHeader(b[:], p.marker, p.pt, p.seq, p.ts, p.ssrc)
	if !bytes.Equal(b[:], head) {
		t.Errorf("written as %x", b)
	}
}
