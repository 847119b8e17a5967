package main

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

const (
	keys      = "0123456789*#ABCD"
	frame     = 20 * time.Millisecond
	samples   = 160 // per frame at 8 kHz
	ssrc      = 0x5ca1ab1e
	eventEnds = 3 // how often an event's end is said (RFC 4733 §2.5.1.4)
)

// packet is one RTP packet and when it leaves.
type packet struct {
	at  time.Duration
	rtp []byte
}

// sender builds the packets of one stream in the order they leave.
type sender struct {
	cfg     *config
	at      time.Duration
	seq     uint16
	ts      uint32
	sample  int // of the running tone
	marker  bool
	packets []packet
}

// stream is the whole recording: silence, keys, tone.
func stream(c *config) []packet {
	begun := int(c.from / frame)
	s := &sender{cfg: c, seq: uint16(1000 + begun), ts: uint32(16000 + samples*begun), marker: true}
	s.audio(c.lead, func(int) float64 { return 0 })
	for _, key := range c.digits {
		i := strings.IndexRune(keys, key)
		if c.inBand {
			s.audio(c.on, dtmf(i))
		} else {
			s.event(byte(i))
		}
		s.audio(c.gap, func(int) float64 { return 0 })
	}
	amplitude := math.Pow(10, c.toneDB/20)
	s.audio(c.tail, func(i int) float64 { return amplitude * math.Sin(2*math.Pi*c.toneHz*float64(i)/8000) })
	return s.packets
}

// audio sends frames of a waveform, which is a function of the sample's number since it began.
func (s *sender) audio(d time.Duration, wave func(int) float64) {
	for s.sample = 0; d > 0; d -= frame {
		payload := make([]byte, samples)
		for i := range payload {
			payload[i] = encode(s.cfg.codec, wave(s.sample))
			s.sample++
		}
		pt := byte(8)
		if s.cfg.codec == "pcmu" {
			pt = 0
		}
		s.send(pt, s.ts, s.marker, payload)
		s.marker = false
	}
}

// event sends one key as RFC 4733 §2.5.1 wants it: an update each frame, all with the time of its start, and its end
// three times.
func (s *sender) event(key byte) {
	start := s.ts
	updates := max(2, int(s.cfg.on/frame))
	for i := range updates - 1 + eventEnds {
		var p [4]byte
		p[0], p[1] = key, 10
		if i >= updates-1 {
			p[1] |= 0x80
		}
		binary.BigEndian.PutUint16(p[2:], uint16(samples*min(i+1, updates)))
		s.send(byte(s.cfg.payloadType), start, i == 0 && !s.cfg.noMarker, p[:])
	}
}

func (s *sender) send(pt byte, ts uint32, marker bool, payload []byte) {
	b := make([]byte, 12, 12+len(payload))
	b[0], b[1] = 0x80, pt
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], s.seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	s.packets = append(s.packets, packet{s.at, append(b, payload...)})
	s.seq++
	s.ts += samples
	s.at += frame
}

// spoil loses and swaps packets. The first ten stay whole, so that the peer sees a source to answer to.
func spoil(c *config, all []packet) []packet {
	r := rand.New(rand.NewPCG(c.seed, 4733))
	var kept []packet
	for i, p := range all {
		if i >= 10 && r.IntN(100) < c.lossPercent {
			continue
		}
		kept = append(kept, p)
	}
	if c.reorder {
		for i := 10; i+1 < len(kept); i += 4 {
			kept[i].rtp, kept[i+1].rtp = kept[i+1].rtp, kept[i].rtp
		}
	}
	return kept
}
