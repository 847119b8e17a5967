package sip

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

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

// TestDialReliableNonsense: what claims to be reliable and cannot be acknowledged is no harm to the call; places beyond reason are
// not acknowledged.
func TestDialReliableNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{Reliable: true})
		go accept(leg) // ends with the leg
		invite := peer.WantRequest("INVITE")
		for _, lines := range [][]string{
			{"Require: 100rel"}, {"Require: 100rel", "RSeq: none"}, {"Require: 100rel", "RSeq: 0"}, {"Require: 100rel", "RSeq: 4294967296"},
			{"Require: 100rel", "RSeq: -1"}, {"RSeq: 5"}, {"Require: 199", "RSeq: 5"},
		} {
			peer.Answer(invite, "183 Session Progress", "odd", lines...)
		}
		peer.Answer(invite, "183 Session Progress", "", "Require: 100rel", "RSeq: 5") // no tag, no dialog
		peer.Answer(invite, "100 Trying", "odd", "Require: 100rel", "RSeq: 5")
		peer.Quiet(time.Second)
		acknowledged := 0
		for i := range 3 * maxEarly {
			peer.Answer(invite, "180 Ringing", fmt.Sprintf("place%d", i), "Require: 100rel", "RSeq: 4294967295") // and no Contact
		}
		for _, m := range peer.Drain(100 * time.Millisecond) {
			if m.Method() != "PRACK" {
				t.Fatalf("%s", m.Raw)
			}
			acknowledged++
			peer.Answer(m, "200 OK", "")
		}
		if acknowledged != maxEarly-1 { // "odd" is one
			t.Errorf("%d places acknowledged", acknowledged)
		}
		peer.Answer(invite, "180 Ringing", "place0", "Require: 100rel", "RSeq: 1") // no number follows the last one
		peer.Quiet(time.Second)
		peer.Answer(invite, "200 OK", "place90", "Contact: <sip:x@10.0.0.2:5060>", answerBody)
		peer.WantRequest("ACK")
		if r := <-answeredBy(leg); r.err != nil || r.answer != "answer" {
			t.Errorf("%+v", r)
		}
		bye(peer, invite, "place90", 1)
		wantLegs(t, w, 0)
	})
}
