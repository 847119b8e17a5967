package main

import (
	"context"
	"strconv"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/softphone"
)

// TestGuestSurvivesRestart: a server that starts again knows who is where, for how long, and shows it on phones that subscribe.
func TestGuestSurvivesRestart(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		host, _ := w.host()
		host.as(host.guestIn("201", alicePIN), "201")
		signedIn := time.Now()
		time.Sleep(time.Minute)
		_ = host.Close()
		w.stop()
		for range w.ended { // closed at the end
		}
		time.Sleep(time.Minute)

		e, err := w.config.store.Load(w.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		again := newWorld(w.t, e, w.config.store)
		host, first := again.host()
		kept, err := w.config.store.LoadAssociations(w.t.Context())
		if err != nil || len(kept) != 1 || !kept[0].Until.Equal(signedIn.Add(8*time.Hour)) {
			t.Fatalf("stored %+v, %v; signed in at %v", kept, err, signedIn)
		}
		if want := (shown{guest: "201", expires: strconv.Itoa(int(time.Until(kept[0].Until).Seconds()))}); first != want {
			t.Errorf("the phone shows %+v, want %+v", first, want)
		}
		camille := again.registered("+33170001203", "pC-0be5d2")
		call := again.dial(w.t.Context(), camille.Phone, "sip:201@paris.acme.test", softphone.InviteOptions{})
		c := again.take(host.rings(again))
		again.bye(again.up(call))
		again.gone(c, time.Second)

		// A setting that ends the stay is shown at once.
		if err := again.config.SetUser(context.Background(), again.user("201").Ref, func(u *directory.User) { u.Guest.Enabled = false }); err != nil {
			t.Fatal(err)
		}
		host.as(host.next(), "")
		if list, err := w.config.store.LoadAssociations(context.Background()); err != nil || len(list) != 0 {
			t.Errorf("stored %+v, %v", list, err)
		}
		again.logged("guest signed out", "by="+string(hoteling.BySettings))
		again.close()
	})
}
