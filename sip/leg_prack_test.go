package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
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

// answeredBy waits for the answer on a goroutine of its own.
func answeredBy(leg *Leg) <-chan reofferResult {
	c := make(chan reofferResult, 1)
	go func() { // ends with the answer or the leg
		sdp, err := leg.Answered(context.Background())
		c <- reofferResult{string(sdp), err}
	}()
	return c
}

// reliably answers a request with a reliable provisional answer.
func reliably(p *siptest.Peer, invite siptest.Message, status, tag string, rseq int, extra ...string) {
	p.Answer(invite, status, tag, append([]string{
		"Require: 100rel", "RSeq: " + strconv.Itoa(rseq), "Contact: <sip:" + tag + "@10.0.0.2:5060>",
	}, extra...)...)
}

// wantPRACK takes a PRACK, answers it and returns it.
func wantPRACK(t *testing.T, p *siptest.Peer, invite siptest.Message, tag string, rseq int) siptest.Message {
	t.Helper()
	m := p.WantRequest("PRACK")
	if want := fmt.Sprintf("%d %d INVITE", rseq, invite.CSeq()); m.Header("RAck") != want || m.Tag("To") != tag {
		t.Fatalf("PRACK, want RAck %q and tag %s\n%s", want, tag, m.Raw)
	}
	if m.CSeq() <= invite.CSeq() {
		t.Errorf("PRACK has CSeq %d after %d", m.CSeq(), invite.CSeq())
	}
	p.Answer(m, "200 OK", "")
	return m
}

// bye lets the callee hang a call of ours up.
func bye(p *siptest.Peer, invite siptest.Message, tag string, seq int) {
	p.Send(fmt.Sprintf("BYE sip:x@%s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKbye%d\nFrom: %s;tag=%s\nTo: %s\nCall-ID: %s\nCSeq: %d BYE\n",
		serverAddr, trunkAddr, seq, invite.Header("To"), tag, invite.Header("From"), invite.Header("Call-ID"), seq))
	p.Want(200, "BYE")
}

func wantProgress(t *testing.T, leg *Leg, want ProgressEvent) {
	t.Helper()
	e, ok := (<-leg.Events()).(ProgressEvent)
	if !ok || e.Code != want.Code || string(e.SDP) != string(want.SDP) || e.Reliable != want.Reliable || e.Offer != want.Offer || e.Dialog != want.Dialog {
		t.Fatalf("event %+v (SDP %q), want %+v (SDP %q)", e, e.SDP, want, want.SDP)
	}
}

// TestDialReliable: reliable provisional answers are acknowledged in the order of their numbers, in the dialog that they began
// (RFC 3262 §4), and the first session description among them is the answer (§5).
func TestDialReliable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Reliable: true})
		invite := peer.WantRequest("INVITE")
		if s := invite.Header("Supported"); s != "timer, replaces, 100rel" {
			t.Errorf("Supported %q", s)
		}
		reliably(peer, invite, "183 Session Progress", "x", 70, "Record-Route: <sip:10.0.0.2;lr;n=2>", "Record-Route: <sip:10.0.0.2;lr;n=1>",
			siptest.Body("application/sdp", "early"))
		prack := wantPRACK(t, peer, invite, "x", 70)
		if prack.StartLine() != "PRACK sip:x@10.0.0.2:5060 SIP/2.0" || len(prack.Headers("Route")) != 2 || prack.Header("Route") != "<sip:10.0.0.2;lr;n=1>" || prack.Body() != "" {
			t.Errorf("PRACK %s", prack.Raw)
		}
		wantProgress(t, leg, ProgressEvent{Code: 183, SDP: []byte("early"), Reliable: true, Dialog: "x"})
		reliably(peer, invite, "183 Session Progress", "x", 70, siptest.Body("application/sdp", "early")) // once more
		reliably(peer, invite, "180 Ringing", "x", 72)                                                    // ahead of its turn
		peer.Quiet(100 * time.Millisecond)
		reliably(peer, invite, "181 Call Is Being Forwarded", "x", 71)
		wantPRACK(t, peer, invite, "x", 71)
		wantProgress(t, leg, ProgressEvent{Code: 181, Reliable: true, Dialog: "x"})
		reliably(peer, invite, "180 Ringing", "x", 72)
		wantPRACK(t, peer, invite, "x", 72)
		wantProgress(t, leg, ProgressEvent{Code: 180, Reliable: true, Dialog: "x"})
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>")
		if r := <-answeredBy(leg); r.err != nil || r.answer != "early" {
			t.Errorf("%+v", r)
		}
		if ack := peer.WantRequest("ACK"); ack.CSeq() != invite.CSeq() {
			t.Errorf("ACK %s", ack.Raw)
		}
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialReliableLostPRACK: a PRACK is repeated until it is answered, also while the answer of the call comes.
func TestDialReliableLostPRACK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		reliably(peer, invite, "180 Ringing", "x", 1)
		first := peer.WantRequest("PRACK")
		second := peer.WantRequest("PRACK")
		if first.Raw != second.Raw || second.At.Sub(first.At) != timerT1 {
			t.Errorf("after %v: %s", second.At.Sub(first.At), second.Raw)
		}
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", answerBody)
		peer.WantRequest("ACK")
		if r := <-answeredBy(leg); r.err != nil || r.answer != "answer" {
			t.Errorf("%+v", r)
		}
		peer.Answer(peer.WantRequest("PRACK"), "481 Gone", "")
		peer.Quiet(time.Minute)
		wantLegs(t, w, 1)
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialReliableForked: each place that a proxy rings counts by itself; tag, target and route are those of its own answer.
func TestDialReliableForked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Reliable: true})
		invite := peer.WantRequest("INVITE")
		rseq := map[string]int{"one": 500, "two": 9}
		for i := range 3 {
			for _, tag := range []string{"one", "two"} {
				sdp := []string{}
				if i == 0 {
					sdp = append(sdp, siptest.Body("application/sdp", "of "+tag))
				}
				reliably(peer, invite, "183 Session Progress", tag, rseq[tag]+i, sdp...)
				m := wantPRACK(t, peer, invite, tag, rseq[tag]+i)
				if m.StartLine() != "PRACK sip:"+tag+"@10.0.0.2:5060 SIP/2.0" {
					t.Errorf("PRACK %s", m.Raw)
				}
				<-leg.Events()
			}
		}
		peer.Answer(invite, "200 OK", "two", "Contact: <sip:two@10.0.0.2:5060>")
		peer.WantRequest("ACK")
		if r := <-answeredBy(leg); r.err != nil || r.answer != "of two" {
			t.Errorf("%+v", r)
		}
		if leg.ID().RemoteTag != "two" {
			t.Errorf("dialog %v", leg.ID())
		}
		bye(peer, invite, "two", 1)
		wantLegs(t, w, 0)
	})
}

