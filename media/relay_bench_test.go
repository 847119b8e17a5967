package media

import (
	"net/netip"
	"testing"
	"time"
)

// sink is a socket that takes everything.
type sink struct{ sent int }

func (*sink) TryRead([]byte) (int, netip.AddrPort, bool) { return 0, netip.AddrPort{}, false }
func (k *sink) WriteTo([]byte, netip.AddrPort) error     { k.sent++; return nil }
func (*sink) LocalAddrPort() netip.AddrPort              { return netip.AddrPort{} }
func (*sink) Close() error                               { return nil }

// relayPath is the way of a packet through the relay without the kernel.
type relayPath struct {
	from, to *stream
	src      netip.AddrPort
	out      *srtpOut // of the phone
	buf      [maxDatagram + srtpOverhead]byte
	seq      uint16
	ts       uint32
	now      time.Time
	arrived  *sink
}

// newRelayPath makes the way between two agreed lines.
func newRelayPath(from, to Codec, suiteFrom, suiteTo srtpSuite) *relayPath {
	p := &relayPath{src: netip.MustParseAddrPort("203.0.113.5:4000"), now: time.Now(), arrived: &sink{}}
	line := func(law Codec, suite srtpSuite) (*sideLine, *stream) {
		f := []relayFormat{lawFormat(law)}
		l := &sideLine{kind: "audio", agreed: f, remote: relayMedia{kind: "audio", addr: p.src, formats: f}, local: relayLine{formats: f}}
		if suite != plainRTP {
			in, out := newSRTPKey(1, suite), newSRTPKey(1, suite)
			l.in, l.out = &in, &out
		}
		s := &stream{kind: "audio", metrics: NewMetrics(nil), pair: &portPair{rtp: p.arrived, rtcp: p.arrived}}
		s.o.init()
		s.adopt(l.params(), p.now)
		return l, s
	}
	a, x := line(from, suiteFrom)
	b, y := line(to, suiteTo)
	x.join(y, newRelayRoute(a, b))
	y.join(x, newRelayRoute(b, a))
	p.from, p.to = x, y
	if a.in != nil {
		p.out = newSRTPOut(*a.in)
	}
	putRTPHeader(p.buf[:], false, lawFormat(from).pt, 0, 0, 7)
	return p
}

// packet sends the next one.
func (p *relayPath) packet() {
	b := p.buf[:rtpHeaderLen+160]
	putRTPHeader(b, false, b[1], p.seq, p.ts, 7)
	b[1] = lawFormat(PCMU).pt
	if p.out != nil {
		b, _ = p.out.packet(b)
	}
	p.seq++
	p.ts += 160
	p.now = p.now.Add(frameTime)
	p.from.receive(b, p.src, p.now)
}

var relayPaths = []struct {
	name     string
	to       Codec
	from, tu srtpSuite
}{
	{"plain", PCMU, plainRTP, plainRTP},
	{"transcoded", PCMA, plainRTP, plainRTP},
	{"from AES_CM_80", PCMU, aesCM80, plainRTP},
	{"to AES_CM_80", PCMU, plainRTP, aesCM80},
	{"AES_CM_80 to GCM", PCMU, aesCM80, aeadAES256},
	{"GCM to AES_CM_32", PCMU, aeadAES256, aesCM32},
}

// TestRelayAllocatesNothing: a packet costs no memory, secured or not.
func TestRelayAllocatesNothing(t *testing.T) {
	for _, tt := range relayPaths {
		t.Run(tt.name, func(t *testing.T) {
			p := newRelayPath(PCMU, tt.to, tt.from, tt.tu)
			for range 100 {
				p.packet()
			}
			least := testing.AllocsPerRun(1, p.packet)
			for range 500 { // the race detector has pools forget
				least = min(least, testing.AllocsPerRun(1, p.packet))
			}
			if least != 0 {
				t.Errorf("%v allocations per packet", least)
			}
			if p.arrived.sent != 100+2*501 {
				t.Errorf("%d packets of %d passed", p.arrived.sent, 100+2*501)
			}
		})
	}
}

// BenchmarkRelayPacket is a packet's way through our code, the phone's own encryption included.
func BenchmarkRelayPacket(b *testing.B) {
	for _, tt := range relayPaths {
		b.Run(tt.name, func(b *testing.B) {
			p := newRelayPath(PCMU, tt.to, tt.from, tt.tu)
			b.ReportAllocs()
			for b.Loop() {
				p.packet()
			}
		})
	}
}
