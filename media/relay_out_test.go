package media

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// outStep is a packet that comes in and where it is to stand in the stream, relative to the first one.
type outStep struct {
	at     time.Duration // since the first
	ssrc   uint32
	seq    uint16
	ts     uint32
	drop   bool
	seqOut uint16
	tsOut  uint32
	marker bool
}

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

func TestRelayOut(t *testing.T) {
	tests := []struct {
		name  string
		steps []outStep
	}{
		{"one source", []outStep{
			{ms(0), 1, 65535, 1000, false, 0, 0, true},
			{ms(20), 1, 0, 1160, false, 1, 160, false},
			{ms(40), 1, 1, 1320, false, 2, 320, false},
		}},
		{"loss and reordering stay as they are", []outStep{
			{ms(0), 1, 10, 0, false, 0, 0, true},
			{ms(60), 1, 13, 480, false, 3, 480, false},
			{ms(61), 1, 12, 320, false, 2, 320, false},
			{ms(62), 1, 12, 320, true, 0, 0, false}, // twice
			{ms(80), 1, 14, 640, false, 4, 640, false},
			{ms(81), 1, 9, 4294967136, true, 0, 0, false}, // before the first
		}},
		{"another SSRC goes on by the clock", []outStep{
			{ms(0), 1, 100, 1000, false, 0, 0, true},
			{ms(20), 1, 101, 1160, false, 1, 160, false},
			{ms(520), 2, 60000, 99, false, 2, 160 + 4000, true},
			{ms(540), 2, 60001, 259, false, 3, 160 + 4160, false},
		}},
		{"a switch without a pause takes one packet's time", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(20), 1, 101, 160, false, 1, 160, false},
			{ms(21), 2, 7, 0, false, 2, 320, true},
		}},
		{"a straggler of the former source is not a return", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(20), 1, 102, 320, false, 2, 320, false},
			{ms(40), 2, 7, 0, false, 3, 480, true},
			{ms(41), 1, 101, 160, true, 0, 0, false},
			{ms(60), 2, 8, 160, false, 4, 640, false},
		}},
		{"but its next packet is one", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(20), 2, 7, 0, false, 1, 160, true},
			{ms(40), 1, 101, 320, false, 2, 320, true},
		}},
		{"numbers that start again are believed when they go on", []outStep{
			{ms(0), 1, 9000, 0, false, 0, 0, true},
			{ms(20), 1, 382, 160, true, 0, 0, false}, // 8618 back
			{ms(40), 1, 383, 320, false, 1, 320, true},
			{ms(60), 1, 384, 480, false, 2, 480, false},
		}},
		{"a stray number is not", []outStep{
			{ms(0), 1, 9000, 0, false, 0, 0, true},
			{ms(20), 1, 382, 160, true, 0, 0, false},
			{ms(40), 1, 9001, 320, false, 1, 320, false},
			{ms(60), 1, 20000, 320, true, 0, 0, false},
			{ms(61), 1, 9002, 480, false, 2, 480, false},
		}},
		{"timestamps that leave the clock are brought back", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(20), 1, 101, 160, false, 1, 160, false},
			{ms(60020), 1, 102, 320, false, 2, 160 + 480000, true}, // a minute of hold that its clock did not see
			{ms(60040), 1, 103, 480, false, 3, 320 + 480000, false},
			{ms(60060), 1, 104, 480 + 800000, false, 4, 480 + 480000, true}, // a clock that leaps
		}},
		{"silence that the source's clock has seen stays", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(30000), 1, 101, 240000, false, 1, 240000, false},
		}},
		{"a key of two seconds and the sound after it", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(20), 1, 101, 160, false, 1, 160, false},
			{ms(1000), 1, 150, 160, false, 50, 160, false},
			{ms(2000), 1, 200, 160, false, 100, 160, false},
			{ms(2020), 1, 201, 16160, false, 101, 16160, false},
		}},
		{"a stall of the road", []outStep{
			{ms(0), 1, 100, 0, false, 0, 0, true},
			{ms(1500), 1, 101, 160, false, 1, 160, false},
			{ms(1501), 1, 102, 320, false, 2, 320, false},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var o relayOut
			o.init()
			seq0, ts0 := o.seq, o.ts
			start := time.Now()
			for i, s := range tt.steps {
				p := rtpPacket{ssrc: s.ssrc, seq: s.seq, ts: s.ts}
				seq, ts, marker, ok := o.relay(&p, 8000, start.Add(s.at))
				if ok == s.drop {
					t.Fatalf("packet %d passes: %v", i, ok)
				}
				if ok && (seq-seq0 != s.seqOut || ts-ts0 != s.tsOut || marker != s.marker) {
					t.Errorf("packet %d: number %d, timestamp %d, marker %v; want %d, %d, %v", i, seq-seq0, ts-ts0, marker, s.seqOut, s.tsOut, s.marker)
				}
			}
		})
	}
}

