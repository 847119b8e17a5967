package main

import (
	"slices"
	"testing"
	"time"

	"passerelle/softphone"
)

// TestAnswerDoesNotOvertakeProgress: a phone that tells of its progress and answers in the same instant is heard in that order.
func TestAnswerDoesNotOvertakeProgress(t *testing.T) {
	inWorld(t, func(w *world) {
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		progress := []int{180, 181, 182, 183}
		for range 100 {
			var codes []int
			call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{OnProvisional: func(m *softphone.Message) { codes = append(codes, m.Code) }})
			in := camille.rings(w)
			for _, code := range progress {
				in.Ring(code)
			}
			c := w.take(in)
			a := w.up(call)
			if codes = slices.DeleteFunc(codes, func(c int) bool { return c == 100 }); !slices.Equal(codes, progress) {
				t.Errorf("the caller has heard %v before the answer, want %v", codes, progress)
			}
			w.bye(a)
			w.gone(c, time.Second)
		}
	})
}
