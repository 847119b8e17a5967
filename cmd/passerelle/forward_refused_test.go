package main

import (
	"testing"

	"passerelle/directory/sitefile"
	"passerelle/softphone"
)

// TestForwardingThatIsRefusedTellsOfTheLine: whoever calls a busy line hears that it is busy, though the line would forward
// where its calling plan does not let it. A line that forwards every call has nothing else to tell.
func TestForwardingThatIsRefusedTellsOfTheLine(t *testing.T) {
	for _, tt := range []struct {
		name   string
		always bool
		want   int
	}{{"when busy", false, 486}, {"always", true, 403}} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			if camille := e.Sites[0].Users[2]; tt.always {
				camille.Forwards.Always = "+12125550123"
			} else {
				camille.Forwards.Busy = "+12125550123"
			}
			inWorldOf(t, e, func(w *world) {
				camille := w.registered("+33170001203", "pC-0be5d2")
				call := w.dial(w.t.Context(), w.alice(), "sip:203@paris.acme.test", softphone.InviteOptions{})
				if !tt.always {
					camille.rings(w).Refuse(486)
				}
				if got := w.status(call); got != tt.want {
					t.Errorf("the caller got %s, want %s", statusError(got), statusError(tt.want))
				}
			})
		})
	}
}
