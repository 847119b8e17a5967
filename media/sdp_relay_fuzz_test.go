package media

import (
	"net/netip"
	"passerelle/internal/memnet"
	"testing"
)

// FuzzRelaySDP: whatever a peer offers and another answers, nothing panics, what we write can be read, it names our address
// and no other, and our answer has the lines of the offer.
func FuzzRelaySDP(f *testing.F) {
	f.Add(enterpriseVideo, lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 9 101", "m=video 5002 RTP/AVP 126", "a=rtpmap:126 H264/90000"), true)
	f.Add(lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+rfcKey, "m=audio 4002 RTP/AVP 0"),
		lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 8"), true)
	f.Add(lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 0 RTP/AVP 8", "m=image 5004 udptl t38"), lines("m=audio 0 RTP/AVP 8", "m=image 4004 udptl t38"), false)
	f.Fuzz(func(t *testing.T, offer, answer []byte, secure bool) {
		n := memnet.New()
		ports, err := NewPorts(PortsConfig{
			Host: serverAddr, Min: 10000, Max: 10399, Drain: -1,
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
		r := NewRelay(ports, RelayConfig{})
		cfg := SideConfig{}
		if secure {
			cfg.Secure = OptionalSRTP
		}
		a, b := r.NewSide(cfg), r.NewSide(SideConfig{Secure: cfg.Secure})
		defer a.Close()
		defer b.Close()
		if a.Offered(offer) != nil {
			return
		}
		forB, err := b.Offer(a)
		if err != nil {
			t.Fatalf("an offer that was taken cannot be made: %v", err)
		}
		readable(t, forB)
		if b.Answered(answer) != nil {
			return
		}
		forA, err := a.Answer(b)
		if err != nil {
			return
		}
		d := readable(t, forA)
		if o, err := parseSDP(offer); err != nil || len(o.media) != len(d.media) {
			t.Fatalf("an offer of %d lines has an answer of %d", len(o.media), len(d.media))
		}
		Join(a, b)
		if a.State().Audio.Active && !b.State().Audio.Active {
			t.Fatal("audio on one side only")
		}
		if again, err := a.Answer(b); err != nil || string(again) != string(forA) {
			t.Fatalf("the answer has changed: %v", err)
		}
	})
}
