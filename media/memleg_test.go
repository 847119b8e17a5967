package media

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// memLeg is a phone on the network in memory and the session that serves it.
type memLeg struct {
	t       *testing.T
	conn    *memnet.PacketConn
	s       *Session
	law     Codec
	tone    float64
	amp     float64
	ptime   int
	ssrc    uint32
	seq     uint16
	ts      uint32
	sent    int
	packets []rtpPacket // received, in order
	got     []int16
	control [][]byte // received RTCP
}

var serverAddr = netip.MustParseAddr("198.51.100.1")

func memPorts(t *testing.T, n *memnet.Network, pairs int) *Ports {
	t.Helper()
	p, err := NewPorts(PortsConfig{
		Host: serverAddr, Min: 10000, Max: uint16(10000 + 2*pairs - 1),
		Listen: func(a netip.AddrPort) (Conn, error) {
			c, err := n.ListenPacket(a)
			if err != nil {
				return nil, err
			}
			return PollConn(c), nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func newMemLeg(t *testing.T, n *memnet.Network, ports *Ports, addr string, law Codec, tone float64) *memLeg {
	t.Helper()
	conn, err := n.ListenPacket(netip.MustParseAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(ports, SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	l := &memLeg{t: t, conn: conn, s: s, law: law, tone: tone, amp: toneAmp, ptime: 20, ssrc: uint32(conn.LocalAddrPort().Port())}
	l.offer(conn.LocalAddrPort(), "a=sendrecv")
	return l
}

func (l *memLeg) pt() uint8 {
	if l.law == PCMA {
		return 8
	}
	return 0
}

// offer sends SDP that names addr and has further attributes; the answer comes back.
func (l *memLeg) offer(addr netip.AddrPort, attributes ...string) string {
	l.t.Helper()
	return l.offerRaw(l.sdp(addr, attributes...))
}

func (l *memLeg) sdp(addr netip.AddrPort, attributes ...string) string {
	sdp := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP %d 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		addr.Addr(), addr.Port(), l.pt())
	for _, a := range attributes {
		sdp += a + "\r\n"
	}
	return sdp
}

func (l *memLeg) offerRaw(sdp string) string {
	l.t.Helper()
	answer, err := l.s.Accept([]byte(sdp))
	if err != nil {
		l.t.Fatal(err)
	}
	return string(answer)
}

// talk sends a packet of the leg's tone.
func (l *memLeg) talk() {
	n := l.ptime * 8
	payload := make([]byte, n)
	encodeG711(l.law, payload, mediatest.Tone(l.tone, l.amp, 8000, l.sent, n))
	l.sent += n
	l.send(l.pt(), payload)
	l.ts += uint32(n)
}

// send sends one packet at the present timestamp.
func (l *memLeg) send(pt uint8, payload []byte) {
	b := make([]byte, rtpHeaderLen, rtpHeaderLen+len(payload))
	putRTPHeader(b, false, pt, l.seq, l.ts, l.ssrc)
	l.seq++
	if _, err := l.conn.WriteToUDPAddrPort(append(b, payload...), l.s.pair.rtp.LocalAddrPort()); err != nil {
		l.t.Fatal(err)
	}
}

// hear takes what has come.
func (l *memLeg) hear() {
	for {
		b := make([]byte, maxDatagram)
		n, _, ok := l.conn.TryRead(b)
		if !ok {
			return
		}
		b = b[:n]
		if isRTCP(b) {
			l.control = append(l.control, b)
			continue
		}
		var p rtpPacket
		if !p.parse(b) {
			l.t.Fatalf("received %x, which is not RTP", b)
		}
		l.packets = append(l.packets, p)
		pcm := make([]int16, len(p.payload))
		decodeG711(l.law, pcm, p.payload)
		l.got = append(l.got, pcm...)
	}
}

// forget drops what was received so far.
func (l *memLeg) forget() { l.got, l.packets, l.control = nil, nil, nil }

// level is a tone's level in what was received last, in dB of what is sent.
func (l *memLeg) level(tone float64, d time.Duration) float64 {
	n := int(d * 8000 / time.Second)
	if len(l.got) < n {
		return -200
	}
	return mediatest.DB(mediatest.Amplitude(l.got[len(l.got)-n:], tone, 8000) / toneAmp)
}

// memBridge steps a mixer and its legs.
type memBridge struct {
	t    *testing.T
	m    *Mixer
	legs []*memLeg
	now  time.Time
	n    int // ticks
}

func newMemBridge(t *testing.T, cfg MixerConfig, legs ...*memLeg) *memBridge {
	t.Helper()
	b := &memBridge{t: t, m: NewMixer(cfg), legs: legs, now: time.Now()}
	for _, l := range legs {
		if err := b.m.attach(l.s); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// run lets everybody talk, mix and hear for a while.
func (b *memBridge) run(d time.Duration) {
	for range d / frameTime {
		b.step(func(l *memLeg) {
			if l.ptime <= 20 {
				for range 20 / l.ptime {
					l.talk()
				}
			} else if b.n*20%l.ptime < 20 {
				l.talk()
			}
		})
	}
}

// step is one tick, before which each leg does something.
func (b *memBridge) step(do func(*memLeg)) {
	if do != nil {
		for _, l := range b.legs {
			do(l)
		}
	}
	b.m.mixOnce(b.now)
	b.now = b.now.Add(frameTime)
	b.n++
	for _, l := range b.legs {
		l.hear()
	}
}

// wantHeard checks who hears whom in the last second.
func (b *memBridge) wantHeard() {
	b.t.Helper()
	for i, l := range b.legs {
		for k, o := range b.legs {
			db := l.level(o.tone, time.Second)
			if i == k && db > mediatest.SilentDB || i != k && db < mediatest.HeardDB {
				b.t.Errorf("leg %d hears leg %d at %.1f dB", i, k, db)
			}
		}
	}
}
