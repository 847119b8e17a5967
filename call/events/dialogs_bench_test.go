package events

import (
	"fmt"
	"testing"

	"passerelle/sip"
)

// BenchmarkPost is what one call costs that nobody watches, from its first state to its last.
func BenchmarkPost(b *testing.B) {
	d := NewDialogs(DialogsConfig{})
	b.ReportAllocs()
	for i := range b.N {
		aor := sip.AOR(fmt.Sprintf("%d@site.test", i%10000))
		for _, state := range []DialogState{Trying, Early, Confirmed, Terminated} {
			d.Post(aor, Dialog{ID: "x", State: state, Direction: Recipient, Local: Participant{URI: aor.URI()}})
		}
	}
}
