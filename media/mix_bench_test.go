package media

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"passerelle/media/mediatest"
)

// scriptedConn is a peer that sends one packet per tick and takes what it gets, without a socket.
type scriptedConn struct {
	local  netip.AddrPort
	from   netip.AddrPort
	packet []byte
	armed  bool
	sent   int
	last   []byte
}

func (c *scriptedConn) TryRead(b []byte) (int, netip.AddrPort, bool) {
	if !c.armed {
		return 0, netip.AddrPort{}, false
	}
	c.armed = false
	n := copy(b, c.packet)
	binary.BigEndian.PutUint16(c.packet[2:], binary.BigEndian.Uint16(c.packet[2:])+1)
	binary.BigEndian.PutUint32(c.packet[4:], binary.BigEndian.Uint32(c.packet[4:])+160)
	return n, c.from, true
}

func (c *scriptedConn) WriteTo(b []byte, _ netip.AddrPort) error {
	c.sent++
	c.last = append(c.last[:0], b...)
	return nil
}

func (c *scriptedConn) LocalAddrPort() netip.AddrPort { return c.local }
func (c *scriptedConn) Close() error                  { return nil }

// scriptedBridge is a mixer with talkers that send a tone each; those of no amplitude send silence.
func scriptedBridge(tb testing.TB, amplitudes ...float64) (*Mixer, []*scriptedConn) {
	tb.Helper()
	ports, err := NewPorts(PortsConfig{
		Host: netip.MustParseAddr("192.0.2.1"), Min: 10000, Max: 10999, Drain: -1,
		Listen: func(a netip.AddrPort) (Conn, error) { return &scriptedConn{local: a}, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	m := NewMixer(MixerConfig{})
	var conns []*scriptedConn
	for i, amp := range amplitudes {
		s, err := NewSession(ports, SessionConfig{})
		if err != nil {
			tb.Fatal(err)
		}
		c := s.pair.rtp.(*scriptedConn)
		c.from = netip.MustParseAddrPort("198.51.100.7:4000")
		c.packet = make([]byte, rtpHeaderLen+160)
		law := []Codec{PCMU, PCMA}[i%2]
		pt := uint8(8 * (i % 2))
		putRTPHeader(c.packet, false, pt, uint16(i), 0, uint32(i))
		encodeG711(law, c.packet[rtpHeaderLen:], mediatest.Tone(scriptedTone(i), amp, 8000, 0, 160))
		s.params.Store(newSessionParams(negotiated{
			Remote: c.from, Codec: law, PT: pt, Ptime: 20, SendAllowed: true, ReceiveAllowed: true,
		}))
		if err := m.attach(s); err != nil {
			tb.Fatal(err)
		}
		conns = append(conns, c)
	}
	return m, conns
}

// scriptedTone is a tone that a frame repeats without a seam.
func scriptedTone(i int) float64 { return float64(400 + 150*i) }

func (m *Mixer) scriptedTick(now *time.Time, conns []*scriptedConn) {
	for _, c := range conns {
		c.armed = true
	}
	m.mixOnce(*now)
	*now = now.Add(frameTime)
}

func benchmarkMix(b *testing.B, amplitudes ...float64) {
	m, conns := scriptedBridge(b, amplitudes...)
	now := time.Now()
	for range 100 {
		m.scriptedTick(&now, conns)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.scriptedTick(&now, conns)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(amplitudes)), "ns/leg")
}

func talkers(n, of int, amp float64) []float64 {
	a := make([]float64, of)
	for i := range n {
		a[i] = amp
	}
	return a
}

// Everyone talks: fifteen mixes, fifteen encodings.
func BenchmarkMixOnce15(b *testing.B) { benchmarkMix(b, talkers(15, 15, 1500)...) }

// One talks: fourteen share one encoding per codec.
func BenchmarkMixOnce15OneTalker(b *testing.B) { benchmarkMix(b, talkers(1, 15, 1500)...) }

// Everyone shouts: every mix passes its limiter.
func BenchmarkMixOnce15Loud(b *testing.B) { benchmarkMix(b, talkers(15, 15, 20000)...) }

func TestMixOnceAllocatesNothing(t *testing.T) {
	for name, amplitudes := range map[string][]float64{
		"all talk": talkers(15, 15, 1500), "one talks": talkers(1, 15, 1500), "all shout": talkers(15, 15, 20000),
	} {
		m, conns := scriptedBridge(t, amplitudes...)
		now := time.Now()
		for range 100 {
			m.scriptedTick(&now, conns)
		}
		// Six seconds, so that reports are among them; the best of a few, since what else allocates is counted too.
		least := 1e9
		for i := 0; i < 5 && least > 0; i++ {
			least = min(least, testing.AllocsPerRun(1, func() {
				for range 300 {
					m.scriptedTick(&now, conns)
				}
			}))
		}
		if least > 0 {
			t.Errorf("%s: %v allocations in 300 ticks", name, least)
		}
	}
}
