package media

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"passerelle/media/mediatest"
)

// peer is the far end of a session over a real socket.
type peer struct {
	t    *testing.T
	s    *Session
	conn *net.UDPConn
	law  Codec
	tone float64
	seq  uint16
	ts   uint32
	sent int
	got  []int16
}

func loopbackPorts(t *testing.T) *Ports {
	t.Helper()
	p, err := NewPorts(PortsConfig{Host: netip.MustParseAddr("127.0.0.1"), Min: 20000, Max: 29999})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func newPeer(t *testing.T, ports *Ports, law Codec, tone float64) *peer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	s, err := NewSession(ports, SessionConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p := &peer{t: t, s: s, conn: conn, law: law, tone: tone}
	p.offer("sendrecv", 20)
	return p
}

func (p *peer) pt() int { return map[Codec]int{PCMU: 0, PCMA: 8}[p.law] }

func (p *peer) offer(direction string, ptime int) {
	p.t.Helper()
	if _, err := p.s.Accept([]byte(p.sdp(direction, ptime))); err != nil {
		p.t.Fatal(err)
	}
}

func (p *peer) sdp(direction string, ptime int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP %d\r\na=ptime:%d\r\na=%s\r\n",
		p.conn.LocalAddr().(*net.UDPAddr).Port, p.pt(), ptime, direction)
}

const toneAmp = 2000

// talk sends 20 ms of the peer's tone.
func (p *peer) talk() {
	b := make([]byte, 12+160)
	putRTPHeader(b, p.sent == 0, uint8(p.pt()), p.seq, p.ts, 0x1234)
	encodeG711(p.law, b[12:], mediatest.Tone(p.tone, toneAmp, 8000, p.sent, 160))
	p.seq, p.ts, p.sent = p.seq+1, p.ts+160, p.sent+160
	if _, err := p.conn.WriteToUDPAddrPort(b, p.s.pair.rtp.LocalAddrPort()); err != nil {
		p.t.Fatal(err)
	}
}

// hear collects what the session has sent.
func (p *peer) hear() {
	b := make([]byte, 2000)
	for {
		p.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		n, err := p.conn.Read(b)
		if err != nil {
			return
		}
		var pkt rtpPacket
		if isRTCP(b[:n]) {
			continue
		}
		if !pkt.parse(b[:n]) {
			p.t.Fatal("not RTP")
		}
		pcm := make([]int16, len(pkt.payload))
		decodeG711(p.law, pcm, pkt.payload)
		p.got = append(p.got, pcm...)
	}
}

func TestWhoHearsWhom(t *testing.T) {
	ports := loopbackPorts(t)
	const n = 15
	tones := mediatest.Spread(n)
	m := NewMixer(MixerConfig{})
	var peers []*peer
	for i := range n {
		p := newPeer(t, ports, []Codec{PCMU, PCMA}[i%2], tones[i])
		if err := m.attach(p.s); err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	now := time.Now()
	for range 60 {
		for _, p := range peers {
			p.talk()
		}
		m.mixOnce(now)
		now = now.Add(frameTime)
		for _, p := range peers {
			p.hear()
		}
	}
	for i, p := range peers {
		if len(p.got) < 50*160 {
			t.Fatalf("peer %d received %d samples of %d", i, len(p.got), 60*160)
		}
		for k, db := range mediatest.Levels(p.got[len(p.got)-50*160:], tones, toneAmp, 8000) {
			if k == i && db > mediatest.SilentDB || k != i && db < mediatest.HeardDB {
				t.Errorf("peer %d hears %d at %.1f dB", i, k, db)
			}
		}
	}
}
