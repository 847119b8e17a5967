package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/media"
)

func testSpace(ref string) *directory.Space {
	site := directory.NewSite()
	site.Domain = "paris.test"
	return &directory.Space{Ref: ref, Site: site, Owner: &directory.User{Name: "Alice"}, ID: "7001"}
}

func opener(space *directory.Space) func() *Bridge {
	return func() *Bridge {
		return newBridge(space, media.NewMixer(media.MixerConfig{}), sound{}, prometheus.NewCounter(prometheus.CounterOpts{Name: "panics"}), slog.New(slog.DiscardHandler))
	}
}

// TestCapIsExact lets twenty callers race for the fifteen seats of one space, a thousand times: always fifteen are in and
// five are told that it is full, and the last one to leave ends the bridge.
func TestCapIsExact(t *testing.T) {
	var bs bridges
	space := testSpace("space-1")
	for round := range 1000 {
		var in, full atomic.Int32
		seats := make(chan *Participant, 20)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range 20 {
			wg.Go(func() {
				<-start
				switch p, err := bs.take(t.Context(), space, Who{Name: fmt.Sprint(i)}, opener(space)); {
				case err == nil:
					in.Add(1)
					seats <- p
				case errors.Is(err, ErrSpaceFull):
					full.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if in.Load() != directory.MaxParticipants || full.Load() != 5 {
			t.Fatalf("round %d: %d in, %d told full; want 15 and 5", round, in.Load(), full.Load())
		}
		close(seats)
		for p := range seats {
			wg.Go(p.leave)
		}
		wg.Wait()
		bs.wg.Wait()
		if n := len(bs.all()); n != 0 {
			t.Fatalf("round %d: %d bridges live after the last one left", round, n)
		}
	}
}

// TestSeatsUnderChurn joins and leaves at random from many goroutines: never more than fifteen, and nothing is left.
func TestSeatsUnderChurn(t *testing.T) {
	var bs bridges
	space := testSpace("space-2")
	var now, most atomic.Int32
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			for range 200 {
				p, err := bs.take(t.Context(), space, Who{}, opener(space))
				if errors.Is(err, ErrSpaceFull) {
					continue
				} else if err != nil {
					t.Error(err)
					return
				}
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				now.Add(-1)
				p.leave()
				p.leave() // twice does no harm
			}
		})
	}
	wg.Wait()
	bs.wg.Wait()
	if most.Load() > directory.MaxParticipants || len(bs.all()) != 0 {
		t.Errorf("%d at once, %d bridges left", most.Load(), len(bs.all()))
	}
}

// TestPanicEndsItsBridgeOnly breaks one bridge: its callers are freed, and the space opens anew.
func TestPanicEndsItsBridgeOnly(t *testing.T) {
	var bs bridges
	space, other := testSpace("space-3"), testSpace("space-4")
	first, err := bs.take(t.Context(), space, Who{}, opener(space))
	if err != nil {
		t.Fatal(err)
	}
	stays, err := bs.take(t.Context(), other, Who{}, opener(other))
	if err != nil {
		t.Fatal(err)
	}
	if err := first.bridge.do(t.Context(), func() { panic("broken") }); !errors.Is(err, errBridgeEnded) {
		t.Errorf("the request that panicked returned %v, want %v", err, errBridgeEnded)
	}
	first.leave()
	again, err := bs.take(t.Context(), space, Who{}, opener(space))
	if err != nil || again.bridge == first.bridge {
		t.Errorf("the space did not open anew: %v", err)
	}
	if b := bs.find(other.Ref); b != stays.bridge {
		t.Error("the other bridge did not go on")
	}
	again.leave()
	stays.leave()
	bs.wg.Wait()
}
