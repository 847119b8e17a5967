package main

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/internal/memnet"
	"passerelle/softphone"
)

// sees fails the test unless the phone has been told that it is with somebody whose identity holds these words.
func (w *world) sees(c *softphone.Call, words ...string) {
	w.t.Helper()
	time.Sleep(time.Second) // of the bubble: an UPDATE is answered at once
	for _, word := range words {
		if !strings.Contains(c.Peer(), word) {
			w.t.Errorf("told %q, want %s", c.Peer(), words)
			return
		}
	}
}

const (
	aliceID   = "<sip:+33170001201@paris.acme.test>"
	brunoID   = "<sip:+33170001202@paris.acme.test>"
	camilleID = "<sip:+33170001203@paris.acme.test>"
)

// TestCallerSeesWhoAnswers tells the caller whom it reaches, forwarded calls too, by the ringing and by the answer.
func TestCallerSeesWhoAnswers(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*directory.Site)
		want []string
	}{
		{"who was called", func(*directory.Site) {}, []string{`"Bruno`, brunoID}},
		{"who took it over", func(s *directory.Site) { s.Users[1].Forwards.Always = "203" }, []string{`"Camille`, camilleID}},
		{"who withholds its number", func(s *directory.Site) { s.Users[1].CLIR = true }, []string{"anonymous@anonymous.invalid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			tt.edit(e.Sites[0])
			inWorldOf(t, e, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				var ringing string
				call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) {
					if m.Code == 180 {
						ringing = m.Header("P-Asserted-Identity")
					}
				}})
				var in *softphone.Incoming
				select {
				case in = <-bruno.calls:
				case in = <-camille.calls:
				}
				in.Ring(180)
				time.Sleep(time.Second)
				c := w.take(in)
				a := w.up(call)
				w.sees(a, tt.want...)
				for _, want := range tt.want {
					if !strings.Contains(ringing, want) {
						t.Errorf("the ringing told %q, want %s", ringing, want)
					}
				}
				w.sees(c, aliceID, "Alice Martin")
				if n := a.Requests("UPDATE") + a.Requests("INVITE") + c.Requests("UPDATE") + c.Requests("INVITE"); n != 0 {
					t.Errorf("%d requests to tell what was told", n)
				}
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}

// TestTransferShowsNewPeers tells both who are joined by a transfer who the other is: by UPDATE, or by re-INVITE to a phone that
// knows no UPDATE.
func TestTransferShowsNewPeers(t *testing.T) {
	for name, allow := range map[string]string{"UPDATE": "", "re-INVITE": "ACK, BYE, CANCEL, INFO, INVITE, NOTIFY, OPTIONS, REFER"} {
		t.Run("blind, by "+name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				bruno := w.registered("+33170001202", "pB-91aa37")
				a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{Allow: allow})
				w.sees(c, aliceID)
				if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
					t.Fatal(err)
				}
				b := w.take(bruno.rings(w))
				w.gone(a, 2*time.Second)
				w.sees(c, brunoID, "Bruno")
				w.sees(b, camilleID, "Camille")
				w.meet(c, b)
				w.bye(c)
				w.gone(b, time.Second)
			})
		})
		t.Run("attended, by "+name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{Allow: allow})
				her := w.take(alice.rings(w))
				his := w.up(call)
				if err := her.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				call = w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c, err := camille.rings(w).Answer(w.t.Context(), softphone.InviteOptions{Allow: allow})
				if err != nil {
					t.Fatal(err)
				}
				second := w.up(call)
				if err := her.Consult(w.t.Context(), second); err != nil {
					t.Fatal(err)
				}
				w.gone(second, 2*time.Second)
				w.gone(her, 2*time.Second)
				w.sees(his, camilleID, "Camille")
				w.sees(c, brunoID, "Bruno")
				w.meet(his, c)
				w.bye(c)
				w.gone(his, time.Second)
			})
		})
	}
}

