package media

import (
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

// wantContinuous checks that what a phone received is one stream: one SSRC, numbers without a jump, timestamps that follow
// the clock on the wall, and no gap longer than the given one.
func wantContinuous(t *testing.T, p *relayPhone, gap time.Duration) {
	t.Helper()
	if len(p.packets) == 0 {
		t.Fatalf("%v received nothing", p.at)
	}
	for i := 1; i < len(p.packets); i++ {
		was, is := p.packets[i-1], p.packets[i]
		if is.ssrc != was.ssrc {
			t.Fatalf("packet %d: SSRC %08x after %08x", i, is.ssrc, was.ssrc)
		}
		if step := is.seq - was.seq; step == 0 || step > uint16(gap/frameTime) {
			t.Fatalf("packet %d: number %d after %d", i, is.seq, was.seq)
		}
		if pause := p.arrived[i].Sub(p.arrived[i-1]); pause > gap {
			t.Errorf("packet %d: %v of silence", i, pause)
		}
		since := p.arrived[i].Sub(p.arrived[0])
		if off := time.Duration(is.ts-p.packets[0].ts)*time.Second/8000 - since; max(off, -off) > 60*time.Millisecond {
			t.Fatalf("packet %d: timestamps are %v from the clock after %v", i, off, since)
		}
	}
}

// TestRelaySourceSwitch: a phone that becomes another source every five seconds, in each way that is known of phones and
// servers, is one source for the other side.
func TestRelaySourceSwitch(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		for _, change := range []func(){
			func() {},
			func() { a.ssrc, a.seq, a.ts = 1, 1, 1 },
			func() { a.ssrc = 2 },
			func() { a.seq -= 8618 },
			func() { a.seq, a.ts = 0, 0 },
			func() { a.ts += 1 << 30 },
			func() { a.ssrc, a.seq, a.ts = 1, 65530, 1<<32-800 },
			func() { a.ssrc = 2; a.seq += 20000 },
		} {
			change()
			converse(5*time.Second, a, b)
			b.wantHears(a, true)
		}
		wantContinuous(t, b, 60*time.Millisecond)
		wantContinuous(t, a, 60*time.Millisecond)
	})
}

// TestRelayTransfer: the callee is replaced, twice: the caller hears one stream throughout, and those who come hear the caller.
func TestRelayTransfer(t *testing.T) {
	relayed(t, func(t *testing.T, n *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		converse(3*time.Second, a, b)
		former := b
		for i, addr := range []string{"203.0.113.20:6000", "203.0.113.21:6000"} {
			c := newRelayPhone(t, n, a.side.relay, addr, PCMU, 1300+400*float64(i), SideConfig{})
			c.seq, c.ts = uint16(1000*i), 12345
			offer, err := c.side.Offer(a.side)
			if err != nil {
				t.Fatal(err)
			}
			c.hearsSDP(offer)
			if err := c.side.Answered(c.sdp()); err != nil {
				t.Fatal(err)
			}
			Join(a.side, c.side)
			if a.side.NeedsOffer() || c.side.NeedsOffer() {
				t.Error("the same format needs an offer")
			}
			former.side.Close()
			former.quiet = true
			converse(3*time.Second, a, c, former)
			a.wantHears(c, true)
			a.wantHears(former, false)
			c.wantHears(a, true)
			former = c
		}
		wantContinuous(t, a, 60*time.Millisecond)
		if st := a.side.State().Audio; st.Sent != uint64(len(a.packets)) {
			t.Errorf("sent %d, received %d", st.Sent, len(a.packets))
		}
	})
}

