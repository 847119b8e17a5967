package media

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"passerelle/internal/memnet"
)

// TestSessionMethods: keys sent by every method of the phones go through a whole session, socket, jitter buffer and all,
// with packets lost, late and out of order, and each is told exactly once per source.
func TestSessionMethods(t *testing.T) {
	lines := []struct {
		name         string
		loss, jitter float64 // share lost, ms of delay at most
	}{
		{"clean", 0, 0},
		{"5 % loss", 0.05, 0},
		{"5 % loss, 30 ms jitter", 0.05, 30},
	}
	for _, m := range methods {
		for _, line := range lines {
			t.Run(fmt.Sprintf("%s/%s", m.name, line.name), func(t *testing.T) {
				for seed := range uint64(5) {
					keys := []string{"1100", "5*9#", "0000", "12AB", "7777#"}[seed]
					want := map[DigitSource]string{}
					if m.events {
						want[EventRFC4733] = keys
					}
					if m.tone {
						want[InBand] = keys
					}
					if got := sessionHears(t, m, keys, seed, line.loss, line.jitter); fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("seed %d: told %v, want %v", seed, got, want)
					}
				}
			})
		}
	}
}

// sessionHears sends keys to a session and returns what it told, by source.
func sessionHears(t *testing.T, m method, keys string, seed uint64, loss, jitter float64) map[DigitSource]string {
	t.Helper()
	n := memnet.New()
	l := newMemLeg(t, n, memPorts(t, n, 2), "198.51.100.20:4000", PCMA, 700)
	told := make(map[DigitSource]string)
	l.s.OnDigit(func(d Digit) { told[d.Source] += string(d.Key) })
	b := newMemBridge(t, MixerConfig{Isolated: true}, l)
	rng := rand.New(rand.NewPCG(seed, 6))
	type timed struct {
		methodPacket
		seq  uint16
		tick int
	}
	var sent []timed
	ticks := 0
	for i, p := range m.dial(t, keys, seed) {
		ticks = max(ticks, p.at)
		if rng.Float64() >= loss {
			sent = append(sent, timed{p, uint16(i), p.at + int(rng.Float64()*jitter/20+0.5)})
		}
	}
	slices.SortStableFunc(sent, func(a, b timed) int { return a.tick - b.tick })
	for tick := range ticks + 30 {
		for len(sent) > 0 && sent[0].tick <= tick {
			l.seq, l.ts = sent[0].seq, sent[0].ts
			pt := l.pt()
			if sent[0].event {
				pt = 101
			}
			l.send(pt, sent[0].data)
			sent = sent[1:]
		}
		b.step(nil)
	}
	return told
}
