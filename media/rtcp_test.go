package media

import (
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"passerelle/internal/memnet"
)

// FuzzRTCP holds our reader to pion's: the reports that both find are the same.
func FuzzRTCP(f *testing.F) {
	for _, ps := range [][]rtcp.Packet{
		{&rtcp.SenderReport{SSRC: 1, NTPTime: 5 << 40, RTPTime: 6, PacketCount: 7, OctetCount: 8, Reports: []rtcp.ReceptionReport{
			{SSRC: 77, FractionLost: 3, TotalLost: 5, LastSequenceNumber: 9, Jitter: 10, LastSenderReport: 11, Delay: 12},
		}}, rtcp.NewCNAMESourceDescription(1, "a@b"), &rtcp.Goodbye{Sources: []uint32{1}}},
		{&rtcp.ReceiverReport{SSRC: 2, Reports: []rtcp.ReceptionReport{{SSRC: 4}, {SSRC: 77, TotalLost: 1}}}},
	} {
		b, err := rtcp.Marshal(ps)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0xa0, 201, 0, 1, 0, 0, 0, 4})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ours []receptionReport
		var sender senderReport
		for rest, ok := b, true; len(rest) > 0; {
			var p rtcpPacket
			padded := len(rest) > 0 && rest[0]&0x20 != 0
			if p, rest, ok = nextRTCP(rest); !ok || padded {
				return // pion does not take padding off
			}
			if sr, ok := p.sender(); ok {
				sender = sr
			}
			if r, ok := p.block(77); ok {
				ours = append(ours, r)
			}
		}
		theirs, err := rtcp.Unmarshal(b)
		if err != nil {
			return
		}
		n := 0
		check := func(reports []rtcp.ReceptionReport) {
			for _, r := range reports {
				if r.SSRC != 77 {
					continue
				}
				if n >= len(ours) {
					t.Fatalf("report %+v not read", r)
				}
				o := ours[n]
				if o.fraction != r.FractionLost || uint32(o.lost)&0xffffff != r.TotalLost || o.highest != r.LastSequenceNumber ||
					o.jitter != r.Jitter || o.lastSR != r.LastSenderReport || o.sinceLastSR != r.Delay {
					t.Fatalf("%+v is %+v to pion", o, r)
				}
				n++
				return // one of a source in a packet
			}
		}
		for _, p := range theirs {
			switch p := p.(type) {
			case *rtcp.SenderReport:
				check(p.Reports)
				if last := theirs[len(theirs)-1]; last == rtcp.Packet(p) && (sender.ssrc != p.SSRC || sender.ntp != uint32(p.NTPTime>>16)) {
					t.Fatalf("%+v is %+v to pion", sender, p)
				}
			case *rtcp.ReceiverReport:
				check(p.Reports)
			}
		}
	})
}

// Reports leave in pairs with a name, say what was lost, and the peer's answer gives loss and round trip.
func TestReports(t *testing.T) {
	n := memnet.New()
	ports := memPorts(t, n, 2)
	l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
	l.offer(l.conn.LocalAddrPort(), "a=rtcp-mux")
	b := newMemBridge(t, MixerConfig{}, l)
	lost := 0
	for i := range 50 * 60 {
		b.step(func(l *memLeg) {
			if i%50 == 49 { // one in fifty never comes
				l.seq++
				l.ts += 160
				lost++
				return
			}
			l.talk()
		})
	}
	if n := len(l.control); n < 8 || n > 22 {
		t.Errorf("%d reports in a minute, want one in 2.5 to 7.5 s", n)
	}
	var sr *rtcp.SenderReport
	for _, raw := range l.control {
		ps, err := rtcp.Unmarshal(raw)
		if err != nil {
			t.Fatalf("%x: %v", raw, err)
		}
		if len(ps) != 2 {
			t.Fatalf("compound of %d", len(ps))
		}
		var ok bool
		if sr, ok = ps[0].(*rtcp.SenderReport); !ok {
			t.Fatalf("first is %T", ps[0])
		}
		if d, ok := ps[1].(*rtcp.SourceDescription); !ok || len(d.Chunks) != 1 || d.Chunks[0].Source != sr.SSRC || d.Chunks[0].Items[0].Text == "" {
			t.Fatalf("second is %+v", ps[1])
		}
	}
	r := sr.Reports[0]
	if r.SSRC != l.ssrc || r.TotalLost < uint32(lost-8) || r.TotalLost > uint32(lost) || r.FractionLost < 4 || r.FractionLost > 7 {
		t.Errorf("%+v when %d of 3000 were lost", r, lost)
	}
	if r.Jitter > 8 {
		t.Errorf("jitter of %d on a steady line", r.Jitter)
	}
	last := l.packets[len(l.packets)-1]
	if sr.SSRC != last.ssrc || sr.PacketCount > uint32(len(l.packets)) || sr.PacketCount < uint32(len(l.packets)-400) || sr.OctetCount != sr.PacketCount*160 {
		t.Errorf("%+v after %d packets of %d", sr, len(l.packets), last.ssrc)
	}

	reply, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: l.ssrc, Reports: []rtcp.ReceptionReport{{
		SSRC: last.ssrc, TotalLost: 33, Jitter: 80,
		LastSenderReport: uint32(ntpTime(b.now) >> 16), Delay: 0,
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.conn.WriteToUDPAddrPort(reply, l.s.pair.rtp.LocalAddrPort()); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(120 * time.Millisecond)
	b.run(time.Second)
	st := l.s.State()
	if st.RemoteLost != 33 || st.RemoteJitter != 10*time.Millisecond {
		t.Errorf("state %+v", st)
	}
	if rtt := st.RoundTripTime; rtt < 115*time.Millisecond || rtt > 125*time.Millisecond {
		t.Errorf("round trip %v", rtt)
	}
	if st.LastRTCP.IsZero() || st.Lost != uint64(lost) {
		t.Errorf("state %+v, lost %d", st, lost)
	}
	if err := b.m.detach(l.s); err != nil {
		t.Fatal(err)
	}
	l.forget()
	l.s.Close()
	l.hear()
	if len(l.control) != 1 {
		t.Fatalf("%d reports at the end", len(l.control))
	}
	ps, err := rtcp.Unmarshal(l.control[0])
	if err != nil {
		t.Fatal(err)
	}
	if bye, ok := ps[len(ps)-1].(*rtcp.Goodbye); !ok || bye.Sources[0] != last.ssrc {
		t.Errorf("last is %+v, want a BYE", ps[len(ps)-1])
	}
}

// Without rtcp-mux reports use the odd port, and go back to where the peer's come from.
func TestReportsOnTheirOwnPort(t *testing.T) {
	n := memnet.New()
	ports := memPorts(t, n, 2)
	l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
	own, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.20:4001"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := n.ListenPacket(netip.MustParseAddrPort("198.51.100.20:5555"))
	if err != nil {
		t.Fatal(err)
	}
	b := newMemBridge(t, MixerConfig{}, l)
	b.run(10 * time.Second)
	var buf [500]byte
	if _, src, ok := own.TryRead(buf[:]); !ok || src.Port() != l.s.pair.port+1 {
		t.Errorf("no report on the signalled port: %v from %v", ok, src)
	}
	rr, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 5}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.WriteToUDPAddrPort(rr, l.s.pair.rtcp.LocalAddrPort()); err != nil {
		t.Fatal(err)
	}
	b.run(10 * time.Second)
	if _, _, ok := elsewhere.TryRead(buf[:]); !ok {
		t.Error("no report to where the peer's come from")
	}
	if l.s.State().LastRTCP.IsZero() {
		t.Error("the peer's report does not count as life")
	}
}
