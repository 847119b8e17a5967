package sip

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// endedLegBytes is what a call that has ended may still hold for the 32 seconds in which its messages may be repeated: its transactions, and
// not the leg with all that it knew.
const endedLegBytes = 12_300

// TestEndedLegsAreSmall measures what calls hold that have ended by a BYE of either side, and proves that what they hold is enough to
// answer a repetition.
func TestEndedLegsAreSmall(t *testing.T) {
	const n = 300
	for _, by := range []string{"peer", "us"} {
		t.Run(by, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				end := make(chan struct{}, 1)
				w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
					if err := leg.Answer(ctx, []byte(siptest.SDP)); err != nil {
						return err
					}
					select {
					case <-end:
					case <-leg.Done():
					}
					return nil
				}))
				peer := w.trunk(t)
				var bye string
				one := func() {
					call := peer.NewCall("sip:8000@site.test")
					call.Request("INVITE", siptest.Offer)
					call.Want(200, "INVITE")
					call.Request("ACK")
					if by == "us" {
						end <- struct{}{}
						call.Answer(call.WantRequest("BYE"), "200 OK", "")
						synctest.Wait()
						return
					}
					bye = call.Text("BYE")
					call.Send(bye)
					call.Want(200, "BYE")
				}
				heap := func() uint64 {
					synctest.Wait()
					var m runtime.MemStats
					runtime.GC()
					runtime.GC()
					runtime.ReadMemStats(&m)
					return m.HeapAlloc
				}
				for range 20 {
					one()
				}
				before := heap()
				for range n {
					one()
				}
				wantLegs(t, w, 0)
				each := (heap() - before) / n
				t.Logf("an ended call holds %d bytes", each)
				if each > endedLegBytes {
					t.Errorf("an ended call holds %d bytes, %d at most are wanted", each, endedLegBytes)
				}
				if by == "peer" {
					peer.Send(bye)
					peer.Want(200, "BYE")
				}
				time.Sleep(time.Minute)
			})
		})
	}
}
