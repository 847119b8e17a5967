package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

const otherAddr = "10.0.0.3:5060"

// everybodyTrusted takes each source for one trunk.
type everybodyTrusted struct{ trunkLines }

func (everybodyTrusted) Trunk(netip.AddrPort) (string, bool) { return "peer", true }

// newPair starts two servers on one network, which trust each other; the second serves calls by h.
func newPair(t *testing.T, cfg ServerConfig, h Handler) (n *memnet.Network, caller, callee *Server) {
	t.Helper()
	n = memnet.New()
	servers := make([]*Server, 0, 2)
	for _, addr := range []string{serverAddr, otherAddr} {
		pc, err := n.ListenPacket(netip.MustParseAddrPort(addr))
		if err != nil {
			t.Fatal(err)
		}
		c := cfg
		c.UDP = append(c.UDP, pc)
		s := NewServer(c, nil, nil, everybodyTrusted{}, h)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }() // ends with cancel, at the test's end
		t.Cleanup(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		servers = append(servers, s)
	}
	synctest.Wait() // the sockets are known
	return n, servers[0], servers[1]
}

// toOther is a call from the first server of a pair to the second.
func toOther(offer string) Outgoing {
	o := Outgoing{Target: TrunkTarget("sip:8000@"+otherAddr, netip.MustParseAddrPort(otherAddr)), Trunk: "peer", From: "sip:caller@site.test", Reliable: true}
	if offer != "" {
		o.Offer = []byte(offer)
	}
	return o
}

// badNetwork delays each packet by 5 to 60 ms, so that they overtake each other, and loses and doubles some.
func badNetwork(n *memnet.Network, r *rand.Rand, loss, double float64) {
	var mu sync.Mutex
	n.OnPacket(func(memnet.Packet) memnet.Verdict {
		mu.Lock()
		defer mu.Unlock()
		v := memnet.Delay(5*time.Millisecond + time.Duration(r.Int64N(int64(55*time.Millisecond)))) // no two arrive at one moment
		v.Drop = r.Float64() < loss
		if r.Float64() < double {
			v.Copies = 1
		}
		return v
	})
}

// holder is one end of a call that offers and answers.
type holder struct {
	leg *Leg

	mu    sync.Mutex
	order []string // offers, in the order in which they were settled here
}

func (h *holder) settled(offer string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.order = append(h.order, offer)
}

// serve answers the peer's offers until the leg ends.
func (h *holder) serve() {
	for e := range h.leg.Events() {
		if o, ok := e.(OfferEvent); ok && h.leg.Accept(context.Background(), append([]byte("re:"), o.SDP...)) == nil {
			h.settled(string(o.SDP))
		}
	}
}

func (h *holder) offer(text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	answer, err := h.leg.Reoffer(ctx, []byte(text))
	if err != nil {
		return fmt.Errorf("%s: %w", text, err)
	}
	if string(answer) != "re:"+text {
		return fmt.Errorf("%s was answered by %q", text, answer)
	}
	h.settled(text)
	return nil
}

// TestThousandGlares: two ends change the session at the same moment, a thousand times, on a network that delays, loses and
// doubles packets. Each change is settled in the end, and both ends saw them in the same order (RFC 3261 §14).
func TestThousandGlares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rounds = 1000
		legs := make(chan *Leg, 1)
		n, caller, other := newPair(t, ServerConfig{}, lent(legs))
		leg, err := caller.Dial(t.Context(), toOther("offer"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := leg.Answered(t.Context()); err != nil {
			t.Fatal(err)
		}
		ends := [2]*holder{{leg: leg}, {leg: <-legs}}
		for _, h := range ends {
			go h.serve() // ends with the leg
		}
		synctest.Wait()
		badNetwork(n, rand.New(rand.NewPCG(14, 1)), 0.05, 0.05)
		var glares atomic.Int64
		n.OnPacket(func(p memnet.Packet) memnet.Verdict {
			if p.IsResponse(491, "INVITE") {
				glares.Add(1)
			}
			return memnet.Pass()
		})
		start := time.Now()
		for i := range rounds {
			done := make(chan error, 2)
			for k, h := range ends {
				go func() { done <- h.offer(fmt.Sprintf("%c%d", 'A'+k, i)) }() // ends with the answer
			}
			for range ends {
				if err := <-done; err != nil {
					t.Fatalf("round %d: %v", i, err)
				}
			}
		}
		took := time.Since(start) / rounds
		time.Sleep(ackLimit) // what is still under way
		synctest.Wait()
		if !slices.Equal(ends[0].order, ends[1].order) || len(ends[0].order) != 2*rounds {
			t.Errorf("the ends disagree: %d and %d changes", len(ends[0].order), len(ends[1].order))
		}
		if glares.Load() < rounds {
			t.Errorf("only %d offers met one", glares.Load())
		}
		if took > 10*time.Second {
			t.Errorf("a round took %v", took)
		}
		t.Logf("%d offers met one, a round took %v on average", glares.Load(), took)
		if caller.Legs() != 1 || other.Legs() != 1 {
			t.Errorf("%d and %d legs", caller.Legs(), other.Legs())
		}
		if err := leg.Hangup(t.Context(), Reason{}); err != nil {
			t.Error(err)
		}
	})
}
