package sip

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// lent answers one call and lends its leg to the test.
func lent(legs chan<- *Leg) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
			return err
		}
		legs <- leg
		<-ctx.Done()
		return nil
	})
}

// confirmed sets a call up and returns both ends.
func confirmed(t *testing.T, w *world, legs <-chan *Leg, extra ...string) (*siptest.Call, *Leg) {
	t.Helper()
	call := w.trunk(t).NewCall("sip:8000@site.test")
	call.Answered(append(extra, siptest.Offer)...)
	leg := <-legs
	synctest.Wait()
	return call, leg
}

type reofferResult struct {
	answer string
	err    error
}

func reoffer(leg *Leg, limit time.Duration) <-chan reofferResult {
	c := make(chan reofferResult, 1)
	go func() { // ends with limit at the latest
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		answer, err := leg.Reoffer(ctx, []byte("offer"))
		c <- reofferResult{string(answer), err}
	}()
	return c
}

func TestReoffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Minute)
		invite := call.WantRequest("INVITE")
		if invite.Body() != "offer" || invite.Header("Content-Type") != "application/sdp" {
			t.Errorf("re-INVITE %s", invite.Raw)
		}
		call.Answer(invite, "180 Ringing", "")
		call.Answer(invite, "200 OK", "", "Contact: <sip:elsewhere@10.0.0.2:5099>", siptest.Body("application/sdp", "answer"))
		if r := <-done; r.err != nil || r.answer != "answer" {
			t.Errorf("%+v", r)
		}
		// The 200 moved the remote target: the trunk is followed there (RFC 3261 §12.2.1.2).
		other := siptest.NewPeer(t, w.Network, "10.0.0.2:5099", serverAddr)
		ack, ok := call.Read(time.Second)
		if ok {
			t.Errorf("ACK went to the old target: %s", ack.StartLine())
		}
		call.Answer(invite, "200 OK", "", "Contact: <sip:elsewhere@10.0.0.2:5099>", siptest.Body("application/sdp", "answer"))
		if ack := other.WantRequest("ACK"); ack.StartLine() != "ACK sip:elsewhere@10.0.0.2:5099 SIP/2.0" {
			t.Errorf("%s", ack.StartLine())
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestReofferRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Minute)
		invite := call.WantRequest("INVITE")
		call.Answer(invite, "488 Not Acceptable Here", "")
		call.WantRequest("ACK")
		r := <-done
		if se, ok := errors.AsType[*StatusError](r.err); !ok || se.Code != 488 {
			t.Errorf("%+v", r)
		}
		// A repeated refusal gets its ACK at once; the state machine of sipgo sleeps four seconds over it.
		start := time.Now()
		call.Answer(invite, "488 Not Acceptable Here", "")
		if ack := call.WantRequest("ACK"); ack.At != start {
			t.Errorf("second ACK after %v", ack.At.Sub(start))
		}
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestReofferFindsNoDialog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Minute)
		call.Answer(call.WantRequest("INVITE"), "481 Gone", "")
		call.WantRequest("ACK")
		call.Answer(call.WantRequest("BYE"), "481 Gone", "")
		if r := <-done; !errors.Is(r.err, ErrDialogGone) {
			t.Errorf("%+v", r)
		}
		wantLegs(t, w, 0)
	})
}