// TestDialReliableCancelled: a reliable answer that crosses our CANCEL is acknowledged still.
func TestDialReliableCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Reliable: true})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "100 Trying", "")
		synctest.Wait()
		done := hangup(leg)
		cancel := peer.WantRequest("CANCEL")
		reliably(peer, invite, "180 Ringing", "x", 5)
		wantPRACK(t, peer, invite, "x", 5)
		peer.Answer(cancel, "200 OK", "x")
		peer.Answer(invite, "487 Request Terminated", "x")
		peer.WantRequest("ACK")
		<-done
		wantLegs(t, w, 0)
	})
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

// TestEarlyUpdate: the callee may change the session before it answers, once offer and answer have been exchanged
// (RFC 3311 §5.1).
func TestEarlyUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Reliable: true})
		invite := peer.WantRequest("INVITE")
		update := func(tag string, seq int) {
			peer.Send(fmt.Sprintf("UPDATE sip:x@%s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bKup%s%d\nFrom: %s;tag=%s\nTo: %s\nCall-ID: %s\nCSeq: %d UPDATE\nContact: <sip:moved@10.0.0.2:5060>\n%s",
				serverAddr, trunkAddr, tag, seq, invite.Header("To"), tag, invite.Header("From"), invite.Header("Call-ID"), seq,
				siptest.Body("application/sdp", "new offer")))
		}
		update("x", 1)
		peer.Want(481, "UPDATE")
		peer.Answer(invite, "183 Session Progress", "x", "Contact: <sip:x@10.0.0.2:5060>", siptest.Body("application/sdp", "preview"))
		<-leg.Events()
		update("x", 2)
		peer.Want(491, "UPDATE") // our offer has no answer yet
		reliably(peer, invite, "183 Session Progress", "x", 5, siptest.Body("application/sdp", "early"))
		wantPRACK(t, peer, invite, "x", 5)
		<-leg.Events()
		update("x", 3)
		if e, ok := (<-leg.Events()).(OfferEvent); !ok || e.Method != "UPDATE" || string(e.SDP) != "new offer" {
			t.Fatalf("event %+v", e)
		}
		if err := leg.Accept(context.Background(), []byte("new answer")); err != nil {
			t.Fatal(err)
		}
		if m := peer.Want(200, "UPDATE"); m.Body() != "new answer" {
			t.Errorf("%s", m.Raw)
		}
		update("x", 3)
		peer.Want(200, "UPDATE") // repeated
		reliably(peer, invite, "180 Ringing", "x", 6)
		if m := wantPRACK(t, peer, invite, "x", 6); m.StartLine() != "PRACK sip:moved@10.0.0.2:5060 SIP/2.0" {
			t.Errorf("PRACK %s", m.Raw)
		}
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:moved@10.0.0.2:5060>")
		peer.WantRequest("ACK")
		if r := <-answeredBy(leg); r.err != nil || r.answer != "new offer" {
			t.Errorf("%+v", r)
		}
		update("x", 3)
		peer.Want(200, "UPDATE")
		bye(peer, invite, "x", 4)
		wantLegs(t, w, 0)
	})
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
