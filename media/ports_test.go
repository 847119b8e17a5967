package media

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

// Every pair of the range can be had once, then none, and after the drain all again.
func TestPortsExhaustAndDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ports := memPorts(t, memnet.New(), 10)
		for round := range 5 {
			seen := map[uint16]bool{}
			var open []*Session
			for range 10 {
				s, err := NewSession(ports, SessionConfig{})
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				at := s.pair.rtp.LocalAddrPort().Port()
				if at%2 != 0 || s.pair.rtcp.LocalAddrPort().Port() != at+1 || seen[at] {
					t.Fatalf("pair %d twice or odd", at)
				}
				seen[at] = true
				open = append(open, s)
			}
			if ports.InUse() != 10 {
				t.Fatalf("%d in use, want 10", ports.InUse())
			}
			if _, err := NewSession(ports, SessionConfig{}); !errors.Is(err, ErrNoPorts) {
				t.Fatalf("eleventh: %v", err)
			}
			for i, s := range open {
				s.Close()
				s.Close() // twice is once
				if got := ports.InUse(); got != 9-i {
					t.Fatalf("%d in use after %d were closed", got, i+1)
				}
			}
			if _, err := NewSession(ports, SessionConfig{}); !errors.Is(err, ErrNoPorts) {
				t.Fatalf("a pair is given out while it drains: %v", err)
			}
			time.Sleep(2*time.Second + time.Millisecond)
		}
	})
}

// A pair that is still sent to is not given out, but not for ever.
func TestPortsWaitForTheFormerPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 1)
		l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
		l.s.Close()
		free := time.Duration(0)
		for ; free < time.Minute; free += frameTime {
			if s, err := NewSession(ports, SessionConfig{}); err == nil {
				s.Close()
				break
			}
			if free < 5*time.Second {
				l.talk()
			}
			time.Sleep(frameTime)
		}
		if free < 6*time.Second || free > 10*time.Second {
			t.Errorf("free after %v, want one quiet drain time after 5 s of packets", free)
		}
	})
}

// Ports that another program holds are passed over, and when nothing else is left that is told.
func TestPortsBoundByOthers(t *testing.T) {
	host := netip.MustParseAddr("127.0.0.1")
	var held []*net.UDPConn
	base := uint16(0)
	for base == 0 { // a pair of pairs that nobody has
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: host.AsSlice()})
		if err != nil {
			t.Fatal(err)
		}
		at := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if at%2 == 1 && at < 65000 {
			base = at - 1 // the odd port of the first pair is taken
			held = append(held, c)
		} else {
			c.Close()
		}
	}
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	ports, err := NewPorts(PortsConfig{Host: host, Min: base, Max: base + 3, Drain: -1})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(ports, SessionConfig{})
	if err != nil {
		t.Skipf("the second pair is taken on this machine: %v", err)
	}
	if at := s.pair.rtp.LocalAddrPort().Port(); at != base+2 {
		t.Errorf("got port %d, which another program holds half of", at)
	}
	if _, err := NewSession(ports, SessionConfig{}); !errors.Is(err, ErrNoPorts) {
		t.Errorf("got %v, want %v", err, ErrNoPorts)
	}
	s.Close()
	if ports.InUse() != 0 {
		t.Errorf("%d in use", ports.InUse())
	}
}

// Whatever is done to sessions in whatever order and from wherever, no pair is lost.
func TestPortsDoNotLeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 200)
		ctx, cancel := context.WithCancel(t.Context())
		var mixers [3]*Mixer
		var running sync.WaitGroup
		for i := range mixers {
			mixers[i] = NewMixer(MixerConfig{Isolated: i == 0})
			running.Go(func() {
				if err := mixers[i].Run(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		var wg sync.WaitGroup
		var open atomic.Int32
		for i := range 100 {
			wg.Go(func() {
				s, err := NewSession(ports, SessionConfig{})
				if err != nil {
					t.Error(err)
					return
				}
				s.Play(NewPlayback(make([]int16, 1600)))
				for k := range i % 5 {
					m := mixers[(i+k)%3]
					if err := m.Attach(ctx, s); err != nil && !errors.Is(err, ErrSessionClosed) {
						t.Error(err)
					}
					time.Sleep(time.Duration(i%7) * 9 * time.Millisecond)
					if (i+k)%4 == 0 {
						s.Close() // while attached
					}
					if err := m.Detach(ctx, s); err != nil && !errors.Is(err, ErrNotAttached) {
						t.Error(err)
					}
				}
				if i%3 == 0 {
					if err := mixers[2].Attach(ctx, s); err != nil && !errors.Is(err, ErrSessionClosed) {
						t.Error(err)
					}
					if i%2 == 0 {
						if !s.ending.Load() {
							open.Add(1)
						}
						return // the mixer's end and Close find each other below
					}
				}
				s.Close()
			})
		}
		wg.Wait()
		time.Sleep(time.Second)
		if got, want := ports.InUse(), int(open.Load()); got != want || want == 0 {
			t.Errorf("%d pairs in use, want those of the %d sessions that stand in a mixer", got, want)
		}
		left := mixers[2].sessionsForTest(t)
		cancel()
		running.Wait()
		for _, s := range left {
			s.Close()
		}
		if got := ports.InUse(); got != 0 {
			t.Errorf("%d pairs in use after all", got)
		}
		time.Sleep(time.Minute)
		ports.mu.Lock()
		defer ports.mu.Unlock()
		if len(ports.taken) != 0 {
			t.Errorf("%d pairs bound after the drain", len(ports.taken))
		}
	})
}

func (m *Mixer) sessionsForTest(t *testing.T) (all []*Session) {
	t.Helper()
	if err := m.do(t.Context(), func() error { all = append(all, m.sessions...); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPortsRange(t *testing.T) {
	for _, c := range []struct {
		min, max uint16
		pairs    int
	}{{10000, 10001, 1}, {10001, 10003, 1}, {10000, 19999, 5000}, {65534, 65535, 1}} {
		p, err := NewPorts(PortsConfig{Min: c.min, Max: c.max})
		if err != nil || p.Capacity() != c.pairs {
			t.Errorf("%d-%d: %v, want %d pairs", c.min, c.max, err, c.pairs)
		}
	}
	for _, c := range [][2]uint16{{0, 100}, {10000, 10000}, {10001, 10002}, {20000, 10000}} {
		if _, err := NewPorts(PortsConfig{Min: c[0], Max: c[1]}); err == nil {
			t.Errorf("%v is taken for a range", c)
		}
	}
}
