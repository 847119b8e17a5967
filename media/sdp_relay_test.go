package media

import (
	"errors"
	"passerelle/internal/memnet"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestRelaySDPKeepsEverything: formats, known or not, and attributes, known or not, reach the other side; addresses, sources
// and what is between a peer and us do not.
func TestRelaySDPKeepsEverything(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		offered(t, a, append(slices.Clone(enterpriseVideo), lines(
			"a=rtcp-fb:* nack pli", "a=rtcp-fb:100 ccm fir", "a=X-Odd:Some Thing", "a=content:main",
			"a=ssrc:1234 cname:alice@example", "a=candidate:1 1 UDP 1 10.0.0.1 9 typ host", "a=ice-ufrag:x", "a=rtcp:20909 IN IP4 10.0.0.1",
			"a=fingerprint:sha-256 AB", "a=setup:actpass", "a=mid:1", "a=rtcp-mux",
		)...))
		offer := offerOf(t, b, a)
		wantMedia(t, offer, "audio 1 RTP/AVP 9 114 124 113 115 0 8 116 18 101", "video 1 RTP/AVP 100 126 97")
		for _, l := range []string{
			"b=TIAS:64000", "b=TIAS:4000000", "a=rtpmap:114 opus/48000/2", "a=rtpmap:113 AMR-WB/16000", "a=fmtp:115 octet-align=1;mode-change-capability=2",
			"a=rtpmap:116 iLBC/8000", "a=fmtp:18 annexb=yes", "a=fmtp:101 0-15", "a=imageattr:* recv [x=800,y=480,q=0.60] [x=1280,y=720,q=0.50]",
			"a=rtcp-fb:* nack pli", "a=rtcp-fb:100 ccm fir", "a=X-Odd:Some Thing", "a=content:main", "c=IN IP4 198.51.100.1", "a=sendrecv",
		} {
			wantLine(t, offer, l)
		}
		for _, x := range []string{"198.51.100.7", "10.0.0.1", "ssrc", "candidate", "ice-", "fingerprint", "setup", "mid", "rtcp-mux", "Cisco", "SIP Call"} {
			if strings.Contains(offer, x) {
				t.Errorf("%q passes in\n%s", x, offer)
			}
		}
		answeredBy(t, b, lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 9 101", "a=rtpmap:101 telephone-event/8000", "a=ptime:30",
			"m=video 5002 RTP/AVP 126", "a=rtpmap:126 H264/90000", "a=fmtp:126 profile-level-id=428016;packetization-mode=1"))
		answer := answerOf(t, a, b)
		wantMedia(t, answer, "audio 1 RTP/AVP 9 101", "video 1 RTP/AVP 126")
		wantLine(t, answer, "a=ptime:30")
		wantLine(t, answer, "a=fmtp:126 profile-level-id=428016;packetization-mode=1")
		wantLine(t, answer, "a=rtcp-mux") // asked for by this peer and given to it
		if st := a.State(); st.Audio.Codec != "G722" || st.Video.Codec != "H264" {
			t.Errorf("codecs %q and %q", st.Audio.Codec, st.Video.Codec)
		}
	})
}

