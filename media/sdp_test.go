package media

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// lines joins the lines of a description as SIP sends them.
func lines(l ...string) []byte { return []byte(strings.Join(l, "\r\n") + "\r\n") }

var ourAddr = netip.MustParseAddrPort("192.0.2.9:10000")

// answerTo answers an offer with PCMA and PCMU at our address.
func answerTo(t *testing.T, sdp []byte, wish Direction) (string, negotiated, error) {
	t.Helper()
	o, err := parseOffer(sdp)
	if err != nil {
		return "", negotiated{}, err
	}
	b, n, err := o.answer(answerParams{Local: ourAddr, Origin: &sdpOrigin{ID: 7}, Codecs: []Codec{PCMA, PCMU}, Direction: wish})
	return string(b), n, err
}

// enterpriseVideo is the offer of a video desk phone: c= at media level only, eight audio formats, three of H.264.
var enterpriseVideo = lines(
	"v=0",
	"o=Cisco-SIPUA 25843 0 IN IP4 198.51.100.7",
	"s=SIP Call",
	"b=AS:4064",
	"t=0 0",
	"m=audio 17432 RTP/AVP 9 114 124 113 115 0 8 116 18 101",
	"c=IN IP4 198.51.100.7",
	"b=TIAS:64000",
	"a=rtpmap:9 G722/8000",
	"a=rtpmap:114 opus/48000/2",
	"a=rtpmap:124 ISAC/16000",
	"a=rtpmap:113 AMR-WB/16000",
	"a=fmtp:113 octet-align=0;mode-change-capability=2",
	"a=rtpmap:115 AMR-WB/16000",
	"a=fmtp:115 octet-align=1;mode-change-capability=2",
	"a=rtpmap:0 PCMU/8000",
	"a=rtpmap:8 PCMA/8000",
	"a=rtpmap:116 iLBC/8000",
	"a=fmtp:116 mode=20",
	"a=rtpmap:18 G729/8000",
	"a=fmtp:18 annexb=yes",
	"a=rtpmap:101 telephone-event/8000",
	"a=fmtp:101 0-15",
	"a=sendrecv",
	"m=video 20908 RTP/AVP 100 126 97",
	"c=IN IP4 198.51.100.7",
	"b=TIAS:4000000",
	"a=rtpmap:100 H264/90000",
	"a=fmtp:100 profile-level-id=640C16;packetization-mode=1;level-asymmetry-allowed=1;max-mbps=108000;max-fs=3600",
	"a=imageattr:* recv [x=800,y=480,q=0.60] [x=1280,y=720,q=0.50]",
	"a=rtpmap:126 H264/90000",
	"a=fmtp:126 profile-level-id=428016;packetization-mode=1;level-asymmetry-allowed=1",
	"a=rtpmap:97 H264/90000",
	"a=fmtp:97 profile-level-id=428016;packetization-mode=0;level-asymmetry-allowed=1",
	"a=rtcp-fb:* nack pli",
	"a=rtcp-fb:* ccm fir",
	"a=rtcp-fb:* ccm tmmbr",
	"a=recvonly",
)

// spaPhone is the offer of a small desk phone of the SPA line.
var spaPhone = lines(
	"v=0",
	"o=- 2829 2829 IN IP4 192.0.2.44",
	"s=-",
	"c=IN IP4 192.0.2.44",
	"t=0 0",
	"m=audio 16482 RTP/AVP 0 8 18 100 101",
	"a=rtpmap:0 PCMU/8000",
	"a=rtpmap:8 PCMA/8000",
	"a=rtpmap:18 G729a/8000",
	"a=rtpmap:100 NSE/8000",
	"a=fmtp:100 192-193",
	"a=rtpmap:101 telephone-event/8000",
	"a=fmtp:101 0-15",
	"a=ptime:30",
	"a=sendrecv",
)