// TestRelayAttendedTransfer: the receptionist's two calls become one; the legs that stay come from two calls, on two loops.
func TestRelayAttendedTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := NewRelay(memPorts(t, n, 20), RelayConfig{Loops: 2})
		phone := func(addr string, tone float64) *relayPhone {
			return newRelayPhone(t, n, r, addr, PCMU, tone, SideConfig{HoldMusic: holdMusic})
		}
		a, b1 := phone("203.0.113.5:4000", 500), phone("203.0.113.9:5000", 900)
		b2, c := phone("203.0.113.9:5002", 1300), phone("203.0.113.20:6000", 1700)
		connect(t, a, b1)
		connect(t, b2, c)
		if a.side.loop == c.side.loop {
			t.Fatal("both calls are on one loop")
		}
		converse(time.Second, a, b1, b2, c)
		// She holds the first caller while she asks the third party.
		renegotiate(t, b1, a, "sendonly", "recvonly")
		b1.quiet = true
		converse(time.Second, a, b1, b2, c)
		if db := a.level(musicTone, 500*time.Millisecond); db < -20 {
			t.Errorf("music at %.1f dB", db)
		}
		Join(a.side, c.side)
		if !a.side.NeedsOffer() {
			t.Error("the caller was told to be silent and is told nothing new")
		}
		if c.side.NeedsOffer() {
			t.Error("the third party needs an offer")
		}
		offer, err := a.side.Offer(c.side)
		if err != nil {
			t.Fatal(err)
		}
		wantLine(t, string(offer), "a=sendrecv")
		a.hearsSDP(offer)
		if err := a.side.Answered(a.sdp()); err != nil {
			t.Fatal(err)
		}
		b1.side.Close()
		b2.side.Close()
		converse(2*time.Second, a, c)
		a.wantHears(c, true)
		c.wantHears(a, true)
		for _, p := range []*relayPhone{a, c} {
			wantContinuous(t, p, 60*time.Millisecond)
			if p.side.NeedsOffer() {
				t.Error("still needs an offer")
			}
		}
	})
}

// TestRelayForks: the caller hears the first who sends early media, then who has answered; the others are gone.
func TestRelayForks(t *testing.T) {
	relayed(t, func(t *testing.T, n *memnet.Network, a, b *relayPhone) {
		c := newRelayPhone(t, n, a.side.relay, "203.0.113.20:6000", PCMA, 1300, SideConfig{})
		offerTo(t, a, b)
		offer, err := c.side.Offer(a.side)
		if err != nil {
			t.Fatal(err)
		}
		c.hearsSDP(offer)
		early := answerFrom(t, b, a) // 183 of b
		converse(time.Second, a, b)
		a.wantHears(b, true)
		if err := c.side.Answered(c.sdp()); err != nil { // 200 of c, in the other law
			t.Fatal(err)
		}
		final, err := a.side.Answer(c.side)
		if err != nil || string(final) != early {
			t.Errorf("the offer has two answers (%v):\n%s%s", err, early, final)
		}
		Join(a.side, c.side)
		b.side.Close()
		if a.side.NeedsOffer() {
			t.Error("what we can make of the other law needs an offer")
		}
		converse(time.Second, a, c)
		a.wantHears(c, true)
		c.wantHears(a, true)
		wantContinuous(t, a, 60*time.Millisecond)
	})
}

// TestRelayLateOffer: an INVITE without an offer goes on without one; the answer's way is the other.
func TestRelayLateOffer(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		offerTo(t, b, a)
		answerFrom(t, a, b)
		converse(time.Second, a, b)
		a.wantHears(b, true)
		b.wantHears(a, true)
	})
}

// TestRelayEnds: a side that has closed gives its ports back, keeps its account, and takes nothing more; the goroutine ends
// with the last one.
func TestRelayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 8)
		a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{})
		b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
		connect(t, a, b)
		converse(time.Second, a, b)
		if got := r.ports.InUse(); got != 2 {
			t.Errorf("%d pairs for two sides", got)
		}
		a.side.Close()
		a.side.Close()
		b.side.Close()
		converse(100*time.Millisecond, a, b)
		if got := r.ports.InUse(); got != 0 {
			t.Errorf("%d pairs in use", got)
		}
		if len(b.control) == 0 || !saysBye(b.control[len(b.control)-1]) {
			t.Errorf("no goodbye among %d reports", len(b.control))
		}
		if st := a.side.State().Audio; st.Received != 50 {
			t.Errorf("state at the end %+v", st)
		}
		if err := a.side.Offered(a.sdp()); err == nil {
			t.Error("a closed side takes an offer")
		}
		for _, l := range r.loops {
			l.mu.Lock()
			if l.poll != nil {
				t.Error("a loop runs on without sides")
			}
			l.mu.Unlock()
		}
	})
}

func saysBye(compound []byte) bool {
	for {
		p, rest, ok := nextRTCP(compound)
		if !ok {
			return false
		}
		if p.kind == rtcpBYE {
			return true
		}
		compound = rest
	}
}