// TestGlare: both sides offer at once; each refuses the other, and ours is repeated within two seconds (RFC 3261 §14.1:
// the Call-ID is the caller's).
func TestGlare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Minute)
		ours := call.WantRequest("INVITE")
		call.Request("INVITE", siptest.Offer)
		call.RefusalACK(call.Want(491, "INVITE"))
		call.Request("UPDATE", siptest.Offer)
		call.Want(491, "UPDATE")
		call.Answer(ours, "491 Request Pending", "")
		call.WantRequest("ACK")
		start := time.Now()
		again := call.WantRequest("INVITE")
		if d := again.At.Sub(start); d > 2*time.Second || again.CSeq() <= ours.CSeq() {
			t.Errorf("again after %v with CSeq %d", d, again.CSeq())
		}
		call.Answer(again, "200 OK", "", siptest.Body("application/sdp", "answer"))
		call.WantRequest("ACK")
		if r := <-done; r.answer != "answer" {
			t.Errorf("%+v", r)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

// TestGlareConverges lets both sides hold at the same moment a thousand times; the peer backs off as RFC 3261 §14.1 says
// for the owner of the Call-ID.
func TestGlareConverges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lentAccepting(legs))
		call, leg := confirmed(t, w, legs)
		for range 1000 {
			done := reoffer(leg, time.Minute)
			call.Request("INVITE", siptest.Offer)
			theirs, retry := true, time.Time{}
			for theirs || len(done) == 0 {
				wait := 100 * time.Millisecond
				if !retry.IsZero() && time.Until(retry) < wait {
					wait = max(time.Until(retry), 0)
				}
				m, ok := call.Read(wait)
				switch {
				case !ok && !retry.IsZero() && !time.Now().Before(retry):
					retry = time.Time{}
					call.Request("INVITE", siptest.Offer)
				case !ok:
				case m.Code() == 0 && m.Method() == "INVITE":
					if theirs && retry.IsZero() {
						call.Answer(m, "491 Request Pending", "")
					} else {
						call.Answer(m, "200 OK", "", siptest.Body("application/sdp", "answer"))
					}
				case m.Method() == "INVITE" && m.Code() == 200 && m.CSeq() == call.Invite:
					call.Request("ACK")
					theirs = false
				case m.Method() == "INVITE" && m.Code() >= 300:
					call.RefusalACK(m)
					if m.CSeq() == call.Invite {
						retry = time.Now().Add(2100 * time.Millisecond)
					}
				}
			}
			if r := <-done; r.err != nil {
				t.Fatalf("ours: %v", r.err)
			}
		}
		wantLegs(t, w, 1)
		call.Request("BYE")
		for {
			if m := call.Next(); m.Method() == "BYE" {
				break
			}
		}
	})
}

func lentAccepting(legs chan<- *Leg) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
			return err
		}
		legs <- leg
		for e := range leg.Events() {
			if _, ok := e.(OfferEvent); ok {
				_ = leg.Accept(ctx, []byte("v=0\r\n"))
			}
		}
		return nil
	})
}

// TestOfferMeetsOffer: the peer sends a second offer before its first one is answered (RFC 3261 §14.2, RFC 3311 §5.2).
func TestOfferMeetsOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		call.Request("INVITE", siptest.Offer)
		call.Want(100, "INVITE")
		call.Request("UPDATE", siptest.Offer)
		if m := call.Want(500, "UPDATE"); m.Header("Retry-After") == "" {
			t.Error("500 without Retry-After")
		}
		call.Request("UPDATE") // no offer, no conflict
		call.Want(200, "UPDATE")
		if e, ok := (<-leg.Events()).(OfferEvent); !ok || e.Method != "INVITE" {
			t.Errorf("event %+v", e)
		}
		// Our own offer waits until the peer's is settled.
		done := reoffer(leg, time.Minute)
		time.Sleep(5 * time.Second)
		if err := leg.Refuse(context.Background(), 488); err != nil {
			t.Error(err)
		}
		var ours siptest.Message
		for range 2 {
			m := call.Next()
			if m.Code() == 488 {
				call.RefusalACK(m)
				m = call.Next()
			}
			if m.Code() == 0 {
				ours = m
				break
			}
		}
		call.Answer(ours, "200 OK", "", siptest.Body("application/sdp", "answer"))
		if r := <-done; r.answer != "answer" {
			t.Errorf("%+v", r)
		}
		call.WantRequest("ACK")
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestReofferLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		done := reoffer(leg, time.Second)
		invite := call.WantRequest("INVITE")
		call.Answer(invite, "100 Trying", "")
		if r := <-done; !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("%+v", r)
		}
		synctest.Wait()
		call.Answer(invite, "200 OK", "", siptest.Body("application/sdp", "late"))
		call.WantRequest("ACK")
		if e, ok := (<-leg.Events()).(AnswerEvent); !ok || string(e.SDP) != "late" {
			t.Errorf("event %+v", e)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestProbe(t *testing.T) {
	for answer, alive := range map[string]bool{"200 OK": true, "405 No": true, "486 Busy": true, "481 Gone": false, "408 Lost": false, "": false} {
		synctest.Test(t, func(t *testing.T) {
			legs := make(chan *Leg, 1)
			w := newWorld(t, ServerConfig{}, lent(legs))
			call, leg := confirmed(t, w, legs)
			result := make(chan error, 1)
			go func() { result <- leg.Probe(context.Background()) }() // ends with the answer or after 32 s
			m := call.WantRequest("OPTIONS")
			if answer != "" {
				call.Answer(m, answer, "")
			}
			err := <-result
			if (err == nil) != alive || err != nil && !errors.Is(err, ErrDialogGone) {
				t.Errorf("answer %q: %v", answer, err)
			}
			wantLegs(t, w, 1)
			call.Drain(time.Second)
			call.Request("BYE")
			call.Want(200, "BYE")
		})
	}
}
