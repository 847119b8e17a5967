package call

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"passerelle/call/cdr"
	"passerelle/sip"
)

// liveWorld is a root with n calls of two legs each that are up.
func liveWorld(n int) (r *Root, legs []*sip.Leg) {
	r = &Root{}
	r.records.open = make(map[*sip.Leg]*cdr.Record)
	for i := range n {
		for _, d := range []cdr.Direction{cdr.In, cdr.Out} {
			leg := &sip.Leg{}
			r.records.open[leg] = &cdr.Record{ID: fmt.Sprint(d, i), Call: fmt.Sprint(i), Direction: d, Start: time.Unix(int64(i), 0)}
			r.records.live.begin(leg, "Alice", "")
			legs = append(legs, leg)
		}
	}
	return r, legs
}

// TestLiveGroups joins legs of calls at random, as transfers do: legs of one call, and of calls that are joined, however many
// lie between, are one call, and each leg is in one call only.
func TestLiveGroups(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		n := 1 + random.IntN(12)
		r, legs := liveWorld(n)
		of := make([]int, n) // call → the oldest call that it belongs to
		for i := range of {
			of[i] = i
		}
		for _, pair := range pairs(random, len(legs)) {
			two := &twoParty{}
			a, b := pair[0], pair[1]
			r.joined.put(legs[a], two)
			r.joined.put(legs[b], two)
			low, high := min(of[a/2], of[b/2]), max(of[a/2], of[b/2])
			for i := range of {
				if of[i] == high {
					of[i] = low
				}
			}
		}
		want := map[string]int{}
		for i := range of {
			want[fmt.Sprint(of[i])] += 2
		}
		got, last := map[string]int{}, ""
		for _, c := range r.LiveCalls() {
			got[c.ID] = len(c.Legs)
			if c.ID != c.Legs[0].Call || !slices.IsSortedFunc(c.Legs, func(a, b LiveLeg) int { return a.Start.Compare(b.Start) }) {
				t.Errorf("seed %d: call %s: %+v", seed, c.ID, c.Legs)
			}
			last = c.ID
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("seed %d: legs by call: %v, want %v (the last is %s)", seed, got, want, last)
		}
	}
}

// pairs are some of the legs in pairs, each once.
func pairs(random *rand.Rand, legs int) (all [][2]int) {
	order := random.Perm(legs)
	for i := 0; i+1 < legs && random.IntN(4) > 0; i += 2 {
		all = append(all, [2]int{order[i], order[i+1]})
	}
	return all
}

// BenchmarkLiveCalls looks at a thousand calls of two legs.
func BenchmarkLiveCalls(b *testing.B) {
	r, legs := liveWorld(1000)
	for i := 0; i < len(legs); i += 2 {
		two := &twoParty{}
		r.joined.put(legs[i], two)
		r.joined.put(legs[i+1], two)
	}
	for b.Loop() {
		if n := len(r.LiveCalls()); n != 1000 {
			b.Fatal(n)
		}
	}
}
