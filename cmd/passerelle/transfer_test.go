package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// told waits until a transfer's outcome has been told to who asked for it.
func (w *world) told(c *softphone.Call, status string) {
	w.t.Helper()
	for range 100 {
		if slices.Contains(c.Progress(), "SIP/2.0 "+status) {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Errorf("told %q, want %s\n%s", c.Progress(), status, w.log.String())
}

// TestBlindTransfer is RFC 5359 §2.4 by either side: who was transferred talks with the target, who asked is rid of the call.
func TestBlindTransfer(t *testing.T) {
	for _, by := range []string{"caller", "callee"} {
		t.Run("by the "+by, func(t *testing.T) {
			inWorld(t, func(w *world) {
				bruno := w.registered("+33170001202", "pB-91aa37")
				asker, other := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
				if by == "callee" {
					asker, other = other, asker
				}
				if err := asker.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := asker.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
					t.Fatal(err)
				}
				in := bruno.rings(w)
				in.Ring(180)
				time.Sleep(2 * time.Second)
				b := w.take(in)
				w.told(asker, "200 OK")
				w.gone(asker, 2*time.Second)
				time.Sleep(time.Second)
				w.meet(other, b)
				w.bye(b)
				w.gone(other, time.Second)
			})
		})
	}
}

// TestBlindTransferFails tells the true outcome, and the call is as it was.
func TestBlindTransferFails(t *testing.T) {
	for name, tt := range map[string]struct {
		refuse int
		want   string
	}{
		"busy": {486, "486 Busy Here"}, "declined": {603, "603 Decline"}, "nobody there": {0, "404 Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				bruno := w.registered("+33170001202", "pB-91aa37")
				a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
				target := "sip:202@paris.acme.test"
				if tt.refuse == 0 {
					target = "sip:299@paris.acme.test"
				}
				if err := a.Refer(w.t.Context(), target); err != nil {
					t.Fatal(err)
				}
				if tt.refuse != 0 {
					bruno.rings(w).Refuse(tt.refuse)
				}
				w.told(a, tt.want)
				w.meet(a, c)
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}

// TestTransferorLeavesEarly hangs up right after its REFER, as many phones do; the transfer goes on, and its failure ends
// the call.
func TestTransferorLeavesEarly(t *testing.T) {
	for _, answered := range []bool{true, false} {
		inWorld(t, func(w *world) {
			bruno := w.registered("+33170001202", "pB-91aa37")
			a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
			if err := a.Refer(w.t.Context(), "sip:202@paris.acme.test"); err != nil {
				t.Fatal(err)
			}
			in := bruno.rings(w)
			w.bye(a)
			time.Sleep(time.Second)
			if !answered {
				in.Refuse(486)
				w.gone(c, 2*time.Second)
				return
			}
			b := w.take(in)
			time.Sleep(time.Second)
			w.meet(c, b)
			w.bye(c)
			w.gone(b, time.Second)
		})
	}
}

// TestTransferWithinCallingPlan keeps a line from calling by a transfer what it may not call.
func TestTransferWithinCallingPlan(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].Users[0].CallingPlan = directory.CallingPlan{Internal: true}
	inWorldOf(t, e, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		if err := a.Refer(w.t.Context(), "sip:0612345678@paris.acme.test"); err != nil {
			t.Fatal(err)
		}
		w.told(a, "403 Forbidden")
		alice, _ := w.live.Current().UserByNumber("+33170001201")
		if use := w.house.limits.Fraud.Use(alice); use.Refused != 1 || use.LastLimit != call.LimitPlan {
			t.Errorf("the guard has seen %+v", use)
		}
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestAttendedTransfer is RFC 5359 §2.5: a receptionist joins two calls of hers, whichever way each was set up.
func TestAttendedTransfer(t *testing.T) {
	for _, calls := range []string{"she called both", "she was called first"} {
		t.Run(calls, func(t *testing.T) {
			inWorld(t, func(w *world) {
				alice, bruno, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")
				var her, his *softphone.Call
				if calls == "she called both" {
					call := w.dial(w.t.Context(), alice.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
					his = w.take(bruno.rings(w))
					her = w.up(call)
				} else {
					call := w.dial(w.t.Context(), bruno.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
					her = w.take(alice.rings(w))
					his = w.up(call)
				}
				if err := her.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
				c := w.take(camille.rings(w))
				second := w.up(call)
				w.meet(second, c)
				if err := second.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := her.Consult(w.t.Context(), second); err != nil {
					t.Fatal(err)
				}
				w.told(her, "200 OK")
				w.gone(second, 2*time.Second)
				w.gone(her, 2*time.Second)
				time.Sleep(time.Second)
				w.meet(his, c)
				if err := c.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
					t.Fatal(err)
				}
				if err := c.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(his, c)
				w.bye(c)
				w.gone(his, time.Second)
			})
		})
	}
}

// TestAttendedTransferOfNothing names a dialog that is not there, and one of somebody else: the call stays.
func TestAttendedTransferOfNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		if err := a.Refer(w.t.Context(), "sip:203@paris.acme.test?Replaces=nothing%3Bto-tag%3Da%3Bfrom-tag%3Db"); err != nil {
			t.Fatal(err)
		}
		w.told(a, "481 Call/Transaction Does Not Exist")
		if err := a.Consult(w.t.Context(), c); err != nil { // camille's dialog
			t.Fatal(err)
		}
		w.told(a, "403 Forbidden")
		w.meet(a, c)
		w.bye(a)
		w.gone(c, time.Second)
	})
}

// TestInviteWithReplaces moves a call from one phone of a line to another (RFC 3891 §1).
func TestInviteWithReplaces(t *testing.T) {
	inWorld(t, func(w *world) {
		desk := w.registered("+33170001201", "pA-6d1f0c")
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		w.meet(a, c)
		moved := w.up(w.dial(w.t.Context(), desk.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{
			Headers: []softphone.Header{{Name: "Replaces", Value: a.Replaces()}, {Name: "Require", Value: "replaces"}},
		}))
		w.gone(a, 2*time.Second)
		time.Sleep(time.Second)
		w.meet(moved, c)
		w.bye(c)
		w.gone(moved, time.Second)
	})
}

// onlyG729 makes a description of the softphone's one that offers a single codec, which nobody else has.
var onlyG729 = strings.NewReplacer("RTP/AVP 0 8 101", "RTP/AVP 18", "a=rtpmap:0 PCMU/8000", "a=rtpmap:18 G729/8000", "a=rtpmap:8 PCMA/8000\r\n", "", "a=rtpmap:101 telephone-event/8000\r\n", "", "a=fmtp:101 0-15\r\n", "")

// TestReplacesThatIsRefusedLeavesCall: an INVITE with Replaces whose media cannot be taken ends no call (RFC 3891 §3).
func TestReplacesThatIsRefusedLeavesCall(t *testing.T) {
	inWorld(t, func(w *world) {
		desk := w.registered("+33170001201", "pA-6d1f0c")
		a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
		for name, edit := range map[string]func(string) string{
			"a profile that we do not know": func(sdp string) string { return strings.ReplaceAll(sdp, "RTP/AVP", "UDP/TLS/RTP/SAVPF") },
			"no session description":        func(string) string { return "v=0\r\n" },
			"no codec of the other side's":  func(sdp string) string { return onlyG729.Replace(sdp) },
		} {
			got := w.refused(desk.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{
				EditSDP: edit, Headers: []softphone.Header{{Name: "Replaces", Value: a.Replaces()}, {Name: "Require", Value: "replaces"}},
			})
			if got != 488 && got != 400 {
				t.Errorf("%s: %s", name, statusError(got))
			}
			w.meet(a, c)
		}
		w.bye(a)
		w.gone(c, time.Second)
	})
}
