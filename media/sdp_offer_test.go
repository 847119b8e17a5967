package media

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestOffer(t *testing.T) {
	got := string(newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{ID: 7}, Codecs: []Codec{PCMA, PCMU, G729}}))
	want := string(lines(
		"v=0",
		"o=- 7 1 IN IP4 192.0.2.9",
		"s=-",
		"c=IN IP4 192.0.2.9",
		"t=0 0",
		"m=audio 10000 RTP/AVP 8 0 101",
		"a=rtpmap:8 PCMA/8000",
		"a=rtpmap:0 PCMU/8000",
		"a=rtpmap:101 telephone-event/8000",
		"a=fmtp:101 0-15",
		"a=ptime:20",
		"a=sendrecv",
	))
	if got != want {
		t.Errorf("offer:\n%s\nwant:\n%s", got, want)
	}
}

// TestLaterOffer: m= lines keep their places and formats their numbers (RFC 3264 §8).
func TestLaterOffer(t *testing.T) {
	before, err := parseOffer(lines("v=0", "c=IN IP4 192.0.2.1",
		"m=video 5000 RTP/AVP 101", "a=rtpmap:101 H264/90000",
		"m=audio 4000 RTP/AVPF 111 101 97",
		"a=rtpmap:111 PCMU/8000", "a=rtpmap:101 opus/48000/2", "a=rtpmap:97 telephone-event/8000"))
	if err != nil {
		t.Fatal(err)
	}
	got := string(newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: []Codec{PCMA, PCMU}, Direction: SendOnly, Previous: before}))
	want := "m=video 0 RTP/AVP 101\r\nm=audio 10000 RTP/AVPF 8 111 97\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:111 PCMU/8000\r\n" +
		"a=rtpmap:97 telephone-event/8000\r\na=fmtp:97 0-15\r\na=ptime:20\r\na=sendonly\r\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("offer:\n%s\nwant at its end:\n%s", got, want)
	}
}

// TestOfferAvoidsTakenNumbers: a dynamic number that the peer gave to another format is not used again.
func TestOfferAvoidsTakenNumbers(t *testing.T) {
	before, err := parseOffer(lines("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0 101 96", "a=rtpmap:101 iLBC/8000", "a=rtpmap:96 speex/8000"))
	if err != nil {
		t.Fatal(err)
	}
	got := string(newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: []Codec{PCMU, Opus}, Previous: before}))
	if !strings.Contains(got, "m=audio 10000 RTP/AVP 0 97 102\r\n") {
		t.Errorf("offer:\n%s", got)
	}
}

func TestParseAnswer(t *testing.T) {
	offered := newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: []Codec{PCMA, PCMU}})
	const c = "c=IN IP4 192.0.2.1"
	tests := []struct {
		name   string
		answer []byte
		codec  Codec
		pt     uint8
		others int
		events bool
		err    error
	}{
		{"one codec", lines("v=0", c, "m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"), PCMU, 0, 0, true, nil},
		{"several codecs", lines("v=0", c, "m=audio 4000 RTP/AVP 18 0 8 101", "a=rtpmap:18 G729a/8000", "a=rtpmap:101 telephone-event/8000"), PCMU, 0, 1, true, nil},
		{"no events", lines("v=0", c, "m=audio 4000 RTP/AVP 8"), PCMA, 8, 0, false, nil},
		{"own number for events", lines("v=0", c, "m=audio 4000 RTP/AVP 8 96", "a=rtpmap:96 telephone-event/8000"), PCMA, 8, 0, true, nil},
		{"audio refused", lines("v=0", c, "m=audio 0 RTP/AVP 8"), 0, 0, 0, false, ErrNoCommonCodec},
		{"something else", lines("v=0", c, "m=audio 4000 RTP/AVP 18"), 0, 0, 0, false, ErrNoCommonCodec},
		{"no line at all", lines("v=0", c), 0, 0, 0, false, ErrNoCommonCodec},
		{"secured unasked", lines("v=0", c, "m=audio 4000 RTP/SAVP 8"), 0, 0, 0, false, ErrSRTPOnly},
		{"malformed", []byte("m=audio"), 0, 0, 0, false, ErrBadSDP},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, err := parseAnswer(offered, tt.answer, NoSRTP)
			if !errors.Is(err, tt.err) || (err != nil) != (tt.err != nil) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if n.Codec != tt.codec || n.PT != tt.pt || len(n.Others) != tt.others || n.HasEvents != tt.events {
				t.Errorf("negotiated %+v", n)
			}
			if err == nil && (!n.SendAllowed || !n.ReceiveAllowed || n.Remote.String() != "192.0.2.1:4000") {
				t.Errorf("negotiated %+v", n)
			}
		})
	}
}

// TestAnswerDoesNotAddMux: a peer that answers with rtcp-mux unasked still gets RTCP on the next port.
func TestAnswerDoesNotAddMux(t *testing.T) {
	offered := newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: []Codec{PCMA}})
	n, err := parseAnswer(offered, lines("v=0", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 8", "a=rtcp-mux"), NoSRTP)
	if err != nil || n.Mux || n.RemoteRTCP.String() != "192.0.2.1:4001" {
		t.Errorf("err %v, mux %v, RTCP %v", err, n.Mux, n.RemoteRTCP)
	}
}

// FuzzSDP: no bytes make the parser or the answer panic; an answer has a line for each line of the offer, reads again,
// and is a description that the same code can answer.
func FuzzSDP(f *testing.F) {
	for _, seed := range [][]byte{enterpriseVideo, spaPhone,
		[]byte("v=0\nm=audio 1 RTP/AVP 0\nc=IN IP4 0.0.0.0\na=inactive"),
		lines("v=0", "c=IN IP6 ::1", "m=audio 65535/2 RTP/AVPF 0 101", "a=rtpmap:101 telephone-event/48000", "a=rtcp:1 IN IP4 x", "a=rtcp-mux"),
		lines("v=0", "m=audio 0 RTP/SAVP 0", "m=audio 2 UDP/TLS/RTP/SAVPF 8"),
	} {
		f.Add(seed)
	}
	codecs := []Codec{PCMA, PCMU, G722, Opus}
	f.Fuzz(func(t *testing.T, sdp []byte) {
		o, err := parseOffer(sdp)
		if err != nil {
			if !errors.Is(err, ErrBadSDP) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		b, n, err := o.answer(answerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: codecs})
		if err != nil {
			if !errors.Is(err, ErrNoCommonCodec) && !errors.Is(err, ErrSRTPOnly) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		again, err := parseOffer(b)
		if err != nil {
			t.Fatalf("own answer does not read: %v\n%s", err, b)
		}
		if len(again.desc.media) != len(o.desc.media) {
			t.Fatalf("%d m= lines answered with %d", len(o.desc.media), len(again.desc.media))
		}
		if n.Ptime < 10 || n.Ptime > 60 || !slices.Contains(codecs, n.Codec) {
			t.Fatalf("negotiated %+v", n)
		}
		peer, err := parseAnswer(sdp, b, NoSRTP)
		if err != nil && !errors.Is(err, ErrNoCommonCodec) {
			t.Fatalf("peer cannot read our answer: %v\n%s", err, b)
		}
		if err == nil && peer.Codec != n.Codec {
			t.Fatalf("peer reads %v, we mean %v", peer.Codec, n.Codec)
		}
		newOffer(offerParams{Local: ourAddr, Origin: &sdpOrigin{}, Codecs: codecs, Previous: o})
	})
}
