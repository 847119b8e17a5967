package media

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// secureLeg is a phone that speaks SRTP with a session, stepped like memLeg.
type secureLeg struct {
	t     *testing.T
	conn  *memnet.PacketConn
	s     *Session
	key   srtpKey
	in    *srtpIn
	out   *srtpOut
	seq   uint16
	ts    uint32
	got   []int16
	plain int // packets that were not secured
	bad   int // that did not verify
	rtcp  int // reports that did
}

func (l *secureLeg) sdp(proto string, attrs ...string) []byte {
	s := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 203.0.113.5\r\ns=-\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\nm=audio 4000 %s 0\r\n", proto)
	for _, a := range append(attrs, "a=rtcp-mux") {
		s += a + "\r\n"
	}
	return []byte(s)
}

// learn takes the session's key from its description.
func (l *secureLeg) learn(sdp []byte) srtpKey {
	l.t.Helper()
	d, err := parseSDP(sdp)
	if err != nil {
		l.t.Fatal(err)
	}
	keys := d.media[0].keys()
	if len(keys) == 0 {
		l.t.Fatalf("no key in\n%s", sdp)
	}
	if l.in == nil || !l.in.key.same(keys[0]) {
		l.in = newSRTPIn(keys[0], nil, 0)
	}
	return keys[0]
}

// step sends 20 ms of a tone, and takes what has come.
func (l *secureLeg) step(tone float64) {
	payload := make([]byte, 160)
	encodeG711(PCMU, payload, mediatest.Tone(tone, toneAmp, 8000, int(l.ts), 160))
	b := make([]byte, rtpHeaderLen, 300)
	putRTPHeader(b, false, 0, l.seq, l.ts, 77)
	b, _ = l.out.packet(append(b, payload...))
	l.seq++
	l.ts += 160
	if _, err := l.conn.WriteToUDPAddrPort(b, l.s.pair.rtp.LocalAddrPort()); err != nil {
		l.t.Fatal(err)
	}
}

func (l *secureLeg) hear() {
	b := make([]byte, 600)
	for {
		n, _, ok := l.conn.TryRead(b)
		if !ok {
			return
		}
		if isRTCP(b[:n]) {
			if _, ok := l.in.report(b[:n]); ok {
				l.rtcp++
			} else {
				l.bad++
			}
			continue
		}
		if n == rtpHeaderLen+160 {
			l.plain++
		}
		x, ok := l.in.packet(b[:n])
		if !ok {
			l.bad++
			continue
		}
		pcm := make([]int16, len(x)-rtpHeaderLen)
		decodeG711(PCMU, pcm, x[rtpHeaderLen:])
		l.got = append(l.got, pcm...)
	}
}

