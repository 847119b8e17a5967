package sip

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// ringing rings each call and waits until it ends; the causes go to ended.
func ringing(ended chan<- error) Handler {
	return HandlerFunc(func(ctx context.Context, leg *Leg) error {
		if err := leg.Ring(ctx, 180, nil); err != nil {
			return err
		}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	})
}

func TestCancelWhileRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, ringing(ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		tag := call.Want(180, "INVITE").Tag("To")
		call.Request("CANCEL", `Reason: SIP;cause=200;text="Call completed elsewhere"`)
		if got := call.Want(200, "CANCEL").Tag("To"); got != tag {
			t.Errorf("200 to CANCEL has To tag %q, want %q (RFC 3261 §9.2)", got, tag)
		}
		refused := call.Want(487, "INVITE")
		if got := refused.Tag("To"); got != tag {
			t.Errorf("487 has To tag %q, want %q", got, tag)
		}
		call.RefusalACK(refused)
		cause := <-ended
		end, ok := errors.AsType[*PeerEnd](cause)
		if !errors.Is(cause, ErrCancelled) || !ok || end.Reason != (Reason{"SIP", 200, "Call completed elsewhere"}) {
			t.Errorf("cause %v", cause)
		}
		wantLegs(t, w, 0)
		call.Quiet(time.Minute)
	})
}

// TestCancelBehindInvite fails on stock sipgo in half of the calls: the CANCEL was handled before its INVITE existed.
func TestCancelBehindInvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1000)
		w := newWorld(t, ServerConfig{}, ringing(ended))
		peer := w.trunk(t)
		const calls = 400
		for range calls {
			call := peer.NewCall("sip:8000@site.test")
			invite, cancel := call.Text("INVITE", siptest.Offer), call.Text("CANCEL")
			peer.Send(invite)
			peer.Send(cancel)
			var got []int
			for len(got) < 2 {
				if m := peer.Next(); m.Code() >= 200 {
					got = append(got, m.Code())
					if m.Code() == 487 {
						call.RefusalACK(m)
					}
				}
			}
			if got[0] != 200 || got[1] != 487 {
				t.Fatalf("answers %v, want 200 to CANCEL, then 487", got)
			}
		}
		wantLegs(t, w, 0)
		peer.Quiet(time.Minute)
	})
}

func TestCancelAfterAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		call.Want(200, "INVITE")
		call.Request("CANCEL")
		call.Want(200, "CANCEL")
		call.Request("ACK")
		wantLegs(t, w, 1)
		call.Request("CANCEL") // the INVITE transaction still absorbs retransmissions
		call.Want(200, "CANCEL")
		call.Request("BYE")
		call.Want(200, "BYE")
		wantLegs(t, w, 0)
	})
}

func TestCancelOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Text("INVITE", siptest.Offer) // never sent
		call.Request("CANCEL")
		call.Want(481, "CANCEL")
		call.Quiet(time.Minute)
	})
}

func TestCancelAfterRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(context.Context, *Leg) error {
			return &StatusError{Code: 486, RetryAfter: 1500 * time.Millisecond}
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		busy := call.Want(486, "INVITE")
		if busy.StartLine() != "SIP/2.0 486 Busy Here" || busy.Header("Retry-After") != "2" {
			t.Errorf("got %s with Retry-After %q", busy.StartLine(), busy.Header("Retry-After"))
		}
		call.Request("CANCEL")
		if m := call.Want(200, "CANCEL"); m.Tag("To") != busy.Tag("To") {
			t.Errorf("200 to CANCEL has another To tag than the 486")
		}
		call.RefusalACK(busy)
		call.Quiet(time.Minute)
		wantLegs(t, w, 0)
	})
}

func TestCancelOfReinvite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
				return err
			}
			<-leg.Events()
			time.Sleep(5 * time.Second)
			late <- leg.Accept(ctx, []byte("v=0\r\n"))
			<-ctx.Done()
			return nil
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Answered(siptest.Offer)
		call.Request("INVITE", siptest.Offer)
		call.Want(100, "INVITE")
		call.Request("CANCEL")
		call.Want(200, "CANCEL")
		refused := call.Want(487, "INVITE")
		call.RefusalACK(refused)
		if err := <-late; !errors.Is(err, ErrNoOffer) {
			t.Errorf("Accept after CANCEL: %v, want ErrNoOffer", err)
		}
		wantLegs(t, w, 1)
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

func TestInviteExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, ringing(ended))
		start := time.Now()
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", "Expires: 150", siptest.Offer)
		for range 3 { // at once, after one and after two minutes (RFC 3261 §13.3.1.1)
			call.Want(180, "INVITE")
		}
		m := call.Want(487, "INVITE")
		if d := m.At.Sub(start); d != 150*time.Second {
			t.Errorf("487 after %v, want 150s", d)
		}
		call.RefusalACK(m)
		if cause := <-ended; !errors.Is(cause, ErrCancelled) {
			t.Errorf("cause %v", cause)
		}
		wantLegs(t, w, 0)
	})
}

func TestByeBeforeAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, ringing(ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		call.Want(180, "INVITE")
		call.Request("BYE") // in the early dialog (RFC 3261 §15)
		call.Want(200, "BYE")
		call.RefusalACK(call.Want(487, "INVITE"))
		if cause := <-ended; !errors.Is(cause, ErrBye) {
			t.Errorf("cause %v", cause)
		}
		wantLegs(t, w, 0)
	})
}
