package media

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"passerelle/internal/memnet"
)

// sendControl sends a compound of the phone.
func (p *relayPhone) sendControl(b []byte) {
	p.t.Helper()
	if _, err := p.ctl.WriteToUDPAddrPort(b, netip.AddrPortFrom(p.server.Addr(), p.server.Port()+1)); err != nil {
		p.t.Fatal(err)
	}
}

// packetsOf are the RTCP packets of a kind that the phone has received.
func (p *relayPhone) packetsOf(kind uint8) []rtcpPacket {
	var out []rtcpPacket
	for _, b := range p.control {
		for {
			x, rest, ok := nextRTCP(b)
			if !ok {
				break
			}
			if x.kind == kind {
				out = append(out, x)
			}
			b = rest
		}
	}
	return out
}

// TestRelayReports: each phone is told of its own leg, under our SSRC and a name of ours; what it reports itself is in the
// account of its leg.
func TestRelayReports(t *testing.T) {
	relayed(t, func(t *testing.T, n *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		lose := 0
		n.OnPacket(func(p memnet.Packet) memnet.Verdict {
			if p.Src == a.at && !isRTCP(p.Payload) {
				if lose++; lose%10 == 0 {
					return memnet.Drop()
				}
			}
			return memnet.Pass()
		})
		for range 4 {
			converse(5*time.Second, a, b)
			a.report()
		}
		ours := a.packets[0].ssrc
		srs := a.packetsOf(rtcpSR)
		if len(srs) < 3 {
			t.Fatalf("%d sender reports in 20 s", len(srs))
		}
		last := srs[len(srs)-1]
		sr, _ := last.sender()
		if sr.ssrc != ours {
			t.Errorf("report of %08x, packets of %08x", sr.ssrc, ours)
		}
		if sent := binary.BigEndian.Uint32(last.body[16:]); sent < 600 || int(sent) > len(a.packets) {
			t.Errorf("reports %d packets of %d", sent, len(a.packets))
		}
		ts := binary.BigEndian.Uint32(last.body[12:])
		if off := int32(ts - a.packets[len(a.packets)-1].ts); off > 8000 || off < -8000*6 {
			t.Errorf("the report's timestamp is %d from the last packet's", off)
		}
		r, ok := last.block(a.ssrc)
		if !ok || r.lost < 40 || r.fraction < 20 || r.fraction > 32 {
			t.Errorf("report on the phone's own stream: %+v, %v", r, ok)
		}
		if len(b.packetsOf(rtcpSDES)) == 0 {
			t.Error("no name")
		}
		for _, p := range []*relayPhone{a, b} {
			for _, x := range p.control {
				if strings.Contains(string(x), "alice") {
					t.Fatal("the name of one phone reaches the other")
				}
			}
		}
		if st := a.side.State().Audio; st.Lost < 90 || st.Lost > 101 || st.LastRTCP.IsZero() {
			t.Errorf("account of a: %+v", st)
		}
		if st := b.side.State().Audio; st.Lost != 0 {
			t.Errorf("account of b: %+v", st)
		}
		// b says what it lost of ours, and how long a packet takes.
		buf := make([]byte, 100)
		w := rtcpWriter{b: buf}
		w.receiver(b.ssrc, 1)
		now := ntpTime(time.Now())
		w.block(receptionReport{ssrc: b.packets[0].ssrc, lost: 77, jitter: 80, lastSR: uint32(now>>16) - 1<<15, sinceLastSR: 1 << 14})
		b.sendControl(w.b[:w.n])
		converse(time.Second, a, b)
		st := b.side.State().Audio
		if st.RemoteLost != 77 || st.RemoteJitter != 10*time.Millisecond || st.RoundTripTime < 250*time.Millisecond || st.RoundTripTime > 260*time.Millisecond {
			t.Errorf("b's reports: %+v", st)
		}
	})
}

