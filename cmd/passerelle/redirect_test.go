package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/softphone"
)

// redirected is Alice calling Bruno, whose phone sends the call to some places.
func (w *world) redirected(bruno *ringing, places ...string) <-chan outcome {
	w.t.Helper()
	call := w.dial(w.t.Context(), w.alice(), "sip:202@paris.acme.test", softphone.InviteOptions{})
	bruno.rings(w).Redirect(places...)
	return call
}

// TestRedirectInOrder tries every place that a phone names, the most wanted first, until one answers (RFC 3261 §8.1.3.4).
func TestRedirectInOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		bruno, camille, carrier := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2"), w.carrier()
		call := w.redirected(bruno, "<sip:0612345678@paris.acme.test>;q=0.3", "<sip:299@paris.acme.test>;q=0.9", "<sip:203@paris.acme.test>;q=0.7", "<sip:203@paris.acme.test>;q=0.5")
		camille.rings(w).Refuse(486)
		in := carrier.rings(w)
		if d := in.Request().All("Diversion"); len(d) != 1 || !strings.Contains(d[0], "+33170001202@") {
			t.Errorf("Diversion %q", d)
		}
		c := w.take(in)
		w.bye(w.up(call))
		w.gone(c, time.Second)
		camille.silent(w, time.Second)
	})
}

// TestRedirectInVain tells the caller what became of the places, and never to go elsewhere by itself.
func TestRedirectInVain(t *testing.T) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf("sip:29%d@paris.acme.test;n=%d", i%10, i)
	}
	for _, tt := range []struct {
		name   string
		places []string
		busy   int // what Camille says, 0 if she is not asked
		want   int
	}{
		{"busy, and nobody", []string{"sip:203@paris.acme.test", "sip:299@paris.acme.test"}, 486, 486},
		{"declined for all", []string{"sip:203@paris.acme.test", "sip:0612345678@paris.acme.test"}, 603, 603},
		{"nobody", []string{"sip:299@paris.acme.test"}, 0, 480},
		{"itself", []string{"sip:202@paris.acme.test"}, 0, 480},
		{"nowhere", nil, 0, 480},
		{"many", many, 0, 480},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				bruno, camille, carrier := w.registered("+33170001202", "pB-91aa37"), w.registered("+33170001203", "pC-0be5d2"), w.carrier()
				if tt.name == "itself" { // its phone sends the call back, again and again
					go func() {
						for range 20 {
							select {
							case in := <-bruno.calls:
								in.Redirect(tt.places...)
							case <-w.t.Context().Done():
								return
							}
						}
					}()
					if got := w.status(w.dial(w.t.Context(), w.alice(), "sip:202@paris.acme.test", softphone.InviteOptions{})); got != tt.want {
						t.Errorf("got %s, want %s", statusError(got), statusError(tt.want))
					}
					return
				}
				call := w.redirected(bruno, tt.places...)
				if tt.busy != 0 {
					camille.rings(w).Refuse(tt.busy)
				}
				if got := w.status(call); got != tt.want {
					t.Errorf("got %s, want %s", statusError(got), statusError(tt.want))
				}
				carrier.silent(w, time.Second)
			})
		})
	}
}
