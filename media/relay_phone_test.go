package media

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// relayPhone is a phone of a relayed call on the network in memory: it describes itself, talks by a tone and hears.
type relayPhone struct {
	t    *testing.T
	conn *memnet.PacketConn
	ctl  *memnet.PacketConn
	side *Side

	at     netip.AddrPort // what its description names
	server netip.AddrPort // where the description for it says that media goes
	law    Codec
	pt     uint8
	tone   float64
	ssrc   uint32
	seq    uint16
	ts     uint32
	sent   int
	quiet  bool
	in     *srtpIn // of the server
	out    *srtpOut
	key    *srtpKey
	offers []srtpKey // a=crypto lines of its offer

	packets []rtpPacket // received, in order
	arrived []time.Time
	got     []int16
	control [][]byte
	bad     int // packets that did not verify
}

func newRelay(t *testing.T, n *memnet.Network, pairs int) *Relay {
	t.Helper()
	return NewRelay(memPorts(t, n, pairs), RelayConfig{})
}

func newRelayPhone(t *testing.T, n *memnet.Network, r *Relay, addr string, law Codec, tone float64, cfg SideConfig) *relayPhone {
	t.Helper()
	at := netip.MustParseAddrPort(addr)
	conn, err := n.ListenPacket(at)
	if err != nil {
		t.Fatal(err)
	}
	ctl, err := n.ListenPacket(netip.AddrPortFrom(at.Addr(), at.Port()+1))
	if err != nil {
		t.Fatal(err)
	}
	p := &relayPhone{
		t: t, conn: conn, ctl: ctl, side: r.NewSide(cfg), at: at, law: law, pt: lawFormat(law).pt, tone: tone,
		ssrc: uint32(at.Port())<<16 | 7, seq: 30000, ts: 1 << 31,
	}
	t.Cleanup(func() {
		p.side.Close()
		conn.Close()
		ctl.Close()
	})
	return p
}

// sdp describes the phone: one audio line with its law and telephone-event, further attributes as given.
func (p *relayPhone) sdp(attrs ...string) []byte {
	proto := "RTP/AVP"
	if len(p.offers) > 0 {
		proto = "RTP/SAVP"
	}
	s := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 192.0.2.77\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d %s %d 101\r\na=rtpmap:101 telephone-event/8000\r\n",
		p.at.Addr(), p.at.Port(), proto, p.pt)
	for _, k := range p.offers {
		s += "a=crypto:" + k.cryptoLine() + "\r\n"
	}
	for _, a := range attrs {
		s += a + "\r\n"
	}
	return []byte(s)
}

// hearsSDP takes the description that the server has for the phone.
func (p *relayPhone) hearsSDP(sdp []byte) {
	p.t.Helper()
	d, err := parseSDP(sdp)
	if err != nil {
		p.t.Fatal(err)
	}
	m := d.relayMedia(0)
	p.server = m.addr
	if len(m.keys) > 0 {
		p.learn(m.keys)
	}
}

// learn sets the phone's SRTP state up: the server's key, and its own that the server has chosen.
func (p *relayPhone) learn(keys []srtpKey) {
	k := keys[0]
	if p.in == nil || !p.in.key.same(k) {
		p.in = newSRTPIn(k, nil, 0)
	}
	if p.key == nil {
		for i := range p.offers {
			if p.offers[i].tag == k.tag {
				p.key = &p.offers[i]
			}
		}
	}
	if p.key != nil && (p.out == nil || !p.out.key.same(*p.key)) {
		p.out = newSRTPOut(*p.key)
	}
}

// talk sends 20 ms of the phone's tone.
func (p *relayPhone) talk() {
	if !p.quiet {
		payload := make([]byte, 160)
		encodeG711(p.law, payload, mediatest.Tone(p.tone, toneAmp, 8000, p.sent, 160))
		p.send(p.pt, payload)
	}
	p.sent += 160
	p.ts += 160
}

func (p *relayPhone) send(pt uint8, payload []byte) {
	b := make([]byte, rtpHeaderLen, 1500)
	putRTPHeader(b, false, pt, p.seq, p.ts, p.ssrc)
	p.seq++
	p.sendRaw(append(b, payload...))
}