func TestAnswerEnterpriseVideo(t *testing.T) {
	got, n, err := answerTo(t, enterpriseVideo, SendRecv)
	if err != nil {
		t.Fatal(err)
	}
	want := string(lines(
		"v=0",
		"o=- 7 1 IN IP4 192.0.2.9",
		"s=-",
		"c=IN IP4 192.0.2.9",
		"t=0 0",
		"m=audio 10000 RTP/AVP 0 101",
		"a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000",
		"a=fmtp:101 0-15",
		"a=ptime:20",
		"a=sendrecv",
		"m=video 0 RTP/AVP 100 126 97",
	))
	if got != want {
		t.Errorf("answer:\n%s\nwant:\n%s", got, want)
	}
	if n.Remote != netip.MustParseAddrPort("198.51.100.7:17432") || n.RemoteRTCP.Port() != 17433 {
		t.Errorf("remote %v, RTCP %v", n.Remote, n.RemoteRTCP)
	}
	if len(n.Others) != 1 || n.Others[0].PT != 8 {
		t.Errorf("others = %+v, want PCMA only", n.Others)
	}
}

func TestAnswerSPA(t *testing.T) {
	got, n, err := answerTo(t, spaPhone, SendRecv)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "m=audio 10000 RTP/AVP 0 101\r\n") || !strings.Contains(got, "a=ptime:30\r\n") {
		t.Errorf("answer:\n%s", got)
	}
	if n.Codec != PCMU || n.Ptime != 30 || !n.HasEvents || n.EventPT != 101 {
		t.Errorf("negotiated %+v", n)
	}
}

// TestDirections is the table of RFC 3264 §6.1 and §8.4: every offered direction against every wish of ours.
func TestDirections(t *testing.T) {
	tests := []struct{ offer, wish, want string }{
		{"sendrecv", "sendrecv", "sendrecv"},
		{"sendrecv", "sendonly", "sendonly"},
		{"sendrecv", "recvonly", "recvonly"},
		{"sendrecv", "inactive", "inactive"},
		{"sendonly", "sendrecv", "recvonly"},
		{"sendonly", "sendonly", "inactive"},
		{"sendonly", "recvonly", "recvonly"},
		{"sendonly", "inactive", "inactive"},
		{"recvonly", "sendrecv", "sendonly"},
		{"recvonly", "sendonly", "sendonly"},
		{"recvonly", "recvonly", "inactive"},
		{"recvonly", "inactive", "inactive"},
		{"inactive", "sendrecv", "inactive"},
		{"inactive", "sendonly", "inactive"},
		{"inactive", "recvonly", "inactive"},
		{"inactive", "inactive", "inactive"},
	}
	named := map[string]Direction{"sendrecv": SendRecv, "sendonly": SendOnly, "recvonly": RecvOnly, "inactive": Inactive}
	hold := map[string]bool{"sendonly": true, "inactive": true}
	for _, tt := range tests {
		t.Run(tt.offer+"/"+tt.wish, func(t *testing.T) {
			for _, codec := range []string{"0", "8"} { // both ends of a hold with a change of codec
				sdp := lines("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP "+codec, "a="+tt.offer)
				got, n, err := answerTo(t, sdp, named[tt.wish])
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasSuffix(got, "a="+tt.want+"\r\n") {
					t.Errorf("answer:\n%swant a=%s", got, tt.want)
				}
				wantSend := tt.want == "sendrecv" || tt.want == "sendonly"
				wantReceive := tt.want == "sendrecv" || tt.want == "recvonly"
				if n.SendAllowed != wantSend || n.ReceiveAllowed != wantReceive || n.Held != hold[tt.offer] {
					t.Errorf("send %v receive %v held %v", n.SendAllowed, n.ReceiveAllowed, n.Held)
				}
				// The other end of the same exchange: the peer sees the mirror of what we see.
				peer, err := parseAnswer(sdp, []byte(got), NoSRTP)
				if err != nil {
					t.Fatal(err)
				}
				if peer.SendAllowed != n.ReceiveAllowed || peer.ReceiveAllowed != n.SendAllowed {
					t.Errorf("ends disagree: we %+v, peer %+v", n, peer)
				}
				if fmt.Sprint(n.PT) != codec || peer.PT != n.PT {
					t.Errorf("payload types %d and %d, want %s", n.PT, peer.PT, codec)
				}
			}
		})
	}
}

