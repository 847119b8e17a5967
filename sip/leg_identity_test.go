package sip

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

// heardIdentity takes the next event, which must tell an identity.
func heardIdentity(t *testing.T, leg *Leg, uri string, private bool) {
	t.Helper()
	e, ok := (<-leg.Events()).(IdentityEvent)
	if !ok || e.Identity.URI.String() != uri || e.Private != private {
		t.Errorf("event %+v, want %s, private %v", e, uri, private)
	}
}

// TestPeerChangesIdentity: what a trunk says of its side comes as an event when it is new, and only then.
func TestPeerChangesIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs, "P-Asserted-Identity: <sip:+33170000001@carrier.test>")
		update := func(headers ...string) {
			t.Helper()
			call.Request("UPDATE", headers...)
			call.Want(200, "UPDATE")
			if _, ok := (<-leg.Events()).(RefreshEvent); !ok {
				t.Error("no refresh")
			}
		}
		update("P-Asserted-Identity: <sip:+33170000001@carrier.test>") // as before
		update("Subject: none at all")
		call.Request("UPDATE", `P-Asserted-Identity: "Zoé" <sip:+33170000002@carrier.test>, <tel:+33170000002>`)
		call.Want(200, "UPDATE")
		heardIdentity(t, leg, "sip:+33170000002@carrier.test", false)
		<-leg.Events()
		call.Request("UPDATE", `P-Asserted-Identity: "Zoé" <sip:+33170000002@carrier.test>`, "Privacy: id;critical")
		call.Want(200, "UPDATE")
		heardIdentity(t, leg, "sip:+33170000002@carrier.test", true)
		<-leg.Events()
		call.Request("INVITE", `Remote-Party-ID: "X" <sip:+33170000003@carrier.test>;party=calling;privacy=off`, siptest.Offer)
		heardIdentity(t, leg, "sip:+33170000003@carrier.test", false)
		if _, ok := (<-leg.Events()).(OfferEvent); !ok {
			t.Error("no offer")
		}
		if err := leg.Accept(context.Background(), []byte("ok"), Header{"P-Asserted-Identity", "<sip:8001@site.test>"}); err != nil {
			t.Fatal(err)
		}
		if m := call.Want(200, "INVITE"); m.Header("P-Asserted-Identity") != "<sip:8001@site.test>" {
			t.Errorf("%s", m.Raw)
		}
		call.Request("ACK")
		finished(t, w, call)
	})
}

// TestCalleeTellsIdentity: who answers a call of ours is told with the answer.
func TestCalleeTellsIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, peer, dial := callee(t)
		leg := dial(Outgoing{})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "200 OK", "x", "Contact: <sip:x@10.0.0.2:5060>", "P-Asserted-Identity: <sip:+33170000009@carrier.test>", answerBody)
		peer.WantRequest("ACK")
		heardIdentity(t, leg, "sip:+33170000009@carrier.test", false)
		bye(peer, invite, "x", 1)
		wantLegs(t, w, 0)
	})
}

// TestPhoneAssertsNothing: a phone is who it proved to be, whatever it asserts.
func TestPhoneAssertsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reg := site(t, ServerConfig{}, answering)
		alice := siptest.Dial(t, w.Network, "10.0.0.20:0", serverAddr)
		registered(t, alice, "alice", "pA")
		b := reg.Bindings("alice@site.test")
		leg, err := w.srv.Dial(context.Background(), Outgoing{Target: b[0].Target(), From: "sip:bob@site.test", Offer: []byte("offer")})
		if err != nil {
			t.Fatal(err)
		}
		invite := alice.WantRequest("INVITE")
		alice.Answer(invite, "200 OK", "a", "Contact: <sip:alice@10.0.0.20>", "P-Asserted-Identity: <sip:boss@site.test>", answerBody)
		if r := <-answeredBy(leg); r.err != nil {
			t.Fatal(r.err)
		}
		alice.WantRequest("ACK")
		select {
		case e := <-leg.Events():
			t.Errorf("event %+v", e)
		default:
		}
		done := hangup(leg)
		alice.Answer(alice.WantRequest("BYE"), "200 OK", "")
		<-done
	})
}

// TestUpdate: a peer that takes UPDATE is told to whom it is connected now, and nothing else changes.
func TestUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		w := newWorld(t, ServerConfig{}, lent(legs))
		call, leg := confirmed(t, w, legs, "Allow: INVITE, ACK, BYE, UPDATE", "Supported: timer", "Session-Expires: 1800")
		update := func() <-chan error {
			done := make(chan error, 1)
			go func() { // ends with the answer
				done <- leg.Update(context.Background(), Header{"P-Asserted-Identity", `"Zoé" <sip:8002@site.test>`}, Header{"X", ""})
			}()
			return done
		}
		done := update()
		m := call.WantRequest("UPDATE")
		if m.Header("P-Asserted-Identity") != `"Zoé" <sip:8002@site.test>` || m.Body() != "" || len(m.Headers("X")) != 0 ||
			m.Header("Session-Expires") != "1800;refresher=uas" || m.Header("Contact") == "" {
			t.Errorf("UPDATE %s", m.Raw)
		}
		call.Answer(m, "200 OK", "", "Session-Expires: 1800;refresher=uas")
		if err := <-done; err != nil {
			t.Error(err)
		}
		done = update()
		call.Answer(call.WantRequest("UPDATE"), "488 No", "")
		if se, ok := errors.AsType[*StatusError](<-done); !ok || se.Code != 488 {
			t.Errorf("%v", se)
		}
		done = update()
		call.Answer(call.WantRequest("UPDATE"), "405 Method Not Allowed", "")
		if err := <-done; !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%v", err)
		}
		if err := <-update(); !errors.Is(err, ErrNotAllowed) {
			t.Errorf("%v", err)
		}
		call.Quiet(time.Second)
		finished(t, w, call)
	})
}

// TestHeadersOfOurs: who we are connected with is told in every message that can say so.
func TestHeadersOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		legs := make(chan *Leg, 1)
		pai := Header{"P-Asserted-Identity", "<sip:8002@site.test>"}
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
			if err := leg.Ring(ctx, 180, nil, pai); err != nil {
				return err
			}
			if err := leg.Answer(ctx, []byte("v=0\r\n"), pai, Header{"Call-Info", "<sip:x>;appearance-index=1"}); err != nil {
				return err
			}
			legs <- leg
			<-ctx.Done()
			return nil
		}))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		ringing, ok := call.Want(180, "INVITE"), call.Want(200, "INVITE")
		if ringing.Header(pai.Name) != pai.Value || ok.Header(pai.Name) != pai.Value || !strings.Contains(ok.Raw, "appearance-index=1") {
			t.Errorf("%s\n%s", ringing.Raw, ok.Raw)
		}
		call.Request("ACK")
		leg := <-legs
		synctest.Wait()
		done := make(chan error, 1)
		go func() { // ends with the answer
			_, err := leg.Reoffer(context.Background(), []byte("offer"), pai)
			done <- err
		}()
		m := call.WantRequest("INVITE")
		if m.Header(pai.Name) != pai.Value {
			t.Errorf("%s", m.Raw)
		}
		call.Answer(m, "200 OK", "", answerBody)
		call.WantRequest("ACK")
		if err := <-done; err != nil {
			t.Error(err)
		}
		finished(t, w, call)
	})
}
