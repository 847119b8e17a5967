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

// offerless calls the trunk peer without an offer.
func offerless(t *testing.T, w *world) *Leg {
	t.Helper()
	leg, err := w.srv.Dial(context.Background(), Outgoing{
		Target: TrunkTarget("sip:+33170009999@"+trunkAddr, netip.MustParseAddrPort(trunkAddr)),
		Trunk:  "carrier", From: "sip:+33170001000@site.test", Reliable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return leg
}

// TestDialLateOffer: the callee makes the offer in its 200, and the ACK waits for our answer (RFC 3261 §13.2.2.4).
func TestDialLateOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, _ := callee(t)
		leg := offerless(t, w)
		invite := peer.WantRequest("INVITE")
		if invite.Body() != "" || invite.Header("Content-Type") != "" {
			t.Errorf("INVITE %s", invite.Raw)
		}
		if err := leg.Acknowledge(context.Background(), []byte("early")); !errors.Is(err, ErrNoOffer) {
			t.Errorf("%v", err)
		}
		ok := []string{"Contact: <sip:x@10.0.0.2:5060>", siptest.Body("application/sdp", "offer of theirs")}
		peer.Answer(invite, "200 OK", "x", ok...)
		if r := <-answeredBy(leg); r.err != nil || r.answer != "offer of theirs" {
			t.Fatalf("%+v", r)
		}
		peer.Answer(invite, "200 OK", "x", ok...)
		peer.Quiet(3 * time.Second)
		if err := leg.Acknowledge(context.Background(), []byte("answer of ours")); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if ack := peer.WantRequest("ACK"); ack.Body() != "answer of ours" || ack.Header("Content-Type") != "application/sdp" || ack.Tag("To") != "x" {
				t.Errorf("ACK %s", ack.Raw)
			}
			peer.Answer(invite, "200 OK", "x", ok...)
		}
		peer.WantRequest("ACK")
		if err := leg.Acknowledge(context.Background(), []byte("again")); !errors.Is(err, ErrNoOffer) {
			t.Errorf("%v", err)
		}
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialLateOfferReliable: the offer comes in a reliable 183, and the PRACK has our answer (RFC 3262 §5).
func TestDialLateOfferReliable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, _ := callee(t)
		leg := offerless(t, w)
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "183 Session Progress", "x", siptest.Body("application/sdp", "out of place"))
		wantProgress(t, leg, ProgressEvent{Code: 183, Dialog: "x"})
		reliably(peer, invite, "183 Session Progress", "x", 5, siptest.Body("application/sdp", "their offer"))
		wantProgress(t, leg, ProgressEvent{Code: 183, SDP: []byte("their offer"), Reliable: true, Offer: true, Dialog: "x"})
		peer.Quiet(time.Second)
		if err := leg.Acknowledge(context.Background(), []byte("our answer")); err != nil {
			t.Fatal(err)
		}
		if m := wantPRACK(t, peer, invite, "x", 5); m.Body() != "our answer" {
			t.Errorf("PRACK %s", m.Raw)
		}
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>")
		if ack := peer.WantRequest("ACK"); ack.Body() != "" {
			t.Errorf("ACK %s", ack.Raw)
		}
		if r := <-answeredBy(leg); r.err != nil || r.answer != "" {
			t.Errorf("%+v", r)
		}
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialLateOfferOvertaken: a 200 that does not wait for the PRACK gets its ACK when the offer before it has its answer.
func TestDialLateOfferOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, _ := callee(t)
		leg := offerless(t, w)
		invite := peer.WantRequest("INVITE")
		reliably(peer, invite, "183 Session Progress", "x", 5, siptest.Body("application/sdp", "their offer"))
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>")
		peer.Quiet(time.Second)
		if err := leg.Acknowledge(context.Background(), []byte("our answer")); err != nil {
			t.Fatal(err)
		}
		if m := wantPRACK(t, peer, invite, "x", 5); m.Body() != "our answer" {
			t.Errorf("PRACK %s", m.Raw)
		}
		peer.WantRequest("ACK")
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialLateOfferForgotten: an offer that nobody answers ends the call, with its ACK first.
func TestDialLateOfferForgotten(t *testing.T) {
	for _, c := range []struct {
		name  string
		sdp   string
		after time.Duration
		end   func(*Leg)
		want  error
	}{
		{"no answer", "offer", acknowledgeLimit, func(*Leg) {}, ErrNoAnswer},
		{"no offer either", "", 0, func(*Leg) {}, ErrNoAnswer},
		{"hung up", "offer", 0, func(l *Leg) { go func() { _ = l.Hangup(context.Background(), Reason{}) }() }, ErrLegEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, peer, _ := callee(t)
				leg := offerless(t, w)
				invite := peer.WantRequest("INVITE")
				extra := []string{"Contact: <sip:x@10.0.0.2:5060>"}
				if c.sdp != "" {
					extra = append(extra, siptest.Body("application/sdp", c.sdp))
				}
				peer.Answer(invite, "200 OK", "x", extra...)
				synctest.Wait()
				start := time.Now()
				c.end(leg)
				if ack := peer.WantRequest("ACK"); ack.At.Sub(start) != c.after || ack.Body() != "" {
					t.Errorf("after %v: %s", ack.At.Sub(start), ack.Raw)
				}
				peer.Answer(peer.WantRequest("BYE"), "200 OK", "")
				<-leg.Done()
				if !errors.Is(leg.Cause(), c.want) {
					t.Errorf("cause %v", leg.Cause())
				}
				wantLegs(t, w, 0)
			})
		})
	}
}

// TestReofferWithoutOffer: we ask the peer for its offer and answer it in the ACK; one that nobody waits for any more gets what
// the session has.
func TestReofferWithoutOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs)
		offer := make(chan reofferResult, 1)
		ask := func(ctx context.Context) {
			sdp, err := leg.Reoffer(ctx, nil)
			offer <- reofferResult{string(sdp), err}
		}
		go ask(context.Background()) // ends with the answer
		invite := call.WantRequest("INVITE")
		if invite.Body() != "" {
			t.Errorf("re-INVITE %s", invite.Raw)
		}
		call.Answer(invite, "200 OK", "", siptest.Body("application/sdp", "theirs"))
		if r := <-offer; r.err != nil || r.answer != "theirs" {
			t.Fatalf("%+v", r)
		}
		call.Request("UPDATE", siptest.Offer)
		call.Want(491, "UPDATE")
		if err := leg.Acknowledge(context.Background(), []byte("ours")); err != nil {
			t.Fatal(err)
		}
		if ack := call.WantRequest("ACK"); ack.Body() != "ours" {
			t.Errorf("ACK %s", ack.Raw)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go ask(ctx) // ends with cancel
		invite = call.WantRequest("INVITE")
		cancel()
		<-offer
		synctest.Wait()
		call.Answer(invite, "200 OK", "", siptest.Body("application/sdp", "theirs"))
		if ack := call.WantRequest("ACK"); ack.Body() != "ours" {
			t.Errorf("ACK %s", ack.Raw)
		}
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}