// TestRelaySDPVideoComesAndGoes is RFC 3264 §8: lines keep their places, one that is gone has port 0, its place is used again.
func TestRelaySDPVideoComesAndGoes(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		audio := []string{"v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 0"}
		video := []string{"m=video 4002 RTP/AVP 97", "a=rtpmap:97 H264/90000"}
		gone := []string{"m=video 0 RTP/AVP 97"}
		join := func(l ...[]string) []byte { return lines(slices.Concat(l...)...) }

		offered(t, a, join(audio))
		wantMedia(t, offerOf(t, b, a), "audio 1 RTP/AVP 0 8 101")
		answeredBy(t, b, join(audio))
		wantMedia(t, answerOf(t, a, b), "audio 1 RTP/AVP 0")
		Join(a, b)
		inUse := a.relay.ports.InUse()

		// b adds video.
		offered(t, b, join(audio, video))
		wantMedia(t, offerOf(t, a, b), "audio 1 RTP/AVP 0 8 101", "video 1 RTP/AVP 97")
		answeredBy(t, a, join(audio, video))
		wantMedia(t, answerOf(t, b, a), "audio 1 RTP/AVP 0", "video 1 RTP/AVP 97")
		if !a.State().Video.Active || a.NeedsOffer() || b.NeedsOffer() {
			t.Errorf("state %+v", a.State())
		}
		if got := a.relay.ports.InUse(); got != inUse+2 {
			t.Errorf("%d pairs with video", got)
		}
		// a takes it away.
		offered(t, a, join(audio, gone))
		wantMedia(t, offerOf(t, b, a), "audio 1 RTP/AVP 0 8 101", "video 0 RTP/AVP 97")
		answeredBy(t, b, join(audio, gone))
		wantMedia(t, answerOf(t, a, b), "audio 1 RTP/AVP 0", "video 0 RTP/AVP 97")
		synctest.Wait()
		if got := a.relay.ports.InUse(); got != inUse || a.State().Video.Active {
			t.Errorf("%d pairs without video", got)
		}
		// A peer that forgets the line means the same.
		offered(t, b, join(audio))
		wantMedia(t, offerOf(t, a, b), "audio 1 RTP/AVP 0 8 101", "video 0 RTP/AVP 97")
		answeredBy(t, a, join(audio))
		wantMedia(t, answerOf(t, b, a), "audio 1 RTP/AVP 0")
		// And it comes back, refused by b this time.
		offered(t, a, join(audio, video))
		wantMedia(t, offerOf(t, b, a), "audio 1 RTP/AVP 0 8 101", "video 1 RTP/AVP 97")
		answeredBy(t, b, join(audio, gone))
		wantMedia(t, answerOf(t, a, b), "audio 1 RTP/AVP 0", "video 0 RTP/AVP 97")
		synctest.Wait()
		if got := a.relay.ports.InUse(); got != inUse {
			t.Errorf("%d pairs after a refusal", got)
		}
	})
}

// TestRelaySDPRefusedOffer: an offer that the other side refuses leaves everything as it was, ports and version included.
func TestRelaySDPRefusedOffer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		plain := lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 0")
		offered(t, a, plain)
		offerOf(t, b, a)
		answeredBy(t, b, plain)
		first := answerOf(t, a, b)
		Join(a, b)
		inUse := a.relay.ports.InUse()

		offered(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 18", "m=video 4002 RTP/AVP 31"))
		offerOf(t, b, a) // b says 488
		if !a.State().Audio.Active || a.State().Video.Active || a.State().Audio.Codec != "PCMU" {
			t.Errorf("state %+v", a.State())
		}
		offered(t, a, plain) // a tries what stood
		offerOf(t, b, a)
		answeredBy(t, b, plain)
		if again := answerOf(t, a, b); again != first {
			t.Errorf("the description has changed:\n%s%s", first, again)
		}
		synctest.Wait()
		if got := a.relay.ports.InUse(); got != inUse {
			t.Errorf("%d pairs, before the refusal %d", got, inUse)
		}
		// An answer that leaves nothing is an error, and what stood stands.
		offered(t, a, plain)
		offerOf(t, b, a)
		if err := b.Answered(lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 0 RTP/AVP 0")); !errors.Is(err, ErrNoCommonCodec) {
			t.Errorf("an empty answer: %v", err)
		}
		if !b.State().Audio.Active {
			t.Error("the audio is gone")
		}
		if err := b.Answered(plain); !errors.Is(err, ErrNoOffer) {
			t.Errorf("an answer to nothing: %v", err)
		}
		if _, err := b.Answer(a); !errors.Is(err, ErrNotOffered) {
			t.Errorf("an answer of ours to nothing: %v", err)
		}
	})
}

// TestRelaySDPVersion: the o= line keeps its ID, and its version rises with each change (RFC 3264 §8).
func TestRelaySDPVersion(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		one := lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 0")
		held := lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 0", "a=sendonly")
		version := func(sdp string) string { return strings.Fields(sdp[strings.Index(sdp, "o="):])[2] }
		id := func(sdp string) string { return strings.Fields(sdp[strings.Index(sdp, "o="):])[1] }
		offered(t, a, one)
		v1 := offerOf(t, b, a)
		answeredBy(t, b, one)
		answerOf(t, a, b)
		offered(t, a, one)
		v1again := offerOf(t, b, a)
		answeredBy(t, b, one)
		answerOf(t, a, b)
		offered(t, a, held)
		v2 := offerOf(t, b, a)
		if version(v1) != "1" || version(v1again) != "1" || version(v2) != "2" || id(v1) != id(v2) {
			t.Errorf("versions %s, %s, %s", version(v1), version(v1again), version(v2))
		}
	})
}

