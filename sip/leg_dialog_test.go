package sip

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// accepting answers calls, accepts every offer with "accepted N", and passes events on.
func accepting(events chan<- LegEvent) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
			return err
		}
		n := 0
		for e := range leg.Events() {
			if events != nil {
				events <- e
			}
			if _, ok := e.(OfferEvent); ok {
				n++
				if err := leg.Accept(ctx, fmt.Appendf(nil, "accepted %d", n)); err != nil && ctx.Err() == nil {
					return err
				}
			}
		}
		return nil
	})
}

// TestDialogOrder sends ACK, re-INVITE, ACK and BYE without a pause. On stock sipgo they overtake one another.
func TestDialogOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, accepting(nil))
		peer := w.trunk(t)
		for range 200 {
			call := peer.NewCall("sip:8000@site.test")
			call.Request("INVITE", siptest.Offer)
			call.Want(200, "INVITE")
			ack, again, bye := call.Text("ACK"), call.Text("INVITE", siptest.Offer), call.Text("BYE")
			peer.Send(ack)
			peer.Send(again)
			peer.Send(bye)
			var got []string
			for !strings.Contains(strings.Join(got, " "), "200 BYE") || len(got) < 2 {
				m := peer.Next()
				if m.Code() >= 200 {
					got = append(got, fmt.Sprint(m.Code(), " ", m.Method()))
				}
			}
			// The re-INVITE is answered by its handler or, if the BYE was first, ended by it; the BYE always works.
			if first := got[0]; first != "200 INVITE" && first != "200 BYE" {
				t.Fatalf("answers %v", got)
			}
			peer.Drain(40 * time.Second)
		}
		wantLegs(t, w, 0)
	})
}

func TestReinviteAndUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan LegEvent, 8)
		w := newWorld(t, ServerConfig{}, accepting(events))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)

		call.Request("INVITE", siptest.Offer)
		if m := call.Want(200, "INVITE"); m.Body() != "accepted 1" {
			t.Errorf("body %q", m.Body())
		}
		call.Request("ACK")
		if e, ok := (<-events).(OfferEvent); !ok || e.Method != "INVITE" || !strings.HasPrefix(string(e.SDP), "v=0\r\n") {
			t.Errorf("event %+v", e)
		}
		call.Request("UPDATE", siptest.Offer)
		if m := call.Want(200, "UPDATE"); m.Body() != "accepted 2" || m.Header("Contact") == "" {
			t.Errorf("body %q, Contact %q", m.Body(), m.Header("Contact"))
		}
		<-events
		call.Request("UPDATE")
		call.Want(200, "UPDATE")
		if e := <-events; e != (RefreshEvent{}) {
			t.Errorf("event %+v", e)
		}
		wantLegs(t, w, 1)
		call.Request("BYE", "Reason: Q.850;cause=16")
		call.Want(200, "BYE")
		call.Quiet(time.Minute)
	})
}

func TestDelayedOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := make(chan string, 2)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if leg.Offer() != nil {
				t.Errorf("offer %q", leg.Offer())
			}
			answer, err := leg.AnswerWithOffer(ctx, []byte("our offer"))
			if err != nil {
				return err
			}
			answers <- string(answer)
			<-leg.Events() // re-INVITE without offer
			if err := leg.Accept(ctx, []byte("second offer")); err != nil {
				return err
			}
			for e := range leg.Events() {
				if a, ok := e.(AnswerEvent); ok {
					answers <- string(a.SDP)
				}
			}
			return nil
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE")
		if m := call.Want(200, "INVITE"); m.Body() != "our offer" {
			t.Errorf("200 carries %q", m.Body())
		}
		call.Request("ACK", siptest.Body("application/sdp", "their answer"))
		if a := <-answers; a != "their answer" {
			t.Errorf("answer %q", a)
		}
		call.Request("INVITE")
		if m := call.Want(200, "INVITE"); m.Body() != "second offer" {
			t.Errorf("200 carries %q", m.Body())
		}
		// Until the ACK brings the answer, the session has an open offer of ours (RFC 3261 §14.2).
		call.Request("UPDATE", siptest.Offer)
		call.Want(491, "UPDATE")
		call.Request("ACK", siptest.Body("application/sdp", "second answer"))
		if a := <-answers; a != "second answer" {
			t.Errorf("answer %q", a)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestAckWithoutAnswerEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			_, err := leg.AnswerWithOffer(ctx, []byte("our offer"))
			result <- err
			<-ctx.Done()
			return nil
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE")
		call.Want(200, "INVITE")
		call.Request("ACK")
		if err := <-result; !errors.Is(err, ErrNoAnswer) {
			t.Errorf("got %v", err)
		}
		call.Answer(call.WantRequest("BYE"), "200 OK", "")
		wantLegs(t, w, 0)
	})
}

func TestInfoIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan LegEvent, 16)
		w := newWorld(t, ServerConfig{}, accepting(events))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		for _, key := range "0123456789" {
			call.Request("INFO", siptest.Body("application/dtmf-relay; charset=utf-8", "Signal="+string(key)+"\nDuration=100\n"))
		}
		for range 10 {
			call.Want(200, "INFO")
		}
		for _, key := range "0123456789" {
			e, ok := (<-events).(InfoEvent)
			if !ok || e.ContentType != "application/dtmf-relay" || string(e.Body) != "Signal="+string(key)+"\r\nDuration=100\r\n" {
				t.Errorf("event %q, want key %c", e, key)
			}
		}
		call.Request("INFO", "Info-Package: x-foo", siptest.Body("application/foo", "x"))
		call.Want(469, "INFO")
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestRequestsInDialog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{AllowEvents: []string{"dialog"}}, answering)
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		for _, c := range []struct {
			method string
			extra  string
			code   int
			want   string // header that must be there
		}{
			{"OPTIONS", "Accept: application/sdp", 200, "Allow"},
			{"NOTIFY", "Event: keep-alive", 200, ""},
			{"NOTIFY", "Event: refer", 481, ""},
			{"PRACK", "RAck: 1 1 INVITE", 481, ""},
			{"SUBSCRIBE", "Event: dialog", 489, "Allow-Events"},
			{"MESSAGE", "Subject: x", 405, "Allow"},
			{"FROBNICATE", "Subject: x", 501, "Allow"},
			{"INVITE", "Require: 100rel, precondition", 420, "Unsupported"},
			{"UPDATE", "Content-Encoding: gzip\n" + siptest.Offer, 415, "Accept-Encoding"},
		} {
			call.Request(c.method, c.extra)
			m := call.Want(c.code, c.method)
			if c.want != "" && m.Header(c.want) == "" {
				t.Errorf("%d to %s has no %s", c.code, c.method, c.want)
			}
			if c.method == "INVITE" {
				call.RefusalACK(m)
			}
		}
		call.CSeq = 1
		call.Request("OPTIONS")
		call.Want(500, "OPTIONS") // CSeq below the last one (RFC 3261 §12.2.2)
		call.CSeq = 100
		call.Request("BYE")
		call.Want(200, "BYE")
		synctest.Wait()
		call.Request("OPTIONS")
		call.Want(200, "OPTIONS") // of the server, no longer of the dialog
		call.Request("INFO")
		call.Want(481, "INFO")
		wantLegs(t, w, 0)
	})
}

func TestHandlerThatIgnoresOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		start := time.Now()
		call.Request("UPDATE", siptest.Offer)
		if m := call.Want(500, "UPDATE"); m.At.Sub(start) != updateLimit {
			t.Errorf("500 after %v, want %v", m.At.Sub(start), updateLimit)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestPanicEndsOneCallOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if leg.Invite().RequestURI.User == "boom" {
				panic("boom")
			}
			return answering(ctx, leg)
		}))
		peer := w.trunk(t)
		good := peer.NewCall("sip:8000@site.test")
		good.Answered(siptest.Offer)
		bad := peer.NewCall("sip:boom@site.test")
		bad.Request("INVITE", siptest.Offer)
		bad.RefusalACK(bad.Want(500, "INVITE"))
		wantLegs(t, w, 1)
		if n := counterValue(t, w.srv.metrics.panics.WithLabelValues(string(ownerHandler))); n != 1 {
			t.Errorf("%v panics counted", n)
		}
		good.Request("BYE")
		good.Want(200, "BYE")
	})
}

func TestHangup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
				return err
			}
			hung <- leg.Hangup(context.Background(), Reason{"Q.850", 17, `busy "now"`})
			return nil
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Routes = nil
		call.Request("INVITE", "Record-Route: <sip:10.0.0.2:5060;lr>", "Record-Route: <sip:10.0.0.9;lr;x=1>", siptest.Offer)
		ok := call.Want(200, "INVITE")
		if got := strings.Join(ok.Headers("Record-Route"), ", "); got != "<sip:10.0.0.2:5060;lr>, <sip:10.0.0.9;lr;x=1>" {
			t.Errorf("Record-Route %s", got)
		}
		call.Request("ACK")
		bye := call.WantRequest("BYE")
		for name, want := range map[string]string{
			"Reason": `Q.850;cause=17;text="busy \"now\""`,
			"To":     call.From + ";tag=" + call.Tag,
			"From":   call.To + ";tag=" + call.Remote,
		} {
			if got := bye.Header(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if got := strings.Join(bye.Headers("Route"), ", "); got != "<sip:10.0.0.2:5060;lr>, <sip:10.0.0.9;lr;x=1>" {
			t.Errorf("Route %s", got)
		}
		if want := "BYE sip:caller@" + trunkAddr + " SIP/2.0"; bye.StartLine() != want {
			t.Errorf("%q, want %q", bye.StartLine(), want)
		}
		call.Answer(bye, "200 OK", "")
		if err := <-hung; err != nil {
			t.Errorf("Hangup: %v", err)
		}
		wantLegs(t, w, 0)
	})
}

// TestHangupWaitsForACK: the callee sends no BYE before the ACK (RFC 3261 §15).
func TestHangupWaitsForACK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return leg.Answer(short, []byte("v=0\r\n"))
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		for _, m := range call.Drain(5 * time.Second) {
			if m.Method() != "INVITE" {
				t.Fatalf("got %s before the ACK", m.StartLine())
			}
			call.Learn(m)
		}
		call.Request("ACK")
		call.Answer(call.WantRequest("BYE"), "200 OK", "")
		wantLegs(t, w, 0)
	})
}

func TestByesCross(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			return leg.Answer(ctx, []byte("v=0\r\n")) // and hang up
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		bye := call.WantRequest("BYE")
		call.Request("BYE")
		call.Want(200, "BYE")
		call.Answer(bye, "481 Gone", "")
		wantLegs(t, w, 0)
	})
}

func TestShutdownHangsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
				return err
			}
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil
		}))
		peer := w.trunk(t)
		call := peer.NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		synctest.Wait() // the ACK is in
		w.srv.Drain()
		second := peer.NewCall("sip:8000@site.test")
		second.Request("INVITE", siptest.Offer)
		if m := second.Want(503, "INVITE"); m.Header("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		go w.stop()
		bye := call.WantRequest("BYE")
		if !strings.Contains(bye.Header("Reason"), "cause=503") {
			t.Errorf("Reason %q", bye.Header("Reason"))
		}
		call.Answer(bye, "200 OK", "")
		if cause := <-ended; !errors.Is(cause, ErrShutdown) {
			t.Errorf("cause %v", cause)
		}
		synctest.Wait()
	})
}
