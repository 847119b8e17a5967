package sip

import (
	"context"
	"errors"

	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// brokenLines panics for one user.
type brokenLines struct{ trunkLines }

func (brokenLines) Trunk(src netip.AddrPort) (string, bool) {
	if src.Port() == 666 {
		panic("trunk look-up")
	}
	return trunkLines{}.Trunk(src)
}

// TestPanicInMailbox: the request is answered 500 and leaves nothing; others are served.
func TestPanicInMailbox(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorldOf(t, ServerConfig{}, nil, nil, brokenLines{}, answering)
		bad := siptest.NewPeer(t, w.Network, "10.0.0.2:666", serverAddr)
		good := w.trunk(t).NewCall("sip:8000@site.test")
		call := bad.NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		call.RefusalACK(call.Want(500, "INVITE"))
		good.Answered(siptest.Offer)
		wantLegs(t, w, 1)
		if n := counterValue(t, w.srv.metrics.panics.WithLabelValues(string(ownerMailbox))); n != 1 {
			t.Errorf("%v panics counted", n)
		}
		good.Request("BYE")
		good.Want(200, "BYE")
		good.Quiet(time.Minute)
	})
}

// TestPanicInOwner: a leg whose owner panics is hung up, with everything that waits for it.
func TestPanicInOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs, ended := make(chan *Leg, 2), make(chan error, 2)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if leg.Invite().RequestURI.User == "answered" {
				if err := leg.Answer(ctx, []byte("v=0\r\n")); err != nil {
					return err
				}
			}
			legs <- leg
			<-ctx.Done()
			ended <- context.Cause(ctx)
			return nil
		}))
		peer := w.trunk(t)
		for _, user := range []string{"answered", "early"} {
			call := peer.NewCall("sip:" + user + "@site.test")
			if user == "answered" {
				call.Answered(siptest.Offer)
			} else {
				call.Request("INVITE", siptest.Offer)
			}
			leg := <-legs
			synctest.Wait()
			err := leg.do(context.Background(), func() error { panic("boom") })
			if !errors.Is(err, ErrLegEnded) || !errors.Is(err, ErrPanic) {
				t.Errorf("%s: %v", user, err)
			}
			if user == "answered" {
				call.Answer(call.WantRequest("BYE"), "200 OK", "")
			} else {
				call.RefusalACK(call.Want(500, "INVITE"))
			}
			if cause := <-ended; !errors.Is(cause, ErrPanic) {
				t.Errorf("%s: cause %v", user, cause)
			}
			wantLegs(t, w, 0)
		}
		if n := counterValue(t, w.srv.metrics.panics.WithLabelValues(string(ownerLeg))); n != 2 {
			t.Errorf("%v panics counted", n)
		}
	})
}
