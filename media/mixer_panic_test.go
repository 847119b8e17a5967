package media

import (
	"testing"
	"time"
)

// TestPanicOverOneSessionEndsThatSession breaks one of three sessions in the tick: it is let go and tells so, the mixer and
// the others go on.
func TestPanicOverOneSessionEndsThatSession(t *testing.T) {
	ports, err := NewPorts(PortsConfig{Min: 42000, Max: 42099})
	if err != nil {
		t.Fatal(err)
	}
	m := NewMixer(MixerConfig{})
	var all []*Session
	for range 3 {
		s, err := NewSession(ports, SessionConfig{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		if err := m.attach(s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	sick := all[1]
	sick.in.jitter = nil // a fault in the sound of one session
	now := time.Now()
	m.mixSafely(now)
	m.mixSafely(now.Add(frameTime))
	select {
	case <-sick.Broken():
	default:
		t.Error("the session does not tell that it is broken")
	}
	if len(m.sessions) != 2 || m.sessions[0] != all[0] || m.sessions[1] != all[2] {
		t.Errorf("%d sessions are left, want the two others", len(m.sessions))
	}
	if m.mix.ticks != 1 {
		t.Errorf("%d whole ticks, want the second one", m.mix.ticks)
	}
	if err := m.detach(sick); err == nil {
		t.Error("the mixer still has the session")
	}
}