// TestReplacedLegIsShown tells who stays in a call when a phone takes the place of another one's leg.
func TestReplacedLegIsShown(t *testing.T) {
	inWorld(t, func(w *world) {
		desk := w.registered("+33170001201", "pA-6d1f0c")
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		w.sees(c, aliceID)
		moved := w.up(w.dial(w.t.Context(), desk.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{
			Headers: []softphone.Header{{Name: "Replaces", Value: a.Replaces()}},
		}))
		w.gone(a, 2*time.Second)
		w.sees(moved, camilleID)
		w.sees(c, aliceID)
		w.bye(moved)
		w.gone(c, time.Second)
	})
}

// TestCarrierTellsWhoIsThere passes on what a trunk says of its side, at the answer and later, and not what a phone says.
func TestCarrierTellsWhoIsThere(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
		dial := func(answer ...softphone.Header) (*softphone.Call, *softphone.Call) {
			t.Helper()
			call := w.dial(w.t.Context(), camille.Phone, "sip:0612345678@paris.acme.test", softphone.InviteOptions{})
			out, err := carrier.rings(w).Answer(w.t.Context(), softphone.InviteOptions{Headers: answer})
			if err != nil {
				t.Fatal(err)
			}
			return w.up(call), out
		}
		in, out := dial()
		w.sees(in, "<sip:+33612345678@paris.acme.test>")
		if err := out.Assert(w.t.Context(), `"Dupont SA" <sip:+33145678901@carrier.test>`); err != nil {
			t.Fatal(err)
		}
		w.sees(in, `"Dupont SA"`, "<sip:+33145678901@paris.acme.test>")
		if err := in.Assert(w.t.Context(), `"The President" <sip:+33142928100@paris.acme.test>`); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if out.Requests("UPDATE") != 0 {
			t.Error("what a phone says of itself was passed on")
		}
		w.bye(in)
		w.gone(out, time.Second)

		in, out = dial(softphone.Header{Name: "P-Asserted-Identity", Value: `"Standard" <sip:0612345678@carrier.test>`})
		w.sees(in, `"Standard"`, "<sip:+33612345678@paris.acme.test>")
		if in.Requests("UPDATE") != 0 {
			t.Error("the answer did not tell who answered")
		}
		if err := out.Assert(w.t.Context(), "<sip:+33612345678@carrier.test;user=phone>"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if in.Requests("UPDATE") != 0 {
			t.Error("the same number in another form was told as a change")
		}
		w.bye(in)
		w.gone(out, time.Second)
	})
}

// TestHistoryIsTold tells phones and trunks what a forwarded call has been through, by History-Info (RFC 7044) and Diversion
// (RFC 5806), and to phones nothing of lines that withhold their number.
func TestHistoryIsTold(t *testing.T) {
	find := func(m *softphone.Message, name string) string { return strings.Join(m.All(name), ", ") }
	for _, tt := range []struct {
		name    string
		edit    func(*directory.Site)
		history []string // to the carrier, in order
		hidden  bool
	}{
		{"twice", func(*directory.Site) {}, []string{
			"<sip:+33170001202@paris.acme.test?Reason=SIP%3Bcause=302%3Btext=%22Moved%20Temporarily%22>;index=1",
			"<sip:+33170001203@paris.acme.test;cause=302?Reason=SIP%3Bcause=486%3Btext=%22Busy%20Here%22>;index=1.1;mp=1",
			";cause=486>;index=1.1.1;mp=1.1",
		}, false},
		{"by a line that withholds its number", func(s *directory.Site) { s.Users[1].CLIR = true }, []string{
			"%22&Privacy=history>;index=1", ";index=1.1;mp=1", ";index=1.1.1;mp=1.1",
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].Users[1].Forwards.Always, e.Sites[0].Users[2].Forwards.Busy = "203", "0612345678"
			tt.edit(e.Sites[0])
			inWorldOf(t, e, func(w *world) {
				carrier := w.carrier()
				alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
				in := camille.rings(w)
				for _, name := range []string{"History-Info", "Diversion"} {
					if told := find(in.Request(), name); strings.Contains(told, "1202") == tt.hidden || told == "" {
						t.Errorf("a phone is told %s: %s", name, told)
					}
				}
				in.Refuse(486)
				out := carrier.rings(w)
				told := find(out.Request(), "History-Info")
				at := 0
				for _, want := range tt.history {
					i := strings.Index(told[at:], want)
					if i < 0 {
						t.Errorf("History-Info: %s\nlacks %s", told, want)
						break
					}
					at += i
				}
				diversions := out.Request().All("Diversion")
				if len(diversions) != 2 || !strings.Contains(diversions[0], "+33170001203") || !strings.Contains(diversions[1], "+33170001202") {
					t.Fatalf("Diversion %q, want the latest first", diversions)
				}
				if strings.Contains(diversions[1], "privacy=full") != tt.hidden {
					t.Errorf("Diversion %q", diversions[1])
				}
				out.Refuse(486)
				w.status(call)
			})
		})
	}
}