// TestRelayOutOwnSound: sound of ours between two spells of a source leaves one stream.
func TestRelayOutOwnSound(t *testing.T) {
	var o relayOut
	o.init()
	seq0, ts0 := o.seq, o.ts
	now := time.Now()
	at := func(d time.Duration) time.Time { return now.Add(d) }
	want := func(name string, seq uint16, ts uint32, marker bool, wantSeq uint16, wantTS uint32, wantMarker bool) {
		t.Helper()
		if seq-seq0 != wantSeq || ts-ts0 != wantTS || marker != wantMarker {
			t.Errorf("%s: number %d, timestamp %d, marker %v; want %d, %d, %v", name, seq-seq0, ts-ts0, marker, wantSeq, wantTS, wantMarker)
		}
	}
	seq, ts, marker, _ := o.relay(&rtpPacket{ssrc: 1, seq: 5, ts: 50}, 8000, at(0))
	want("source", seq, ts, marker, 0, 0, true)
	seq, ts, marker = o.own(160, 160, 8000, at(ms(100)))
	want("first of ours", seq, ts, marker, 1, 800, true)
	seq, ts, marker = o.own(160, 160, 8000, at(ms(123))) // the tick was late
	want("second of ours", seq, ts, marker, 2, 960, false)
	seq, ts, marker, _ = o.relay(&rtpPacket{ssrc: 1, seq: 11, ts: 1010}, 8000, at(ms(143)))
	want("source again", seq, ts, marker, 3, 1120, true)
	o.pause()
	seq, ts, marker, _ = o.relay(&rtpPacket{ssrc: 1, seq: 12, ts: 1170}, 8000, at(ms(3143)))
	want("source after a hold", seq, ts, marker, 4, 1120+24000, true)
}

// TestRelayOutNeverRepeats: whatever comes, no number is used twice and the stream's highest number never falls.
func TestRelayOutNeverRepeats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o relayOut
		o.init()
		now := time.Now()
		used := make(map[uint32]bool) // by number with its wraps
		high := uint32(o.seq)
		seq := map[uint32]uint16{1: 65500, 2: 3}
		for range rapid.IntRange(1, 300).Draw(t, "packets") {
			now = now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(t, "ms")) * time.Millisecond)
			var out uint16
			if rapid.IntRange(0, 9).Draw(t, "own") == 0 {
				out, _, _ = o.own(160, 160, 8000, now)
			} else {
				ssrc := uint32(rapid.IntRange(1, 2).Draw(t, "ssrc"))
				seq[ssrc] += uint16(rapid.SampledFrom([]int{1, 1, 1, 1, 2, 0, -1, -3, 70, -90, 1500, -8618, 40000}).Draw(t, "step"))
				var ok bool
				out, _, _, ok = o.relay(&rtpPacket{ssrc: ssrc, seq: seq[ssrc], ts: rapid.Uint32().Draw(t, "ts")}, 8000, now)
				if !ok {
					continue
				}
			}
			full := high + uint32(int32(int16(out-uint16(high))))
			if used[full] {
				t.Fatalf("number %d is used twice", out)
			}
			used[full] = true
			high = max(high, full)
		}
	})
}

// TestRelayOutForLong: a source goes on through many wraps of its numbers.
func TestRelayOutForLong(t *testing.T) {
	var o relayOut
	o.init()
	first, now := o.seq, time.Now()
	for i := range 300_000 {
		seq, _, _, ok := o.relay(&rtpPacket{ssrc: 1, seq: uint16(i), ts: uint32(160 * i)}, 8000, now)
		if !ok || seq != first+uint16(i) {
			t.Fatalf("packet %d: passes: %v, number %d", i, ok, seq)
		}
		now = now.Add(frameTime)
	}
}