func newSecureLeg(t *testing.T, policy SRTPPolicy, suite srtpSuite) *secureLeg {
	t.Helper()
	n := memnet.New()
	conn, err := n.ListenPacket(netip.MustParseAddrPort("203.0.113.5:4000"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(memPorts(t, n, 4), SessionConfig{Codecs: []Codec{PCMU}, Secure: policy})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	k := newSRTPKey(4, suite)
	return &secureLeg{t: t, conn: conn, s: s, key: k, out: newSRTPOut(k), seq: 1000}
}

// TestSessionSpeaksSRTP: a phone whose security is required, and one whose security is optional, hear the other leg of the
// bridge under each suite; nothing goes out in the clear.
func TestSessionSpeaksSRTP(t *testing.T) {
	for _, suite := range offeredSuites {
		for _, proto := range []string{"RTP/SAVP", "RTP/AVP"} {
			t.Run(suite.String()+" "+proto, func(t *testing.T) {
				l := newSecureLeg(t, OptionalSRTP, suite)
				answer, err := l.s.Accept(l.sdp(proto, "a=crypto:9 F8_128_HMAC_SHA1_80 inline:"+rfcKey, "a=crypto:"+l.key.cryptoLine()))
				if err != nil {
					t.Fatal(err)
				}
				if k := l.learn(answer); k.tag != 4 || k.suite != suite || !strings.Contains(string(answer), proto+" 0\r\n") {
					t.Fatalf("answer\n%s", answer)
				}
				m := NewMixer(MixerConfig{})
				n := memnet.New()
				other := newMemLeg(t, n, memPorts(t, n, 2), "203.0.113.9:4000", PCMA, 1300)
				for _, s := range []*Session{l.s, other.s} {
					if err := m.attach(s); err != nil {
						t.Fatal(err)
					}
				}
				now := time.Now()
				for range 400 {
					l.step(700)
					other.talk()
					m.mixOnce(now)
					now = now.Add(frameTime)
					l.hear()
					other.hear()
				}
				if db := other.level(700, time.Second); db < mediatest.HeardDB {
					t.Errorf("the plain leg hears at %.1f dB", db)
				}
				if db := mediatest.DB(mediatest.Amplitude(l.got[len(l.got)-8000:], 1300, 8000) / toneAmp); db < mediatest.HeardDB {
					t.Errorf("the secured leg hears at %.1f dB", db)
				}
				if l.plain > 0 || l.bad > 0 || l.rtcp == 0 {
					t.Errorf("%d packets in the clear, %d that do not verify, %d reports", l.plain, l.bad, l.rtcp)
				}
			})
		}
	}
}

// TestSessionSRTPPolicies says which offers are taken, and whether they are secured then.
func TestSessionSRTPPolicies(t *testing.T) {
	crypto := "a=crypto:" + newSRTPKey(1, aesCM80).cryptoLine()
	tests := []struct {
		name   string
		policy SRTPPolicy
		proto  string
		attr   string
		secure bool
		err    error
	}{
		{"strict phone over UDP", NoSRTP, "RTP/SAVP", crypto, false, ErrSRTPOnly},
		{"optional phone over UDP", NoSRTP, "RTP/AVP", crypto, false, nil},
		{"strict phone over TLS", OptionalSRTP, "RTP/SAVP", crypto, true, nil},
		{"optional phone over TLS", OptionalSRTP, "RTP/AVP", crypto, true, nil},
		{"plain phone over TLS", PreferSRTP, "RTP/AVP", "a=x", false, nil},
		{"plain phone, security required", RequireSRTP, "RTP/AVP", "a=x", false, ErrSRTPRequired},
		{"secure profile without a key", OptionalSRTP, "RTP/SAVP", "a=x", false, ErrSRTPOnly},
		{"only suites that nobody knows", OptionalSRTP, "RTP/SAVP", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + rfcKey, false, ErrSRTPOnly},
		{"DTLS", OptionalSRTP, "UDP/TLS/RTP/SAVPF", "a=x", false, ErrSRTPOnly},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newSecureLeg(t, tt.policy, aesCM80)
			answer, err := l.s.Accept(l.sdp(tt.proto, tt.attr))
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err == nil && (l.s.params.Load().Out != nil) != tt.secure || strings.Contains(string(answer), "a=crypto") != tt.secure {
				t.Errorf("answer\n%s", answer)
			}
		})
	}
}

// TestSessionOffersSRTP: our own offers name every suite; the answered one is used, and a later offer keeps its key.
func TestSessionOffersSRTP(t *testing.T) {
	for policy, proto := range map[SRTPPolicy]string{OptionalSRTP: "RTP/AVP", PreferSRTP: "RTP/SAVP", RequireSRTP: "RTP/SAVP"} {
		l := newSecureLeg(t, policy, aesCM32)
		offer, err := l.s.Offer()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(offer), "a=crypto:") != 3 || !strings.Contains(string(offer), proto+" 0 101") {
			t.Fatalf("offer\n%s", offer)
		}
		l.key.tag = 3
		if err := l.s.Complete(l.sdp(proto, "a=crypto:"+l.key.cryptoLine())); err != nil {
			t.Fatal(err)
		}
		out := l.s.params.Load().Out
		if out == nil || out.suite != aesCM32 {
			t.Fatalf("ours is %v", out)
		}
		again, err := l.s.Offer()
		if err != nil {
			t.Fatal(err)
		}
		if k := l.learn(again); !k.same(*out) || strings.Count(string(again), "a=crypto:") != 1 {
			t.Errorf("later offer\n%s", again)
		}
		if err := l.s.Complete(l.sdp(proto)); (err == nil) != (policy == OptionalSRTP) {
			t.Errorf("an answer without a key under policy %d: %v", policy, err)
		}
	}
}