// TestRelaySDPNumbers: numbers keep their meaning in each dialog, however different they are on the other side.
func TestRelaySDPNumbers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 4, SideConfig{})
		a, b, c, d := s[0], s[1], s[2], s[3]
		// Two calls with the same formats under other numbers.
		offered(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 96 97 100", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 speex/16000", "a=rtpmap:100 telephone-event/8000"))
		offerOf(t, b, a)
		answeredBy(t, b, lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 107 100", "a=rtpmap:107 OPUS/48000/2", "a=rtpmap:100 telephone-event/8000"))
		wantMedia(t, answerOf(t, a, b), "audio 1 RTP/AVP 96 100") // the answer's own number is between us and b
		Join(a, b)
		r := newRelayRoute(&a.lines[0], &b.lines[0])
		if r.rule[96] != relayPass || r.pt[96] != 107 || r.pt[100] != 100 || r.rule[97] != relayDrop {
			t.Errorf("a to b: 96 as %d, 100 as %d", r.pt[96], r.pt[100])
		}
		if r := newRelayRoute(&b.lines[0], &a.lines[0]); r.pt[96] != 96 || r.rule[96] != relayPass {
			t.Error("b to a: b sends with the numbers of our offer")
		}

		offered(t, c, lines("v=0", "c=IN IP4 203.0.113.20", "m=audio 6000 RTP/AVP 111 96", "a=rtpmap:111 opus/48000/2", "a=rtpmap:96 telephone-event/8000"))
		offerOf(t, d, c)
		answeredBy(t, d, lines("v=0", "c=IN IP4 203.0.113.21", "m=audio 7000 RTP/AVP 111 96", "a=rtpmap:111 opus/48000/2", "a=rtpmap:96 telephone-event/8000"))
		answerOf(t, c, d)
		Join(c, d)

		// Attended transfer: a meets c.
		Join(a, c)
		if a.NeedsOffer() || c.NeedsOffer() {
			t.Error("other numbers alone need no offer")
		}
		r = newRelayRoute(&a.lines[0], &c.lines[0])
		if r.pt[96] != 111 || r.pt[100] != 96 {
			t.Errorf("a to c: opus as %d, keys as %d", r.pt[96], r.pt[100])
		}
		// An offer to c for a must keep c's numbers and find another for what c has not had.
		offered(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 96 97 100 98", "a=rtpmap:96 opus/48000/2", "a=rtpmap:97 speex/16000", "a=rtpmap:100 telephone-event/8000",
			"a=rtpmap:98 iLBC/8000", "a=fmtp:98 mode=20"))
		offer := offerOf(t, c, a)
		wantMedia(t, offer, "audio 1 RTP/AVP 111 97 96 98")
		wantLine(t, offer, "a=fmtp:98 mode=20")
	})
}

// TestRelaySDPSeveralH264: formats of one encoding are told apart by their parameters.
func TestRelaySDPSeveralH264(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		offered(t, a, enterpriseVideo)
		offerOf(t, b, a)
		answeredBy(t, b, lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 0", "m=video 5002 RTP/AVP 109",
			"a=rtpmap:109 H264/90000", "a=fmtp:109 profile-level-id=428016;packetization-mode=0"))
		answer := answerOf(t, a, b)
		wantMedia(t, answer, "audio 1 RTP/AVP 0", "video 1 RTP/AVP 97") // the one with packetization-mode 0
		r := newRelayRoute(&a.lines[1], &b.lines[1])
		if r.rule[97] != relayPass || r.pt[97] != 109 || r.rule[100] != relayDrop {
			t.Errorf("97 goes as %d, 100 by rule %d", r.pt[97], r.rule[100])
		}
	})
}