// TestHoldByHole is the hold of RFC 2543: the address 0.0.0.0, with every direction.
func TestHoldByHole(t *testing.T) {
	for offered, want := range map[string]string{
		"sendrecv": "recvonly", "sendonly": "recvonly", "recvonly": "inactive", "inactive": "inactive",
	} {
		for _, c := range []string{"IN IP4 0.0.0.0", "IN IP6 ::"} {
			got, n, err := answerTo(t, lines("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 8", "c="+c, "a="+offered), SendRecv)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(got, "a="+want+"\r\n") || n.SendAllowed || !n.Held || n.Remote.IsValid() {
				t.Errorf("%s at %s: %+v, answer:\n%s", offered, c, n, got)
			}
		}
	}
}

func TestAnswerTable(t *testing.T) {
	const c = "c=IN IP4 192.0.2.1"
	tests := []struct {
		name  string
		offer []byte
		want  string // what the answer contains, lines joined by |
		err   error
	}{
		{"no rtpmap for static types", lines("v=0", c, "m=audio 4000 RTP/AVP 8 0"), "m=audio 10000 RTP/AVP 8|a=rtpmap:8 PCMA/8000|a=ptime:20", nil},
		{"bare LF", []byte("v=0\n" + c + "\nm=audio 4000 RTP/AVP 0\na=sendonly\n"), "m=audio 10000 RTP/AVP 0|", nil},
		{"lone CR, blank lines, no end", []byte("v=0\r" + c + "\r\r\rm=audio 4000 RTP/AVP 0"), "m=audio 10000 RTP/AVP 0|", nil},
		{"names in any case", lines("v=0", c, "m=AUDIO 4000 rtp/avp 96 97", "a=RTPMAP:96 pcma/8000", "a=rtpmap:97 Telephone-Event/8000"), "m=audio 10000 rtp/avp 96 97|a=rtpmap:96 PCMA/8000|a=rtpmap:97 telephone-event/8000|a=fmtp:97 0-15|", nil},
		{"stereo G.711 is not ours", lines("v=0", c, "m=audio 4000 RTP/AVP 96 0", "a=rtpmap:96 PCMA/8000/2"), "RTP/AVP 0|", nil},
		{"wide G.711 is not ours", lines("v=0", c, "m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMA/16000"), "", ErrNoCommonCodec},
		{"events at the sound's clock", lines("v=0", c, "m=audio 4000 RTP/AVP 0 110 126", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000"), "m=audio 10000 RTP/AVP 0 126|", nil},
		{"events at another clock only", lines("v=0", c, "m=audio 4000 RTP/AVP 0 110", "a=rtpmap:110 telephone-event/48000"), "m=audio 10000 RTP/AVP 0 110|a=rtpmap:110 telephone-event/48000|", nil},
		{"AVPF", lines("v=0", c, "m=audio 4000 RTP/AVPF 0", "a=rtcp-fb:* nack"), "m=audio 10000 RTP/AVPF 0|", nil},
		{"rtcp-mux", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=rtcp-mux"), "a=rtcp-mux|a=sendrecv|", nil},
		{"SAVP only", lines("v=0", c, "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), "", ErrSRTPOnly},
		{"browser", lines("v=0", c, "m=audio 9 UDP/TLS/RTP/SAVPF 111 0"), "", ErrSRTPOnly},
		{"SAVP before AVP", lines("v=0", c, "m=audio 4000 RTP/SAVP 0", "m=audio 4002 RTP/AVP 0"), "m=audio 0 RTP/SAVP 0|m=audio 10000 RTP/AVP 0|", nil},
		{"SAVP after AVP without common codec", lines("v=0", c, "m=audio 4000 RTP/AVP 18", "m=audio 4002 RTP/SAVP 0"), "", ErrNoCommonCodec},
		{"crypto beside AVP", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x"), "m=audio 10000 RTP/AVP 0|", nil},
		{"G.729 only", lines("v=0", c, "m=audio 4000 RTP/AVP 18 101", "a=rtpmap:18 G729ab/8000", "a=rtpmap:101 telephone-event/8000"), "", ErrNoCommonCodec},
		{"events only", lines("v=0", c, "m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"), "", ErrNoCommonCodec},
		{"video first", lines("v=0", c, "m=video 5000 RTP/AVP 97", "a=rtpmap:97 H264/90000", "m=audio 4000 RTP/AVP 0"), "m=video 0 RTP/AVP 97|m=audio 10000 RTP/AVP 0|", nil},
		{"video only", lines("v=0", c, "m=video 5000 RTP/AVP 97"), "", ErrNoCommonCodec},
		{"two audio lines", lines("v=0", c, "m=audio 4000 RTP/AVP 18", "m=audio 4002 RTP/AVP 8", "m=audio 4004 RTP/AVP 0"), "m=audio 0 RTP/AVP 18|m=audio 10000 RTP/AVP 8|", nil},
		{"fax and data", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "m=image 4002 udptl t38", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"), "m=image 0 udptl t38|m=application 0 UDP/DTLS/SCTP webrtc-datachannel|", nil},
		{"audio switched off", lines("v=0", c, "m=audio 0 RTP/AVP 0"), "", ErrNoCommonCodec},
		{"no media", lines("v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", c, "t=0 0"), "", ErrNoCommonCodec},
		{"timing repeated", lines("v=0", c, "t=2873397496 2873404696", "m=audio 4000 RTP/AVP 0"), "t=2873397496 2873404696|", nil},
		{"timing that is none", lines("v=0", c, "t=now then", "m=audio 4000 RTP/AVP 0"), "t=0 0|", nil},
		{"maxptime", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=ptime:40", "a=maxptime:30"), "a=ptime:30|", nil},
		{"ptime too long", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=ptime:200"), "a=ptime:60|", nil},
		{"ptime too short", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=ptime:5"), "a=ptime:10|", nil},
		{"ptime with a fraction", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=ptime: 30.0"), "a=ptime:30|", nil},
		{"ptime nonsense", lines("v=0", c, "m=audio 4000 RTP/AVP 0", "a=ptime:abc"), "a=ptime:20|", nil},
		{"formats that are none", lines("v=0", c, "m=audio 4000 RTP/AVP 200 x -1 0 0 8"), "m=audio 10000 RTP/AVP 0|", nil},
		{"port count", lines("v=0", c, "m=audio 4000/2 RTP/AVP 0"), "m=audio 10000 RTP/AVP 0|", nil},
		{"rtpmap with a tab", lines("v=0", c, "m=audio 4000 RTP/AVP 97", "a=rtpmap:97\tPCMU/8000"), "m=audio 10000 RTP/AVP 97|", nil},
		{"not SDP", []byte("hello world"), "", ErrBadSDP},
		{"empty", nil, "", ErrBadSDP},
		{"other version", lines("v=1", c, "m=audio 4000 RTP/AVP 0"), "", ErrBadSDP},
		{"port beyond", lines("v=0", c, "m=audio 70000 RTP/AVP 0"), "", ErrBadSDP},
		{"port missing", lines("v=0", c, "m=audio RTP/AVP 0"), "", ErrBadSDP},
		{"control character", lines("v=0", c, "m=audio 4000 RTP/AVP 0\x00"), "", ErrBadSDP},
		{"too many m= lines", lines("v=0", c, strings.Repeat("m=audio 4000 RTP/AVP 0\n", 40)), "", ErrBadSDP},
		{"too long", append(lines("v=0", c, "m=audio 4000 RTP/AVP 0"), make([]byte, 70000)...), "", ErrBadSDP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _, err := answerTo(t, tt.offer, SendRecv)
			if !errors.Is(err, tt.err) || (err != nil) != (tt.err != nil) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			for _, want := range strings.Split(tt.want, "|") {
				if !strings.Contains(got, want) {
					t.Errorf("answer lacks %q:\n%s", want, got)
				}
			}
			if err == nil && countMedia(got) != countMedia(string(tt.offer)) {
				t.Errorf("m= lines of offer and answer differ:\n%s", got)
			}
		})
	}
}

var mLine = regexp.MustCompile(`(?m)^m=`)

func countMedia(s string) int {
	return len(mLine.FindAllString(strings.ReplaceAll(s, "\r", "\n"), -1))
}

func TestRemoteAddress(t *testing.T) {
	tests := []struct{ name, lines, rtp, rtcp string }{
		{"session level", "c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001"},
		{"media level wins", "c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0|c=IN IP4 192.0.2.2", "192.0.2.2:4000", "192.0.2.2:4001"},
		{"of the right m= line", "m=video 5000 RTP/AVP 97|c=IN IP4 192.0.2.3|m=audio 4000 RTP/AVP 0|c=IN IP4 192.0.2.2", "192.0.2.2:4000", "192.0.2.2:4001"},
		{"forgotten c=", "o=- 1 1 IN IP4 192.0.2.5|m=audio 4000 RTP/AVP 0", "192.0.2.5:4000", "192.0.2.5:4001"},
		{"IPv6", "c=IN IP6 2001:db8::1|m=audio 4000 RTP/AVP 0", "[2001:db8::1]:4000", "[2001:db8::1]:4001"},
		{"IPv6 in brackets", "c=IN IP6 [2001:db8::1]|m=audio 4000 RTP/AVP 0", "[2001:db8::1]:4000", "[2001:db8::1]:4001"},
		{"leading zeros", "c=IN IP4 192.000.002.001|m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001"},
		{"TTL", "c=IN IP4 192.0.2.1/127|m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001"},
		{"rtcp port", "c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0|a=rtcp:5555", "192.0.2.1:4000", "192.0.2.1:5555"},
		{"rtcp address", "c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0|a=rtcp:5555 IN IP4 192.0.2.8", "192.0.2.1:4000", "192.0.2.8:5555"},
		{"rtcp-mux", "c=IN IP4 192.0.2.1|m=audio 4000 RTP/AVP 0|a=rtcp:4001|a=rtcp-mux", "192.0.2.1:4000", "192.0.2.1:4000"},
		{"host name", "c=IN IP4 phone.example|m=audio 4000 RTP/AVP 0", "invalid AddrPort", "invalid AddrPort"},
		{"multicast", "c=IN IP4 224.2.36.42/127|m=audio 4000 RTP/AVP 0", "invalid AddrPort", "invalid AddrPort"},
		{"broadcast", "c=IN IP4 255.255.255.255|m=audio 4000 RTP/AVP 0", "invalid AddrPort", "invalid AddrPort"},
		{"last port", "c=IN IP4 192.0.2.1|m=audio 65535 RTP/AVP 0", "192.0.2.1:65535", "invalid AddrPort"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, n, err := answerTo(t, lines(append([]string{"v=0"}, strings.Split(tt.lines, "|")...)...), SendRecv)
			if err != nil {
				t.Fatal(err)
			}
			if n.Remote.String() != tt.rtp || n.RemoteRTCP.String() != tt.rtcp {
				t.Errorf("RTP %v, RTCP %v, want %s, %s", n.Remote, n.RemoteRTCP, tt.rtp, tt.rtcp)
			}
			if n.Held {
				t.Error("held without a hold")
			}
		})
	}
}

// TestOriginVersion: the o= line changes when the description does and stays when it does not (RFC 3264 §8).
func TestOriginVersion(t *testing.T) {
	var origin sdpOrigin
	answer := func(sdp []byte) string {
		o, err := parseOffer(sdp)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := o.answer(answerParams{Local: ourAddr, Origin: &origin, Codecs: []Codec{PCMA, PCMU}})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(string(b), "\r\n")[1]
	}
	hold := []byte(strings.Replace(string(spaPhone), "a=sendrecv", "a=sendonly", 1))
	for i, step := range []struct {
		sdp  []byte
		want string
	}{
		{spaPhone, "o=- 0 1 IN IP4 192.0.2.9"},
		{spaPhone, "o=- 0 1 IN IP4 192.0.2.9"},
		{hold, "o=- 0 2 IN IP4 192.0.2.9"},
		{hold, "o=- 0 2 IN IP4 192.0.2.9"},
		{spaPhone, "o=- 0 3 IN IP4 192.0.2.9"},
	} {
		if got := answer(step.sdp); got != step.want {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
}

func TestAnswerIPv6(t *testing.T) {
	o, err := parseOffer(lines("v=0", "c=IN IP6 2001:db8::1", "m=audio 4000 RTP/AVP 0"))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := o.answer(answerParams{Local: netip.MustParseAddrPort("[2001:db8::9]:10000"), Origin: &sdpOrigin{}, Codecs: []Codec{PCMU}})
	if err != nil || !strings.Contains(string(b), "\r\nc=IN IP6 2001:db8::9\r\n") {
		t.Errorf("err %v, answer:\n%s", err, b)
	}
}
