package media

import (
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

// relayed runs a test in a bubble with two phones that hear tones of each other.
func relayed(t *testing.T, test func(t *testing.T, n *memnet.Network, a, b *relayPhone)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 20)
		a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{})
		b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
		test(t, n, a, b)
	})
}

func TestRelayCarriesBothWays(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		converse(2*time.Second, a, b)
		a.wantHears(b, true)
		b.wantHears(a, true)
		if a.side.NeedsOffer() || b.side.NeedsOffer() {
			t.Error("a call as agreed needs an offer")
		}
		st := a.side.State().Audio
		if !st.Active || st.Codec != "PCMU" || st.Received != 100 || st.Lost != 0 || st.Sent < 99 || st.Holding || !st.PeerMaySend {
			t.Errorf("state %+v", st)
		}
	})
}
