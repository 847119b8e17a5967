package main

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/internal/metric"
	"passerelle/sip"
	"passerelle/softphone"
)

// panics is how many ended one owner and nothing else.
func (w *world) panics(owner string) float64 {
	return testutil.ToFloat64(metric.OwnerPanics(w.metrics).WithLabelValues(owner))
}

// oneCallOut is the demo where the trunk has one channel and Camille one call to the outside.
func oneCallOut() *directory.Enterprise {
	e := sitefile.Demo()
	e.Sites[0].Trunks[0].Channels = 1
	e.Sites[0].Users[2].Limits.SimultaneousExternal = 1
	return e
}

// TestPanicBeforeRingingLeavesLimits fails a call by a panic while it holds a channel and counts against its line: the caller
// gets a status, and the next call has both.
func TestPanicBeforeRingingLeavesLimits(t *testing.T) {
	inWorldOf(t, oneCallOut(), func(w *world) {
		limits := w.house.limits
		limits.Ways = &faultyWays{}
		w.house.root.Limit(limits)
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		if got := w.status(w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})); got != 500 {
			t.Errorf("got %s, want 500", statusError(got))
		}
		call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
		c := w.take(carrier.rings(w))
		w.bye(w.up(call))
		w.gone(c, time.Second)
		if n := w.panics("sip_handler"); n != 1 {
			t.Errorf("%v panics counted, want 1", n)
		}
	})
}

// faultyWays panics once.
type faultyWays struct{ asked atomic.Int32 }

func (f *faultyWays) Hops(*directory.Trunk) []sip.Hop {
	if f.asked.Add(1) == 1 {
		panic("a fault that a test has put there")
	}
	return []sip.Hop{{Transport: "UDP", Addr: trunkAddr}}
}

func (f *faultyWays) Failed(*directory.Trunk, sip.Hop, error) {}

// TestPanicInCallEndsBothLegs ends a call that is up by a panic of its owner: both sides are hung up, nothing stays taken.
func TestPanicInCallEndsBothLegs(t *testing.T) {
	inWorldOf(t, oneCallOut(), func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		for range 2 {
			call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
			c := w.take(carrier.rings(w))
			a := w.up(call)
			w.log.panicAt("transfer asked for")
			_ = a.Refer(w.t.Context(), "sip:201@paris.acme.test") // what becomes of it does not matter here
			w.gone(a, 2*time.Second)
			w.gone(c, 2*time.Second)
			w.settled()
		}
		if n := w.panics("sip_handler"); n != 2 {
			t.Errorf("%v panics counted, want 2", n)
		}
	})
}

// faultyLegs panics when it is asked for a dialog.
type faultyLegs struct{ call.Server }

func (faultyLegs) Replaced(sip.Replaces) (*sip.Leg, bool) { panic("a fault that a test has put there") }

// TestPanicInTransferLeavesCall fails a transfer by a panic: who asked is told, and the call goes on.
func TestPanicInTransferLeavesCall(t *testing.T) {
	inWorld(t, func(w *world) {
		w.house.root.Calls(faultyLegs{w.house.server}, w.house.registrar)
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		if err := a.Consult(w.t.Context(), c); softphone.StatusOf(err) != 500 {
			t.Errorf("the REFER got %v, want 500", err)
		}
		w.meet(a, c)
		bruno := w.registered("+33170001202", "pB-91aa37")
		if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil { // another one is served
			t.Fatal(err)
		}
		bruno.rings(w).Refuse(486)
		w.told(a, "486 Busy Here")
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
		if n := w.panics("call"); n != 1 {
			t.Errorf("%v panics counted, want 1", n)
		}
	})
}

// faultyServer panics when it is to call anybody.
type faultyServer struct {
	call.Server
	left atomic.Int32
}

// Dial implements call.Dialler.
func (f *faultyServer) Dial(ctx context.Context, o sip.Outgoing) (*sip.Leg, error) {
	if f.left.Add(-1) >= 0 {
		panic("a fault that a test has put there")
	}
	return f.Server.Dial(ctx, o)
}

// TestPanicOfOneForkLeavesOthers fails one of two phones of a line by a panic: the other one rings and answers.
func TestPanicOfOneForkLeavesOthers(t *testing.T) {
	inWorld(t, func(w *world) {
		faulty := &faultyServer{Server: w.house.server}
		faulty.left.Store(1)
		w.house.root.Calls(faulty, w.house.registrar)
		one, two, camille := w.registered("+33170001201", "pA-6d1f0c"), w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		var in *softphone.Incoming
		select {
		case in = <-one.calls:
		case in = <-two.calls:
		case <-time.After(5 * time.Second):
			t.Fatal("no phone rings")
		}
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
	})
}
