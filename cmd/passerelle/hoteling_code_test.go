package main

import (
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/softphone"
)

// codeCall dials the hoteling code.
func (w *world) codeCall(p *softphone.Phone, digits string) *softphone.Call {
	w.t.Helper()
	return w.up(w.dial(w.t.Context(), p, "sip:"+digits+"@paris.acme.test", softphone.InviteOptions{}))
}

// enters presses keys once the prompt has begun.
func (w *world) enters(c *softphone.Call, digits string) {
	w.t.Helper()
	w.types(c, digits, softphone.DigitOptions{})
	time.Sleep(time.Second)
}

// in wants a guest, by extension, on a host phone of Paris; empty is nobody.
func (w *world) in(host, guest string) {
	w.t.Helper()
	a, taken := w.house.desk.On(w.user(host).Ref)
	if want := guest != ""; taken != want || want && a.Guest != w.user(guest).Ref {
		w.t.Fatalf("on %s is %+v (%v), want %q\n%s", host, a, taken, guest, w.log.String())
	}
}

// TestHotelingByCode signs in and out on phones without keys for it: with extension and PIN by DTMF, with the extension behind
// the code, out at the host, and out from the guest's own phone. A phone that has the keys shows it too.
func TestHotelingByCode(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		own, camille := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2")

		c := w.codeCall(host.Phone, "*11") // extension and PIN
		w.enters(c, "202#")
		w.enters(c, brunoPIN+"#")
		w.gone(c, 10*time.Second)
		w.in("301", "202")
		host.as(host.next(), "202")
		w.logged("guest signed in", "by=code", "guest=+33170001202")

		call := w.dial(w.t.Context(), camille.Phone, "sip:202@paris.acme.test", softphone.InviteOptions{})
		in := w.take(host.rings(w))
		w.bye(w.up(call))
		w.gone(in, time.Second)

		c = w.codeCall(host.Phone, "*11") // nothing typed at the host
		w.gone(c, 30*time.Second)
		w.in("301", "202")
		c = w.codeCall(host.Phone, "*11") // out at the host; a wrong key first
		w.enters(c, "2")
		w.in("301", "202")
		w.enters(c, "1")
		w.gone(c, 10*time.Second)
		w.in("301", "")
		host.as(host.next(), "")

		c = w.codeCall(host.Phone, "*11202") // the extension behind the code
		w.enters(c, brunoPIN+"#")
		w.gone(c, 10*time.Second)
		w.in("301", "202")
		host.as(host.next(), "202")

		if got := w.status(w.dial(w.t.Context(), own.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})); got != 403 {
			t.Errorf("the guest's own phone calls: %s", statusError(got))
		}
		c = w.codeCall(own.Phone, "*11") // out from the guest's own phone
		w.enters(c, "1")
		w.gone(c, 10*time.Second)
		w.in("301", "")
		host.as(host.next(), "")

		c = w.codeCall(camille.Phone, "*11") // a phone that takes no guests, of a user who is nowhere
		w.gone(c, 10*time.Second)
		w.in("301", "")
	}, func(paris *directory.Site) { paris.Workspaces[0].Phone.Host.EnforceLimit = false })
}

// TestHotelingCodeRefuses: three tries; failures count for the same lock-outs as those of the keys.
func TestHotelingCodeRefuses(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		c := w.codeCall(host.Phone, "*11201")
		w.enters(c, "999999#")
		time.Sleep(3 * time.Second)
		for range 2 {
			w.enters(c, "201#")
			w.enters(c, "999999#")
			time.Sleep(3 * time.Second)
		}
		w.gone(c, 10*time.Second)
		w.in("301", "")
		for range 2 {
			host.as(host.guestIn("201", "999999"), "")
		}
		host.as(host.guestIn("201", alicePIN), "") // locked by both roads together
		if r := w.house.desk.Refusals(); len(r) != 6 || r[0].Cause != hoteling.Locked || r[5].By != hoteling.ByCode {
			t.Errorf("refusals %+v", r)
		}
		c = w.codeCall(host.Phone, "*11201")
		w.enters(c, alicePIN+"#")
		time.Sleep(3 * time.Second)
		w.bye(c) // in the middle
		w.in("301", "")
		time.Sleep(15 * time.Minute)
		c = w.codeCall(host.Phone, "*11201")
		w.enters(c, alicePIN+"#")
		w.gone(c, 10*time.Second)
		w.in("301", "201")
		// Nothing typed ends the call.
		host.as(host.guestOut(), "201") // the NOTIFY of the sign-in
		host.as(host.next(), "")
		c = w.codeCall(host.Phone, "*11")
		w.gone(c, 30*time.Second)
	})
}
