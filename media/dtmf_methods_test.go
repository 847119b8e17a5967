package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// method is how a desk phone sends its keys, of those that reach the media: INFO travels in signalling.
type method struct {
	name         string
	events, tone bool
}

// methods are the settings of the phones as the media sees them. Auto is AVT when the peer takes events, else in band; INFO
// alone leaves nothing here, and with another one it adds nothing.
var methods = []method{
	{"AVT", true, false},
	{"InBand", false, true},
	{"Auto with events", true, false},
	{"Auto without events", false, true},
	{"INFO", false, false},
	{"InBand+INFO", false, true},
	{"AVT+INFO", true, false},
	{"AVT+InBand", true, true},
}

// methodPacket is an RTP packet of 20 ms of PCMA, or of an event.
type methodPacket struct {
	at    int // frame in which it was sent
	event bool
	ts    uint32
	data  []byte
}

// dial sends keys by a method, 100 ms on and 100 ms off, as a phone does: sound goes on during events, silent unless the
// tones go with them.
func (m method) dial(t *testing.T, keys string, seed uint64) []methodPacket {
	t.Helper()
	d := usual
	d.keys, d.on, d.off, d.lead, d.seed = keys, 800, 800, 1600, seed
	pcm := d.sound()
	if !m.tone {
		clear(pcm)
	}
	var out []methodPacket
	for i := 0; (i+1)*160 <= len(pcm); i++ {
		wire := make([]byte, 160)
		encodeG711(PCMA, wire, pcm[i*160:(i+1)*160])
		out = append(out, methodPacket{at: i, ts: uint32(i * 160), data: wire})
	}
	if m.events {
		for k, press := range typed(t, keys, 1600, 800, 800, 160) {
			for n, p := range press {
				out = append(out, methodPacket{at: 10 + k*10 + n, event: true, ts: p.ts, data: p.payload})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b methodPacket) int { return a.at - b.at })
	return out
}

// listened feeds what arrived to a receiver and a detector, frame by frame, and returns the keys by source.
func listened(packets []methodPacket, frames int) map[DigitSource]string {
	var events eventReceiver
	var inband inbandDetector
	heard := make(map[DigitSource]string)
	note := func(d Digit, ok bool) {
		if ok {
			heard[d.Source] += string(d.Key)
		}
	}
	sound := make(map[int][]byte)
	for _, p := range packets {
		if p.event {
			note(events.receive(1, p.ts, p.data, time.Time{}))
		} else {
			sound[p.at] = p.data
		}
	}
	frame := make([]int16, 160)
	for i := range frames {
		wire, ok := sound[i] // a jitter buffer puts frames in order
		if ok {
			decodeG711(PCMA, frame, wire)
		}
		note(inband.detect(frame, !ok, time.Time{}))
	}
	return heard
}

// TestMethods: each key exactly once per source, by every method of the phones, on good lines and bad ones.
func TestMethods(t *testing.T) {
	lines := []struct {
		name   string
		happen func(rng *rand.Rand, p []methodPacket) []methodPacket
	}{
		{"clean", func(_ *rand.Rand, p []methodPacket) []methodPacket { return p }},
		{"5 % loss", func(rng *rand.Rand, p []methodPacket) []methodPacket {
			return slices.DeleteFunc(p, func(methodPacket) bool { return rng.Float64() < 0.05 })
		}},
		{"reordered", func(rng *rand.Rand, p []methodPacket) []methodPacket {
			for i := 1; i < len(p); i++ {
				if rng.Float64() < 0.3 {
					p[i-1], p[i] = p[i], p[i-1]
				}
			}
			return p
		}},
		{"doubled", func(rng *rand.Rand, p []methodPacket) []methodPacket {
			var twice []methodPacket
			for _, x := range p {
				twice = append(twice, x)
				if rng.Float64() < 0.2 {
					twice = append(twice, x)
				}
			}
			return twice
		}},
	}
	for _, m := range methods {
		for _, line := range lines {
			t.Run(fmt.Sprintf("%s/%s", m.name, line.name), func(t *testing.T) {
				for seed := range uint64(10) {
					rng := rand.New(rand.NewPCG(seed, 4))
					keys := []string{"1100", "5*9#", "0000", "12AB", "7777#"}[seed%5]
					sent := m.dial(t, keys, seed)
					frames := sent[len(sent)-1].at + 1
					heard := listened(line.happen(rng, sent), frames)
					want := map[DigitSource]string{}
					if m.events {
						want[EventRFC4733] = keys
					}
					if m.tone {
						want[InBand] = keys
					}
					if fmt.Sprint(heard) != fmt.Sprint(want) {
						t.Fatalf("seed %d: heard %v, want %v", seed, heard, want)
					}
				}
			})
		}
	}
}