func (p *relayPhone) sendRaw(b []byte) {
	if p.out != nil {
		b, _ = p.out.packet(b)
	}
	if _, err := p.conn.WriteToUDPAddrPort(b, p.server); err != nil {
		p.t.Fatal(err)
	}
}

// hear takes what has come.
func (p *relayPhone) hear() {
	for {
		b := make([]byte, 1600)
		n, _, ok := p.conn.TryRead(b)
		if !ok {
			break
		}
		p.take(b[:n])
	}
	for {
		b := make([]byte, 1600)
		n, _, ok := p.ctl.TryRead(b)
		if !ok {
			return
		}
		p.takeControl(b[:n])
	}
}

func (p *relayPhone) take(b []byte) {
	if isRTCP(b) {
		p.takeControl(b)
		return
	}
	if p.in != nil {
		var ok bool
		if b, ok = p.in.packet(b); !ok {
			p.bad++
			return
		}
	}
	var r rtpPacket
	if !r.parse(b) {
		p.t.Fatalf("received %x, which is not RTP", b)
	}
	p.packets = append(p.packets, r)
	p.arrived = append(p.arrived, time.Now())
	if r.pt == p.pt {
		pcm := make([]int16, len(r.payload))
		decodeG711(p.law, pcm, r.payload)
		p.got = append(p.got, pcm...)
	}
}

func (p *relayPhone) takeControl(b []byte) {
	if p.in != nil {
		var ok bool
		if b, ok = p.in.report(b); !ok {
			p.bad++
			return
		}
	}
	p.control = append(p.control, b)
}

func (p *relayPhone) forget() { p.got, p.packets, p.control, p.arrived = nil, nil, nil, nil }

// level is a tone's level in the last d of what was heard, in dB of what is sent.
func (p *relayPhone) level(tone float64, d time.Duration) float64 {
	n := int(d * 8000 / time.Second)
	if len(p.got) < n {
		return -200
	}
	return mediatest.DB(mediatest.Amplitude(p.got[len(p.got)-n:], tone, 8000) / toneAmp)
}

// wantHears checks that the phone hears the other, or not, in its last half second.
func (p *relayPhone) wantHears(o *relayPhone, want bool) {
	p.t.Helper()
	db := p.level(o.tone, 500*time.Millisecond)
	if want && db < mediatest.HeardDB || !want && db > mediatest.SilentDB {
		p.t.Errorf("%v hears %v at %.1f dB, want heard: %v", p.at, o.at, db, want)
	}
}

// converse lets phones talk and hear for a while.
func converse(d time.Duration, phones ...*relayPhone) {
	for range d / frameTime {
		for _, p := range phones {
			p.talk()
		}
		time.Sleep(frameTime)
		for _, p := range phones {
			p.hear()
		}
	}
}

// connect sets a call up from a to b.
func connect(t *testing.T, a, b *relayPhone) {
	t.Helper()
	offerTo(t, a, b)
	answerFrom(t, b, a)
}

// offerTo carries a's offer to b.
func offerTo(t *testing.T, a, b *relayPhone, attrs ...string) string {
	t.Helper()
	if err := a.side.Offered(a.sdp(attrs...)); err != nil {
		t.Fatal(err)
	}
	offer, err := b.side.Offer(a.side)
	if err != nil {
		t.Fatal(err)
	}
	b.hearsSDP(offer)
	return string(offer)
}

// answerFrom carries b's answer to a.
func answerFrom(t *testing.T, b, a *relayPhone, attrs ...string) string {
	t.Helper()
	if err := b.side.Answered(b.sdp(attrs...)); err != nil {
		t.Fatal(err)
	}
	answer, err := a.side.Answer(b.side)
	if err != nil {
		t.Fatal(err)
	}
	a.hearsSDP(answer)
	Join(a.side, b.side)
	return string(answer)
}

// wantLine checks that a description has a line.
func wantLine(t *testing.T, sdp, line string) {
	t.Helper()
	if !strings.Contains("\r\n"+sdp, "\r\n"+line+"\r\n") {
		t.Errorf("no line %q in\n%s", line, sdp)
	}
}

// unspecified is the address by which phones held before RFC 3264.
func unspecified(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(netip.IPv4Unspecified(), a.Port())
}
