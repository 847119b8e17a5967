package sip

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

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

// TestRingWithOffer: to an INVITE without offer a reliable answer brings ours, and the PRACK the caller's answer (RFC 3262 §5).
func TestRingWithOffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := incoming(t, "Supported: 100rel")
		ring(t, leg, 183, "our offer")
		m, rseq := wantReliable(t, call, 183)
		if m.Body() != "our offer" {
			t.Errorf("%s", m.Raw)
		}
		if _, err := leg.AnswerWithOffer(context.Background(), []byte("another")); !errors.Is(err, ErrWrongState) {
			t.Errorf("second offer: %v", err)
		}
		prack(call, rseq, siptest.Body("application/sdp", "their answer"))
		if e, ok := (<-leg.Events()).(AnswerEvent); !ok || string(e.SDP) != "their answer" {
			t.Errorf("event %+v", e)
		}
		done := answer(leg, "")
		if m := call.Want(200, "INVITE"); m.Body() != "" {
			t.Errorf("200 %s", m.Raw)
		}
		call.Request("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		finished(t, w, call)
	})
}

// TestRingWithOfferUnanswered: a PRACK that leaves our offer without answer ends the call.
func TestRingWithOfferUnanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := incoming(t, "Supported: 100rel")
		ring(t, leg, 183, "our offer")
		_, rseq := wantReliable(t, call, 183)
		call.Request("PRACK", fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite))
		call.Want(400, "PRACK")
		call.RefusalACK(call.Want(500, "INVITE"))
		<-leg.Done()
		if !errors.Is(leg.Cause(), ErrNoAnswer) {
			t.Errorf("cause %v", leg.Cause())
		}
		wantLegs(t, w, 0)
	})
}

// TestRingWithOfferUnreliably: an offer is not entrusted to an answer that may be lost.
func TestRingWithOfferUnreliably(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, call, leg := incoming(t)
		ring(t, leg, 183, "our offer")
		if m := call.Want(183, "INVITE"); m.Body() != "" || m.Header("RSeq") != "" {
			t.Errorf("%s", m.Raw)
		}
		call.Request("CANCEL")
		call.Want(200, "CANCEL")
		call.RefusalACK(call.Want(487, "INVITE"))
		wantLegs(t, w, 0)
	})
}

// TestOfferBeforeAnswer: once the session is settled the caller may change it by PRACK or UPDATE before we answer; the 200 waits
// for our answer (RFC 3262 §5, RFC 3311 §5.2).
func TestOfferBeforeAnswer(t *testing.T) {
	for _, method := range []string{"PRACK", "UPDATE"} {
		for _, refused := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				w, call, leg := incoming(t, "Supported: 100rel", siptest.Offer)
				call.Request("UPDATE", siptest.Offer)
				call.Want(481, "UPDATE") // there is no dialog yet
				ring(t, leg, 183, "early")
				_, rseq := wantReliable(t, call, 183)
				if method == "PRACK" {
					call.Request("PRACK", fmt.Sprintf("RAck: %d %d INVITE", rseq, call.Invite), siptest.Body("application/sdp", "new offer"))
				} else {
					prack(call, rseq)
					call.Request("UPDATE", siptest.Body("application/sdp", "new offer"))
				}
				if e, ok := (<-leg.Events()).(OfferEvent); !ok || e.Method != method || string(e.SDP) != "new offer" {
					t.Fatalf("event %+v", e)
				}
				done := answer(leg, "new answer")
				call.Quiet(time.Second)
				if refused {
					if err := leg.Refuse(context.Background(), 488); err != nil {
						t.Fatal(err)
					}
					call.Want(488, method)
				} else {
					if err := leg.Accept(context.Background(), []byte("new answer")); err != nil {
						t.Fatal(err)
					}
					if m := call.Want(200, method); m.Body() != "new answer" {
						t.Errorf("%s", m.Raw)
					}
				}
				if m := call.Want(200, "INVITE"); m.Body() != "" {
					t.Errorf("200 %s", m.Raw)
				}
				call.Request("ACK")
				if err := <-done; err != nil {
					t.Error(err)
				}
				if refused {
					m := call.WantRequest("INVITE")
					if m.Body() != "new answer" {
						t.Errorf("%s", m.Raw)
					}
					call.Answer(m, "488 No", "")
					call.WantRequest("ACK")
				}
				finished(t, w, call)
			})
		}
	}
}

// TestOfferBeforeAnswerCancelled: CANCEL ends an offer that waits for our answer too.
func TestOfferBeforeAnswerCancelled(t *testing.T) {
	for _, method := range []string{"CANCEL", "BYE"} {
		synctest.Test(t, func(t *testing.T) {
			w, call, leg := incoming(t, "Supported: 100rel", siptest.Offer)
			ring(t, leg, 183, "early")
			_, rseq := wantReliable(t, call, 183)
			prack(call, rseq)
			call.Request("UPDATE", siptest.Body("application/sdp", "new offer"))
			<-leg.Events()
			done := answer(leg, "early")
			synctest.Wait()
			call.Request(method)
			call.Want(200, method)
			call.Want(487, "UPDATE")
			call.RefusalACK(call.Want(487, "INVITE"))
			if err := <-done; err == nil {
				t.Error("answered")
			}
			wantLegs(t, w, 0)
			call.Quiet(time.Minute)
		})
	}
}
