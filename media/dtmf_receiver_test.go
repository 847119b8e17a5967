package media

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// eventPacket is what a receiver sees of one packet.
type eventPacket struct {
	ssrc, ts uint32
	payload  []byte
}

// typed makes the packets of keys pressed one after the other, each on for on and off for off (8 kHz units).
func typed(t *testing.T, keys string, ts, on, off, step uint32) [][]eventPacket {
	t.Helper()
	var presses [][]eventPacket
	for _, key := range []byte(keys) {
		s, ok := newEventSender(key, ts, on, step)
		if !ok {
			t.Fatalf("no event for key %q", key)
		}
		var press []eventPacket
		for {
			b := make([]byte, eventSize)
			at, _, more := s.next(b)
			if !more {
				break
			}
			press = append(press, eventPacket{1, at, b})
		}
		presses = append(presses, press)
		ts += on + off
	}
	return presses
}

// keysOf feeds packets to a new receiver.
func keysOf(packets []eventPacket) string {
	var r eventReceiver
	var keys []byte
	for _, p := range packets {
		if d, ok := r.receive(p.ssrc, p.ts, p.payload, time.Time{}); ok {
			keys = append(keys, d.Key)
		}
	}
	return string(keys)
}

func TestEventsEachOnce(t *testing.T) {
	for _, keys := range []string{"0123456789*#ABCD", "11", "00", "112233", "1111111111"} {
		if got := keysOf(slices.Concat(typed(t, keys, 4000, 320, 320, 160)...)); got != keys {
			t.Errorf("typed %s, heard %s", keys, got)
		}
	}
}

// TestEventAtFirstPacket: the key is told with the first packet, so a prompt stops at once.
func TestEventAtFirstPacket(t *testing.T) {
	var r eventReceiver
	now := time.Unix(1000, 0)
	press := typed(t, "5", 0, 800, 800, 160)[0]
	d, ok := r.receive(press[0].ssrc, press[0].ts, press[0].payload, now)
	if want := (Digit{Key: '5', Source: EventRFC4733, Time: now}); !ok || d != want {
		t.Errorf("got %+v %v, want %+v", d, ok, want)
	}
}

// TestEventLosses drops packets so that of each press at least one arrives: whichever it is, it is one key.
func TestEventLosses(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		keys := "1100#5*9A4"
		var got []eventPacket
		for _, press := range typed(t, keys, rng.Uint32(), 400, 400, 160) {
			kept := slices.DeleteFunc(slices.Clone(press), func(eventPacket) bool { return rng.Float64() < 0.6 })
			if len(kept) == 0 {
				kept = press[rng.IntN(len(press)):][:1]
			}
			for _, p := range kept {
				got = append(got, p)
				if rng.Float64() < 0.1 {
					got = append(got, p) // doubled by the network
				}
			}
		}
		if heard := keysOf(got); heard != keys {
			t.Fatalf("seed %d: typed %s, heard %s", seed, keys, heard)
		}
	}
}

// TestEventsFivePercent is the loss of a bad line: no key is lost or doubled at the usual 20 ms packets.
func TestEventsFivePercent(t *testing.T) {
	lost := 0
	for seed := range uint64(1000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		keys := "1100#5*9A4"
		packets := slices.Concat(typed(t, keys, rng.Uint32(), 400, 400, 160)...)
		packets = slices.DeleteFunc(packets, func(eventPacket) bool { return rng.Float64() < 0.05 })
		if heard := keysOf(packets); heard != keys {
			lost++
		}
	}
	if lost > 0 { // a press is five packets: 0.05^5 per key
		t.Errorf("%d of 1000 callers misheard", lost)
	}
}

// TestEventsReordered mixes the packets of neighbouring presses: late ends of one among those of the next.
func TestEventsReordered(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 3))
		keys := "1100#5*9A4"
		packets := slices.Concat(typed(t, keys, rng.Uint32(), 320, 320, 160)...)
		for i := range packets { // each packet up to three places early or late; a press has four
			j := min(i+rng.IntN(4), len(packets)-1)
			packets[i], packets[j] = packets[j], packets[i]
		}
		heard := []byte(keysOf(packets))
		slices.Sort(heard)
		want := []byte(keys)
		slices.Sort(want)
		if string(heard) != string(want) {
			t.Fatalf("seed %d: typed %s, heard %s", seed, want, heard)
		}
	}
}