// TestRelayFeedback: what a phone asks of the source of its picture reaches that source, in the source's numbers, and not
// more often than it can serve.
func TestRelayFeedback(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		video := []string{"m=video 4002 RTP/AVP 97", "a=rtpmap:97 H264/90000", "a=rtcp-fb:* nack pli", "a=rtcp-fb:97 ccm fir"}
		describe := func(p *relayPhone) []byte {
			return lines(append([]string{"v=0", "c=IN IP4 " + p.at.Addr().String()}, strings.Replace(video[0], "4002", strconv.Itoa(int(p.at.Port())), 1), video[1], video[2], video[3])...)
		}
		learn := func(p *relayPhone, sdp string) {
			d, err := parseSDP([]byte(sdp))
			if err != nil {
				t.Fatal(err)
			}
			p.server, p.pt = d.relayMedia(0).addr, 97
		}
		offered(t, a.side, describe(a))
		learn(b, offerOf(t, b.side, a.side))
		answeredBy(t, b.side, describe(b))
		learn(a, answerOf(t, a.side, b.side))
		Join(a.side, b.side)
		converse(4*time.Second, a, b)

		// Each new source is asked for a whole picture, a few times.
		plis := a.packetsOf(rtcpPSFB)
		if len(plis) != pictureTries || plis[0].count != fbPLI || binary.BigEndian.Uint32(plis[0].body[4:]) != a.ssrc {
			t.Fatalf("%d requests: %+v", len(plis), plis)
		}
		a.forget()
		b.forget()
		converse(100*time.Millisecond, a, b)
		ours := b.packets[0]
		feedback := func(kind uint8, format int, media uint32, fci ...byte) []byte {
			w := rtcpWriter{b: make([]byte, 100)}
			w.receiver(b.ssrc, 0)
			w.header(kind, format, 8+len(fci))
			w.u32(b.ssrc)
			w.u32(media)
			w.n += copy(w.b[w.n:], fci)
			return w.b[:w.n]
		}
		nack := binary.BigEndian.AppendUint16(nil, ours.seq)
		nack = append(nack, 0xff, 0x01)
		fir := append(binary.BigEndian.AppendUint32(nil, ours.ssrc), 9, 0, 0, 0)
		remb := append([]byte("REMB\x01\x02\x03\x04"), binary.BigEndian.AppendUint32(nil, ours.ssrc)...)
		b.sendControl(feedback(rtcpRTPFB, fbNACK, ours.ssrc, nack...))
		b.sendControl(feedback(rtcpPSFB, fbApp, 0, remb...))
		for range 10 { // a phone that is impatient
			b.sendControl(feedback(rtcpPSFB, fbPLI, ours.ssrc))
			b.sendControl(feedback(rtcpPSFB, fbFIR, 0, fir...))
		}
		converse(100*time.Millisecond, a, b)
		nacks := a.packetsOf(rtcpRTPFB)
		if len(nacks) != 1 || binary.BigEndian.Uint32(nacks[0].body[4:]) != a.ssrc {
			t.Fatalf("%d NACKs: %+v", len(nacks), nacks)
		}
		// The first packet of that spell was sent this many numbers ago.
		if want := a.seq - 10; binary.BigEndian.Uint16(nacks[0].body[8:]) != want || nacks[0].body[10] != 0xff {
			t.Errorf("asks for %d, want %d", binary.BigEndian.Uint16(nacks[0].body[8:]), want)
		}
		psfb := a.packetsOf(rtcpPSFB)
		if len(psfb) != 2 || psfb[0].count != fbApp || binary.BigEndian.Uint32(psfb[0].body[16:]) != a.ssrc || psfb[1].count != fbPLI {
			t.Errorf("%d of pictures: %+v", len(psfb), psfb)
		}
		a.forget()
		converse(time.Second, a, b)
		b.sendControl(feedback(rtcpPSFB, fbFIR, 0, fir...))
		converse(100*time.Millisecond, a, b)
		psfb = a.packetsOf(rtcpPSFB)
		if len(psfb) != 1 || psfb[0].count != fbFIR || binary.BigEndian.Uint32(psfb[0].body[8:]) != a.ssrc || psfb[0].body[12] != 9 {
			t.Errorf("FIR: %+v", psfb)
		}
	})
}

// TestRelayKeys: telephone-events pass with their timestamps, each under the receiver's number, and so do tones in the sound.
func TestRelayKeys(t *testing.T) {
	relayed(t, func(t *testing.T, n *memnet.Network, a, b *relayPhone) {
		c := newRelayPhone(t, n, a.side.relay, "203.0.113.20:6000", PCMA, 1300, SideConfig{})
		offered(t, a.side, a.sdp())
		offerOf(t, c.side, a.side)
		answeredBy(t, c.side, lines("v=0", "c=IN IP4 203.0.113.20", "m=audio 6000 RTP/AVP 8 99", "a=rtpmap:99 telephone-event/8000"))
		a.hearsSDP([]byte(answerOf(t, a.side, c.side)))
		Join(a.side, c.side)
		c.server = a.server
		converse(time.Second, a)
		c.hear()
		c.forget()
		for _, key := range []byte{1, 1, 0} {
			start := a.ts
			for i := range 8 {
				end := byte(0)
				if i >= 5 {
					end = 0x80
				}
				a.ts = start
				a.send(101, []byte{key, end | 10, 0, byte(20 * i)})
				if i < 5 {
					time.Sleep(frameTime)
				}
			}
			a.ts = start + 960
			converse(100*time.Millisecond, a)
		}
		time.Sleep(frameTime)
		c.hear()
		var r eventReceiver
		digits := ""
		stamps := make(map[uint32]bool)
		for _, p := range c.packets {
			if p.pt == 99 {
				stamps[p.ts] = true
				if d, ok := r.receive(p.ssrc, p.ts, p.payload, time.Now()); ok {
					digits += string(d.Key)
				}
			} else if p.pt != 8 {
				t.Fatalf("format %d", p.pt)
			}
		}
		if digits != "110" || len(stamps) != 3 {
			t.Errorf("keys %q of %d timestamps", digits, len(stamps))
		}
	})
}
