package sip

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestReliableUnderLoss: calls that ring reliably, with the offer on either side, answered, refused and cancelled at random
// moments, on a network that delays, loses and doubles packets. Each ends as one of its two sides wanted, a session is the same at
// both ends, and nothing is left.
func TestReliableUnderLoss(t *testing.T) {
	const calls = 400
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		heard := make(map[string]string) // what the callee knows of the session, by the caller's number
		n, caller, callee := newPair(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			id, _ := strconv.Atoi(leg.Invite().From.URI.User)
			r := rand.New(rand.NewPCG(7, uint64(id)))
			pause := func() bool { return wait(ctx, time.Duration(r.IntN(3000))*time.Millisecond) }
			events := leg.Events()
			if err := leg.Ring(ctx, 180, nil); err != nil {
				return err
			}
			if !pause() {
				return nil
			}
			sdp := "of callee " + strconv.Itoa(id)
			if err := leg.Ring(ctx, 183, []byte(sdp)); err != nil {
				return err
			}
			theirs := string(leg.Offer())
			if theirs == "" { // ours is the offer
				select {
				case e := <-events:
					a, ok := e.(AnswerEvent)
					if !ok {
						return ErrLegEnded
					}
					theirs = string(a.SDP)
				case <-ctx.Done():
					return nil
				}
			}
			if !pause() {
				return nil
			}
			if r.IntN(3) == 0 {
				return &StatusError{Code: 486}
			}
			mu.Lock()
			heard[leg.Invite().From.URI.User] = theirs
			mu.Unlock()
			if err := leg.Answer(ctx, []byte(sdp)); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}))
		badNetwork(n, rand.New(rand.NewPCG(7, 7)), 0.08, 0.1)
		var all sync.WaitGroup
		outcomes := make(map[string]int)
		for id := range calls {
			all.Go(func() { // ends with the call
				outcome := callUnderLoss(t, caller, id, func() string {
					mu.Lock()
					defer mu.Unlock()
					return heard[strconv.Itoa(id)]
				})
				mu.Lock()
				defer mu.Unlock()
				outcomes[outcome]++
			})
			time.Sleep(50 * time.Millisecond)
		}
		all.Wait()
		time.Sleep(2 * ackLimit)
		synctest.Wait()
		if a, b := caller.Legs(), callee.Legs(); a != 0 || b != 0 {
			t.Errorf("%d and %d legs are left", a, b)
		}
		t.Logf("%v", outcomes)
		for _, o := range []string{"answered", "refused", "cancelled"} {
			if outcomes[o] < calls/20 {
				t.Errorf("only %d were %s", outcomes[o], o)
			}
		}
		if outcomes["failed"] > calls/20 {
			t.Errorf("%d failed", outcomes["failed"])
		}
	})
}

// wait pauses, and reports whether ctx still lives then.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// callUnderLoss makes one call, hangs it up at a moment of its own and tells how it went.
func callUnderLoss(t *testing.T, s *Server, id int, heard func() string) string {
	r := rand.New(rand.NewPCG(8, uint64(id)))
	o := toOther("")
	o.From = "sip:" + strconv.Itoa(id) + "@site.test"
	ours, theirs := "of caller "+strconv.Itoa(id), "of callee "+strconv.Itoa(id)
	late := r.IntN(2) == 0
	if !late {
		o.Offer = []byte(ours)
	}
	leg, err := s.Dial(context.Background(), o)
	if err != nil {
		t.Errorf("call %d: %v", id, err)
		return "failed"
	}
	ctx, cancel := context.WithCancel(context.Background())
	if r.IntN(4) == 0 {
		time.AfterFunc(time.Duration(r.IntN(6000))*time.Millisecond, cancel)
	}
	defer cancel()
	go func() { // ends with the leg
		for e := range leg.Events() {
			if p, ok := e.(ProgressEvent); ok && p.SDP != nil {
				if string(p.SDP) != theirs || !p.Reliable || p.Offer != late {
					t.Errorf("call %d: %+v", id, p)
				}
				if p.Offer {
					_ = leg.Acknowledge(ctx, []byte(ours)) // the leg may have ended
				}
			}
		}
	}()
	sdp, err := leg.Answered(ctx)
	if se, ok := errors.AsType[*StatusError](err); ok {
		if se.Code == 486 {
			return "refused"
		}
		return "failed"
	}
	if err != nil && ctx.Err() == nil {
		t.Errorf("call %d: %v", id, err)
	}
	if err == nil {
		if want := map[bool]string{false: theirs, true: ""}[late]; string(sdp) != want {
			t.Errorf("call %d: answered with %q, want %q", id, sdp, want)
		}
		if got := heard(); got != ours {
			t.Errorf("call %d: the callee knows %q", id, got)
		}
		wait(ctx, 5*time.Second)
	}
	if err := leg.Hangup(context.Background(), Reason{}); err != nil {
		t.Errorf("call %d: hang up: %v", id, err)
	}
	if err != nil {
		return "cancelled"
	}
	return "answered"
}