// TestEventHeldDown is a key held for half a minute: segments of 8.2 s are one key (RFC 4733 §2.5.1.3), also with every
// packet near the seams lost.
func TestEventHeldDown(t *testing.T) {
	press := typed(t, "7", 0xfffff000, 30*8000, 0, 400)[0]
	if last := press[len(press)-1]; last.ts == 0xfffff000 {
		t.Fatal("a long press did not change its timestamp")
	}
	if got := keysOf(press); got != "7" {
		t.Errorf("heard %q", got)
	}
	thin := slices.DeleteFunc(slices.Clone(press), func(p eventPacket) bool {
		e, _ := parseEvent(p.payload)
		return e.Duration < 0x1000 || e.Duration > 0xf000
	})
	if got := keysOf(thin); got != "7" || len(thin) == len(press) {
		t.Errorf("with losses heard %q", got)
	}
}

// TestEventSameKeyAfterLostEnd: the end of the first press is lost, the second press is a key all the same.
func TestEventSameKeyAfterLostEnd(t *testing.T) {
	presses := typed(t, "11", 0, 800, 800, 160)
	if got := keysOf(slices.Concat(presses[0][:2], presses[1])); got != "11" {
		t.Errorf("heard %q", got)
	}
}

// TestEventMovingTimestamp is a gateway that moves the timestamp with the duration.
func TestEventMovingTimestamp(t *testing.T) {
	var packets []eventPacket
	for _, press := range typed(t, "44", 0, 800, 800, 160) {
		for _, p := range press {
			e, _ := parseEvent(p.payload)
			p.ts += uint32(e.Duration)
			packets = append(packets, p)
		}
	}
	if got := keysOf(packets); got != "44" {
		t.Errorf("heard %q", got)
	}
}

func TestEventNewSource(t *testing.T) {
	press := typed(t, "3", 77, 320, 320, 160)[0]
	other := slices.Clone(press)
	for i := range other {
		other[i].ssrc = 2
	}
	if got := keysOf(slices.Concat(press, other)); got != "33" {
		t.Errorf("heard %q: another SSRC is another event", got)
	}
}

func TestEventThatIsNoKey(t *testing.T) {
	var r eventReceiver
	for _, b := range [][]byte{nil, {1}, {1, 2, 3}, {16, 10, 0, 160}, {255, 0x80, 0, 0}} {
		if d, ok := r.receive(1, 1, b, time.Time{}); ok {
			t.Errorf("% x is key %q", b, d.Key)
		}
	}
	if strings.Contains(eventKeys, "E") || len(eventKeys) != 16 {
		t.Error("a phone has sixteen keys")
	}
}

func TestEventSenderMarkers(t *testing.T) {
	s, _ := newEventSender('#', 0, 480, 160)
	var got []eventPayload
	b := make([]byte, eventSize)
	for i := 0; ; i++ {
		ts, marker, more := s.next(b)
		if !more {
			break
		}
		if marker != (i == 0) || ts != 0 {
			t.Errorf("packet %d: marker %v, timestamp %d", i, marker, ts)
		}
		p, _ := parseEvent(b)
		got = append(got, p)
	}
	want := []eventPayload{{11, false, 10, 160}, {11, false, 10, 320}, {11, true, 10, 480}, {11, true, 10, 480}, {11, true, 10, 480}}
	if !slices.Equal(got, want) {
		t.Errorf("sent %+v, want %+v", got, want)
	}
	if _, ok := newEventSender('E', 0, 1, 1); ok {
		t.Error("E is no key")
	}
}

// FuzzEvents: any packets, in any order, never panic; a packet told twice is never two keys.
func FuzzEvents(f *testing.F) {
	f.Add([]byte{1, 0x8a, 0, 160, 1, 0x8a, 0, 160, 2, 10, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		var r eventReceiver
		for ; len(b) >= 5; b = b[5:] {
			ts := uint32(b[4]) * 0x3fff
			r.receive(1, ts, b[:4], time.Time{})
			if _, again := r.receive(1, ts, b[:4], time.Time{}); again {
				t.Fatal("one packet, two keys")
			}
		}
	})
}

func BenchmarkEventReceiver(b *testing.B) {
	var r eventReceiver
	p := []byte{5, 10, 0, 160}
	b.ReportAllocs()
	for i := range b.N {
		r.receive(1, uint32(i/8)*800, p, time.Time{})
	}
}
