package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
	"time"
)

// The decoders are written from the tables of ITU-T G.711, apart from the encoders.
func alawDecode(a byte) float64 {
	a ^= 0x55
	m, segment := float64(a&15)*2+1, a>>4&7
	if segment > 0 {
		m = (m + 32) * math.Exp2(float64(segment)-1)
	}
	if a&0x80 == 0 {
		m = -m
	}
	return m / 4096
}

func mulawDecode(u byte) float64 {
	u = ^u
	v := (float64(u&15)*2+33)*math.Exp2(float64(u>>4&7)) - 33
	if u&0x80 != 0 {
		v = -v
	}
	return v / 8192
}

func TestG711(t *testing.T) {
	for _, codec := range []string{"pcma", "pcmu"} {
		decode := alawDecode
		if codec == "pcmu" {
			decode = mulawDecode
		}
		for i := -1000; i <= 1000; i++ {
			want := float64(i) / 1000 * 0.98
			got := decode(encode(codec, want))
			if math.Abs(got-want) > math.Abs(want)/28+0.0005 {
				t.Fatalf("%s of %.4f decodes to %.4f", codec, want, got)
			}
		}
	}
}

func TestEvents(t *testing.T) {
	c, err := parseFlags([]string{"-o", "x", "-digits", "5#", "-lead", "100ms", "-on", "100ms", "-gap", "40ms", "-tail", "0s"})
	if err != nil {
		t.Fatal(err)
	}
	var starts []uint32
	ends, markers := 0, 0
	all := stream(c)
	for i, p := range all {
		if p.at != time.Duration(i)*frame || binary.BigEndian.Uint16(p.rtp[2:]) != uint16(1000+i) {
			t.Fatalf("packet %d leaves at %v with sequence number %d", i, p.at, binary.BigEndian.Uint16(p.rtp[2:]))
		}
		if p.rtp[1]&0x7f != 101 {
			continue
		}
		ts, duration := binary.BigEndian.Uint32(p.rtp[4:]), binary.BigEndian.Uint16(p.rtp[14:])
		if len(starts) == 0 || starts[len(starts)-1] != ts {
			starts = append(starts, ts)
		}
		if p.rtp[1]&0x80 != 0 {
			markers++
		}
		if p.rtp[13]&0x80 != 0 {
			ends++
			if duration != 800 {
				t.Errorf("a key of 100 ms ends with a duration of %d", duration)
			}
		}
	}
	if len(starts) != 2 || markers != 2 || ends != 6 || starts[0] != 16000+5*160 {
		t.Errorf("starts %v, %d markers, %d ends; want 2 starts, the first at %d, 2 markers, 6 ends", starts, markers, ends, 16000+5*160)
	}
}

func TestSpoil(t *testing.T) {
	c := &config{codec: "pcma", tail: 10 * time.Second, lossPercent: 5, reorder: true, seed: 3}
	all := stream(c)
	kept := spoil(c, all)
	lost, swapped := len(all)-len(kept), 0
	for i := 1; i < len(kept); i++ {
		if binary.BigEndian.Uint16(kept[i].rtp[2:]) < binary.BigEndian.Uint16(kept[i-1].rtp[2:]) {
			swapped++
		}
	}
	if lost < 10 || lost > 45 || swapped < 80 {
		t.Errorf("of %d packets %d lost, %d swapped", len(all), lost, swapped)
	}
}

func TestPcap(t *testing.T) {
	var b bytes.Buffer
	if err := writePcap(&b, []packet{{1500 * time.Millisecond, []byte("rtp!")}}); err != nil {
		t.Fatal(err)
	}
	f := b.Bytes()
	if len(f) != 24+16+headerSize+4 || binary.LittleEndian.Uint32(f) != 0xa1b2c3d4 || binary.LittleEndian.Uint32(f[24:]) != 1 || binary.LittleEndian.Uint32(f[28:]) != 500000 {
		t.Fatalf("% x", f)
	}
	if ip := f[54:74]; checksum(ip) != 0 {
		t.Errorf("IPv4 checksum does not verify: % x", ip)
	}
}
