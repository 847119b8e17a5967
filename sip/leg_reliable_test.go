package sip

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// unanswered lends the leg of a call to the test, which answers it.
func unanswered(legs chan<- *Leg) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		leg.Events()
		legs <- leg
		<-ctx.Done()
		return nil
	})
}

// incoming has a trunk call and returns both ends, unanswered.
func incoming(t *testing.T, extra ...string) (*world, *siptest.Call, *Leg) {
	t.Helper()
	legs := make(chan *Leg, 1)
	w := newWorld(t, ServerConfig{}, unanswered(legs))
	call := w.trunk(t).NewCall("sip:8000@site.test")
	call.Request("INVITE", extra...)
	return w, call, <-legs
}

func ring(t *testing.T, leg *Leg, code int, sdp string, headers ...Header) {
	t.Helper()
	var body []byte
	if sdp != "" {
		body = []byte(sdp)
	}
	if err := leg.Ring(context.Background(), code, body, headers...); err != nil {
		t.Fatal(err)
	}
}

// answer answers the leg on a goroutine of its own.
func answer(leg *Leg, sdp string) <-chan error {
	done := make(chan error, 1)
	go func() { // ends with the ACK or the leg
		var body []byte
		if sdp != "" {
			body = []byte(sdp)
		}
		done <- leg.Answer(context.Background(), body)
	}()
	return done
}

// wantReliable returns the next answer, which must be reliable, and its RSeq.
func wantReliable(t *testing.T, call *siptest.Call, code int) (siptest.Message, int) {
	t.Helper()
	m := call.Want(code, "INVITE")
	rseq, err := strconv.Atoi(m.Header("RSeq"))
	if m.Header("Require") != "100rel" || err != nil || rseq <= 0 || rseq >= 1<<31 {
		t.Fatalf("not reliable: %s", m.Raw)
	}
	return m, rseq
}

// prack acknowledges and wants the 200.
func prack(call *siptest.Call, rseq int, extra ...string) siptest.Message {
	call.Request("PRACK", append([]string{fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite)}, extra...)...)
	return call.Want(200, "PRACK")
}

// finished ends the call from the caller's side.
func finished(t *testing.T, w *world, call *siptest.Call) {
	t.Helper()
	call.Request("BYE")
	call.Want(200, "BYE")
	wantLegs(t, w, 0)
}

// TestRingReliably: what the caller requires to be reliable is repeated, at intervals that double, until its PRACK; the next one
// waits for that (RFC 3262 §3).
func TestRingReliably(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := incoming(t, "Require: 100rel", siptest.Offer)
		ring(t, leg, 180, "", Header{"P-Asserted-Identity", "<sip:8001@site.test>"})
		ring(t, leg, 183, "early")
		first, rseq := wantReliable(t, call, 180)
		if first.Header("Contact") == "" || first.Header("P-Asserted-Identity") != "<sip:8001@site.test>" {
			t.Errorf("%s", first.Raw)
		}
		at := first.At
		for _, d := range []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second} {
			m := call.Want(180, "INVITE")
			if m.Raw != first.Raw || m.At.Sub(at) != d {
				t.Errorf("after %v, want %v: %s", m.At.Sub(at), d, m.Raw)
			}
			at = m.At
		}
		for rack, code := range map[string]int{
			fmt.Sprintf("%d %d INVITE", rseq+1, call.Invite): 481,
			fmt.Sprintf("%d %d INVITE", rseq, call.Invite+1): 481,
			fmt.Sprintf("%d %d BYE", rseq, call.Invite):      400,
			"": 400,
		} {
			if rack != "" {
				rack = "RAck: " + rack
			} else {
				rack = "X: y"
			}
			call.Request("PRACK", rack)
			call.Want(code, "PRACK")
		}
		again := call.Text("PRACK", fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite))
		call.Send(again)
		call.Want(200, "PRACK")
		m, next := wantReliable(t, call, 183)
		if next != rseq+1 || m.Body() != "early" {
			t.Errorf("RSeq %d after %d: %s", next, rseq, m.Raw)
		}
		call.Send(again)
		call.Want(200, "PRACK") // repeated
		call.Request("PRACK", fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite))
		call.Want(481, "PRACK") // it was acknowledged already
		prack(call, next)
		call.Quiet(10 * time.Second)
		done := answer(leg, "early")
		if m := call.Want(200, "INVITE"); m.Body() != "" {
			t.Errorf("200 repeats what was settled: %s", m.Raw)
		}
		call.Request("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		finished(t, w, call)
	})
}

// TestRingReliablyWhenItMatters: a caller that can, but need not, gets a session description reliably and nothing else. The 200
// waits for its PRACK (RFC 3262 §3).
func TestRingReliablyWhenItMatters(t *testing.T) {
	for _, said := range []string{"early", "other"} {
		synctest.Test(t, func(t *testing.T) {
			w, call, leg := incoming(t, "Supported: timer, 100rel", siptest.Offer)
			if !leg.Invite().Supports("100REL") || leg.Invite().Supports("replaces") {
				t.Error("what the caller supports was not read")
			}
			ring(t, leg, 180, "")
			if m := call.Want(180, "INVITE"); m.Header("RSeq") != "" || m.Header("Require") != "" {
				t.Errorf("reliable: %s", m.Raw)
			}
			ring(t, leg, 183, "early")
			_, rseq := wantReliable(t, call, 183)
			done := answer(leg, said)
			for range 3 { // repeated
				call.Want(183, "INVITE")
			}
			if err := leg.Ring(context.Background(), 180, nil); !errors.Is(err, ErrWrongState) {
				t.Errorf("rings behind its answer: %v", err)
			}
			if err := leg.Answer(context.Background(), nil); !errors.Is(err, ErrWrongState) {
				t.Errorf("second answer: %v", err)
			}
			prack(call, rseq)
			if m := call.Want(200, "INVITE"); m.Body() != "" {
				t.Errorf("200 has %q", m.Body())
			}
			call.Request("ACK")
			if err := <-done; err != nil {
				t.Error(err)
			}
			if said != "early" { // what has changed since is offered
				m := call.WantRequest("INVITE")
				if m.Body() != said {
					t.Errorf("%s", m.Raw)
				}
				call.Answer(m, "200 OK", "", siptest.Body("application/sdp", "as you like"))
				call.WantRequest("ACK")
				if e, ok := (<-leg.Events()).(AnswerEvent); !ok || string(e.SDP) != "as you like" {
					t.Errorf("event %+v", e)
				}
			}
			call.Quiet(time.Minute)
			finished(t, w, call)
		})
	}
}