// TestRelaySDPTranscodes: the laws of G.711 stand in for each other where nothing else is shared, and only there; keys are offered beside
// whatever is offered.
func TestRelaySDPTranscodes(t *testing.T) {
	tests := []struct{ name, offer, told, answer, want string }{
		{"only µ-law meets only A-law", "0 101", "0 101 8", "8 101", "0 101"},
		{"only A-law meets only µ-law", "8", "8 0 101", "0", "8"},
		{"both share A-law", "0 8", "0 8 101", "8", "8"},
		{"G.729 is shared", "18 0", "18 0 8 101", "18 8", "18"},
		{"without G.711 there are only keys to offer beside", "18 4", "18 4 101", "18 101", "18"},
		{"keys alone are not a call", "0 101", "0 101 8", "101", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := sides(t, 2, SideConfig{})
				a, b := s[0], s[1]
				event := "a=rtpmap:101 telephone-event/8000"
				offered(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP "+tt.offer, event))
				wantMedia(t, offerOf(t, b, a), "audio 1 RTP/AVP "+tt.told)
				err := b.Answered(lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP "+tt.answer, event))
				if tt.want == "" {
					if !errors.Is(err, ErrNoCommonCodec) {
						t.Errorf("answered: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				wantMedia(t, answerOf(t, a, b), "audio 1 RTP/AVP "+tt.want)
			})
		})
	}
}

// TestRelaySDPNeedsOffer: after a transfer, who must be told something new is told apart from who need not.
func TestRelaySDPNeedsOffer(t *testing.T) {
	video := []string{"m=video 4002 RTP/AVP 97", "a=rtpmap:97 H264/90000"}
	tests := []struct {
		name       string
		a, c       []string // what a and c have agreed to with their former partners
		needA      bool
		needC      bool
		thenFormat string // of c, after a's new offer
	}{
		{"the same", []string{"m=audio 4000 RTP/AVP 0"}, []string{"m=audio 4000 RTP/AVP 0"}, false, false, ""},
		{"the other law", []string{"m=audio 4000 RTP/AVP 0"}, []string{"m=audio 4000 RTP/AVP 8"}, false, false, ""},
		{"other formats", []string{"m=audio 4000 RTP/AVP 9"}, []string{"m=audio 4000 RTP/AVP 18"}, true, true, ""},
		{"one may send more than the other takes", []string{"m=audio 4000 RTP/AVP 9 0"}, []string{"m=audio 4000 RTP/AVP 0"}, true, false, ""},
		{"video on one side", append([]string{"m=audio 4000 RTP/AVP 0"}, video...), []string{"m=audio 4000 RTP/AVP 0"}, true, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := sides(t, 4, SideConfig{})
				call := func(x, y *Side, media []string) {
					sdp := lines(append([]string{"v=0", "c=IN IP4 203.0.113.5"}, media...)...)
					offered(t, x, sdp)
					offerOf(t, y, x)
					answeredBy(t, y, sdp)
					answerOf(t, x, y)
					Join(x, y)
				}
				call(s[0], s[1], tt.a)
				call(s[2], s[3], tt.c)
				Join(s[0], s[2])
				if a, c := s[0].NeedsOffer(), s[2].NeedsOffer(); a != tt.needA || c != tt.needC {
					t.Errorf("a needs one: %v, c: %v", a, c)
				}
				if s[1].NeedsOffer() {
					t.Error("a side without a partner needs an offer")
				}
			})
		})
	}
}

// TestRelaySDPT38: a fax that two gateways agree on passes as it is.
func TestRelaySDPT38(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := sides(t, 2, SideConfig{})
		a, b := s[0], s[1]
		audio := []string{"v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 8"}
		offered(t, a, lines(audio...))
		offerOf(t, b, a)
		answeredBy(t, b, lines(audio...))
		answerOf(t, a, b)
		Join(a, b)
		fax := lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 0 RTP/AVP 8", "m=image 5004 udptl t38", "a=T38FaxVersion:0", "a=T38MaxBitRate:14400", "a=T38FaxUdpEC:t38UDPRedundancy")
		offered(t, b, fax)
		offer := offerOf(t, a, b)
		wantMedia(t, offer, "audio 0 RTP/AVP 8", "image 1 udptl t38")
		wantLine(t, offer, "a=T38FaxUdpEC:t38UDPRedundancy")
		answeredBy(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 0 RTP/AVP 8", "m=image 4004 udptl t38", "a=T38FaxVersion:0"))
		wantMedia(t, answerOf(t, b, a), "audio 0 RTP/AVP 8", "image 1 udptl t38")
		if a.NeedsOffer() || b.NeedsOffer() {
			t.Error("a fax needs another offer")
		}
	})
}

