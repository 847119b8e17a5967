package softphone

import (
	"net/netip"
	"testing"
	"time"
)

// TestPacerLeavesOutWhatIsTooLate steps a pacer by hand: one packet per packet time, and after a stall a gap in the
// timestamps instead of a burst.
func TestPacerLeavesOutWhatIsTooLate(t *testing.T) {
	p := NewPacer()
	m := newMedia(20*time.Millisecond, time.Second)
	port, err := p.open(netip.MustParseAddr("127.0.0.1"), m)
	if err != nil {
		t.Fatal(err)
	}
	defer port.close()
	var sent []rtpHeader
	m.write = func(pkt []byte, _ netip.AddrPort) error {
		h, _, _ := parseRTP(pkt)
		sent = append(sent, h)
		return nil
	}
	m.connect(netip.MustParseAddrPort("127.0.0.1:9"), PCMU, 0, 0, true)
	now := time.Now()
	tick := 0
	for range 12 { // 60 ms
		p.step(tick, 0, now, 0)
		tick++
	}
	if len(sent) != 3 || sent[2].ts-sent[0].ts != 320 || sent[0].marker == sent[1].marker {
		t.Fatalf("sent %+v", sent)
	}
	tick += 40 // 200 ms
	p.step(tick, 40, now, 200*time.Millisecond)
	last := sent[len(sent)-1]
	if len(sent) != 4 || last.seq != sent[2].seq+1 || !last.marker {
		t.Fatalf("after the stall: %+v", sent[3:])
	}
	if jump := last.ts - sent[2].ts; jump != 160*10 {
		t.Errorf("timestamps jump by %d samples, want 200 ms", jump)
	}
	if h := p.Health(); h.Skipped != 40 || h.LateMax != 200*time.Millisecond || h.Ticks != 13 {
		t.Errorf("health %+v", h)
	}
	p.ResetHealth()
	if h := p.Health(); h != (Health{}) {
		t.Errorf("a new window begins with %+v", h)
	}
}

func TestPacerRefusesOddPacketTimes(t *testing.T) {
	if _, err := NewPacer().open(netip.MustParseAddr("127.0.0.1"), newMedia(22*time.Millisecond, time.Second)); err == nil {
		t.Error("took 22 ms")
	}
}