// TestHistoryGoesOn continues the history that a trunk's call comes with, and shows no private part of it to a phone.
func TestHistoryGoesOn(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[1].Forwards.Always = "203"
	inWorldOf(t, e, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), w.trunk(), "sip:+33170001202@192.0.2.10", softphone.InviteOptions{Headers: []softphone.Header{
			{Name: "History-Info", Value: "<sip:+33145000001@carrier.test?Privacy=history>;index=1, <sip:+33170001202@192.0.2.10;cause=302>;index=1.1;mp=1"},
			{Name: "Diversion", Value: "<sip:+33145000001@carrier.test>;reason=unconditional;privacy=full"},
		}})
		in := camille.rings(w)
		told := strings.Join(append(in.Request().All("History-Info"), in.Request().All("Diversion")...), "\n")
		if strings.Contains(told, "+33145000001") {
			t.Errorf("a phone is told of who withholds its number: %s", told)
		}
		if !strings.Contains(told, ";index=1.1.1;mp=1.1") || !strings.Contains(told, "+33170001202@paris.acme.test>;reason=unconditional") {
			t.Errorf("a phone is told %s", told)
		}
		in.Refuse(486)
		w.status(call)
	})
}

// TestPickupShowsPeers tells the caller who picked its call up, and that one who calls.
func TestPickupShowsPeers(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
		call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := bruno.rings(w)
		in.Ring(180)
		time.Sleep(time.Second)
		c := w.up(w.dial(w.t.Context(), camille.Phone, "sip:*97202@paris.acme.test", softphone.InviteOptions{}))
		a := w.up(call)
		w.sees(a, camilleID)
		w.sees(c, aliceID)
		w.bye(c)
		w.gone(a, time.Second)
	})
}

// TestPhoneIsToldAgain tells a phone who is there once it takes it: one that could not before, and one that takes neither UPDATE
// nor offers is left in peace.
func TestPhoneIsToldAgain(t *testing.T) {
	transfer := func(w *world, camille *ringing, refuse func()) (c, b *softphone.Call) {
		alice, bruno := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37")
		call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
		c = w.take(camille.rings(w))
		a := w.up(call)
		refuse()
		if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
			w.t.Fatal(err)
		}
		b = w.take(bruno.rings(w))
		w.gone(a, 2*time.Second)
		return c, b
	}
	inWorld(t, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		c, b := transfer(w, camille, func() { camille.AnswerWith("UPDATE", 491) })
		time.Sleep(2 * time.Second)
		camille.AnswerWith("UPDATE", 0)
		time.Sleep(2 * time.Second)
		w.sees(c, brunoID)
		w.bye(c)
		w.gone(b, time.Second)
	})
	inWorld(t, func(w *world) {
		camille := w.registered("+33170001203", "pC-0be5d2")
		asked := 0
		w.net.OnPacket(func(p memnet.Packet) memnet.Verdict {
			if p.Dst == camille.LocalAddr() && (p.Is("UPDATE") || p.Is("INVITE")) {
				asked++
			}
			return memnet.Verdict{}
		})
		c, b := transfer(w, camille, func() { camille.AnswerWith("UPDATE", 405); camille.AnswerWith("INVITE", 488) })
		time.Sleep(time.Minute)
		synctest.Wait()
		first := asked
		if first < 3 || first > 14 {
			t.Errorf("asked %d times in a minute", first)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if asked != first {
			t.Errorf("asked %d times more", asked-first)
		}
		w.bye(c)
		w.gone(b, time.Second)
	})
}