// TestRelaySDPRefuses: what cannot be relayed is refused, with the reason that the leg's answer depends on.
func TestRelaySDPRefuses(t *testing.T) {
	tests := []struct {
		name string
		sdp  []byte
		err  error
	}{
		{"not SDP", []byte("hello"), ErrBadSDP},
		{"no media", lines("v=0", "c=IN IP4 203.0.113.5"), ErrNoCommonCodec},
		{"MSRP alone", lines("v=0", "c=IN IP4 203.0.113.5", "m=message 7654 TCP/MSRP *"), ErrNoCommonCodec},
		{"DTLS alone", lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 UDP/TLS/RTP/SAVPF 0"), ErrSRTPOnly},
		{"SDES over plain signalling", lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+rfcKey), ErrSRTPOnly},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				if err := sides(t, 1, SideConfig{})[0].Offered(tt.sdp); !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
			})
		})
	}
}

// TestRelaySDPPortsEnd: when no ports are left nothing of the attempt stays.
func TestRelaySDPPortsEnd(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 1)
		a, b := r.NewSide(SideConfig{}), r.NewSide(SideConfig{})
		defer a.Close()
		defer b.Close()
		offered(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=audio 4000 RTP/AVP 0", "m=video 4002 RTP/AVP 31"))
		if _, err := b.Offer(a); !errors.Is(err, ErrNoPorts) {
			t.Errorf("error %v", err)
		}
		if got := r.ports.InUse(); got != 0 {
			t.Errorf("%d pairs in use", got)
		}
	})
}

// TestRelaySDPHandsOver: a leg whose media goes from a session to a side keeps its o= line, its m= lines and its numbers.
func TestRelaySDPHandsOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 8)
		s, err := NewSession(ports, SessionConfig{Codecs: []Codec{PCMU}})
		if err != nil {
			t.Fatal(err)
		}
		first, err := s.Accept(lines("v=0", "c=IN IP4 203.0.113.5", "m=video 4002 RTP/AVP 97", "a=rtpmap:97 H264/90000", "m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
		if err != nil {
			t.Fatal(err)
		}
		r := NewRelay(ports, RelayConfig{})
		a := r.NewSide(SideConfig{Dialog: s.Dialog()})
		b := r.NewSide(SideConfig{})
		defer a.Close()
		defer b.Close()
		s.Close()
		offered(t, b, lines("v=0", "c=IN IP4 203.0.113.9", "m=audio 5000 RTP/AVP 0 8 96", "a=rtpmap:96 telephone-event/8000"))
		offer := offerOf(t, a, b)
		wantMedia(t, offer, "video 0 RTP/AVP 97", "audio 1 RTP/AVP 0 8 101")
		origin := func(sdp string) []string { return strings.Fields(sdp[strings.Index(sdp, "o="):])[:3] }
		was, is := origin(string(first)), origin(offer)
		if was[1] != is[1] || is[2] != "2" {
			t.Errorf("o= line %v after %v", is, was)
		}
		answeredBy(t, a, lines("v=0", "c=IN IP4 203.0.113.5", "m=video 0 RTP/AVP 97", "m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
		wantMedia(t, answerOf(t, b, a), "audio 1 RTP/AVP 0 96")
		// And back into a space.
		again, err := NewSession(ports, SessionConfig{Codecs: []Codec{PCMU}, Dialog: a.Dialog()})
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		back, err := again.Offer()
		if err != nil {
			t.Fatal(err)
		}
		wantMedia(t, string(back), "video 0 RTP/AVP 97", "audio 1 RTP/AVP 0 101")
		if x := origin(string(back)); x[1] != was[1] || x[2] != "3" {
			t.Errorf("o= line %v after %v", x, was)
		}
	})
}