// TestRingAnswered: a 200 does not wait for the PRACK of a ringing without session description, which is still taken.
func TestRingAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := incoming(t, "Require: 100rel", siptest.Offer)
		ring(t, leg, 180, "")
		ring(t, leg, 183, "early") // waits, and is forgotten
		_, rseq := wantReliable(t, call, 180)
		done := answer(leg, "early")
		if m := call.Want(200, "INVITE"); m.Body() != "early" {
			t.Errorf("200 %s", m.Raw)
		}
		call.Request("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		prack(call, rseq)
		call.Quiet(time.Minute)
		finished(t, w, call)
	})
}

// TestRingNoPRACK: a caller that requires reliable answers and acknowledges none is refused (RFC 3262 §3).
func TestRingNoPRACK(t *testing.T) {
	for _, answered := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, call, leg := incoming(t, "Supported: 100rel", siptest.Offer)
			start := time.Now()
			ring(t, leg, 183, "early")
			var done <-chan error
			if answered {
				done = answer(leg, "early")
			}
			n := 0
			for {
				m := call.Next()
				if m.Code() == 183 {
					n++
					continue
				}
				if m.Code() == 100 {
					continue
				}
				if d := m.At.Sub(start); m.Code() != 504 || d != ackLimit {
					t.Fatalf("%s after %v", m.StartLine(), d)
				}
				call.RefusalACK(m)
				break
			}
			if n != 7 { // at 0, .5, 1.5, 3.5, 7.5, 15.5 and 31.5 s
				t.Errorf("sent %d times", n)
			}
			<-leg.Done()
			if !errors.Is(leg.Cause(), ErrNoPRACK) {
				t.Errorf("cause %v", leg.Cause())
			}
			if answered {
				if err := <-done; !errors.Is(err, ErrNoPRACK) {
					t.Errorf("%v", err)
				}
			}
			wantLegs(t, w, 0)
			call.Quiet(time.Minute)
		})
	}
}

// TestRingReliablyCancelled: CANCEL ends the repeating, whichever way it crosses the PRACK.
func TestRingReliablyCancelled(t *testing.T) {
	for _, first := range []string{"PRACK", "CANCEL"} {
		synctest.Test(t, func(t *testing.T) {
			w, call, leg := incoming(t, "Supported: 100rel", siptest.Offer)
			ring(t, leg, 183, "early")
			_, rseq := wantReliable(t, call, 183)
			done := answer(leg, "early") // held back
			synctest.Wait()
			ack := call.Text("PRACK", fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite))
			cancel := call.Text("CANCEL")
			if first == "CANCEL" {
				call.Send(cancel)
				call.Want(200, "CANCEL")
				refused := call.Want(487, "INVITE")
				call.Send(ack)
				call.Want(481, "PRACK")
				call.RefusalACK(refused)
				if err := <-done; !errors.Is(err, ErrCancelled) {
					t.Errorf("%v", err)
				}
			} else {
				call.Send(ack)
				call.Send(cancel)
				call.Want(200, "PRACK")
				call.Want(200, "INVITE")
				call.Want(200, "CANCEL") // too late to do anything (RFC 3261 §9.2)
				call.Request("ACK")
				if err := <-done; err != nil {
					t.Error(err)
				}
				call.Request("BYE")
				call.Want(200, "BYE")
			}
			wantLegs(t, w, 0)
			call.Quiet(time.Minute)
		})
	}
}

// TestRingsOn: a call that rings for long is told so each minute, reliably where that is required (RFC 3262 §3).
func TestRingsOn(t *testing.T) {
	for _, c := range []struct {
		name, asked    string
		code, then     int
		sdp            string
		first, further bool // reliable
	}{
		{"required", "Require: 100rel", 180, 180, "", true, true},
		{"supported", "Supported: 100rel", 183, 183, "early", true, false},
		{"neither", "Supported: timer", 183, 183, "early", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, call, leg := incoming(t, c.asked, siptest.Offer)
				ring(t, leg, c.code, c.sdp)
				for i, reliable := range []bool{c.first, c.further, c.further} {
					start := time.Now()
					var m siptest.Message
					if reliable {
						var rseq int
						m, rseq = wantReliable(t, call, c.code)
						prack(call, rseq)
					} else if m = call.Want(c.then, "INVITE"); m.Header("RSeq") != "" {
						t.Errorf("reliable: %s", m.Raw)
					}
					if i > 0 && m.At.Sub(start) != ringRefresh {
						t.Errorf("after %v", m.At.Sub(start))
					}
				}
				call.Request("CANCEL")
				call.Want(200, "CANCEL")
				call.RefusalACK(call.Want(487, "INVITE"))
				wantLegs(t, w, 0)
			})
		})
	}
}
