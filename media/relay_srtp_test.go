package media

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
)

// securedCall sets a call up between a phone that requires SRTP and one that knows nothing of it.
func securedCall(t *testing.T, suite srtpSuite) (a, b *relayPhone) {
	t.Helper()
	n := memnet.New()
	r := newRelay(t, n, 20)
	a = newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{Secure: OptionalSRTP})
	b = newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
	a.offers = []srtpKey{newSRTPKey(1, suite)}
	connect(t, a, b)
	return a, b
}

// renegotiate carries an offer of a and its answer by b; both sides keep their ports.
func renegotiate(t *testing.T, a, b *relayPhone, offered, answered string) {
	t.Helper()
	offerTo(t, a, b, "a="+offered)
	answerFrom(t, b, a, "a="+answered)
}

// TestRelaySRTPForLong: the numbers of both streams wrap in a call of 25 minutes, and a hold after that loses nothing: same
// keys, same roll-over counters, the numbers never start again.
func TestRelaySRTPForLong(t *testing.T) {
	for _, suite := range offeredSuites {
		t.Run(suite.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := securedCall(t, suite)
				for range 25 {
					converse(time.Minute, a, b)
					a.wantHears(b, true)
					b.wantHears(a, true)
					if len(a.packets) < 2999 || len(b.packets) < 2999 {
						t.Fatalf("%d and %d packets in a minute", len(a.packets), len(b.packets))
					}
					a.forget()
					b.forget()
				}
				theirs, _ := a.out.ctx.ROC(a.ssrc)
				ours, _ := a.in.ctx.ROC(a.side.lines[0].stream.o.ssrc)
				if theirs == 0 || ours == 0 {
					t.Fatalf("roll-over counters %d and %d: the numbers have not wrapped", theirs, ours)
				}
				if a.bad > 0 || a.side.State().Audio.Lost > 0 || a.side.State().Audio.Received != 25*60*50 {
					t.Errorf("%d packets do not verify, state %+v", a.bad, a.side.State().Audio)
				}
				key := a.in.key
				for range 2 {
					renegotiate(t, a, b, "sendonly", "recvonly")
					b.quiet = true
					converse(30*time.Second, a, b)
					renegotiate(t, a, b, "sendrecv", "sendrecv")
					b.quiet = false
					a.forget()
					b.forget()
					converse(2*time.Second, a, b)
					a.wantHears(b, true)
					b.wantHears(a, true)
				}
				if a.bad > 0 || !a.in.key.same(key) {
					t.Errorf("%d packets do not verify; same key: %v", a.bad, a.in.key.same(key))
				}
			})
		})
	}
}

// TestRelaySRTPNewKeys: a peer that changes its key late in a call is understood, whether its roll-over counter runs on or
// starts again, and so are packets that were under way.
func TestRelaySRTPNewKeys(t *testing.T) {
	for _, onward := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			a, b := securedCall(t, aesCM80)
			a.seq = 65000
			converse(20*time.Second, a, b) // past the wrap
			roc, _ := a.out.ctx.ROC(a.ssrc)
			if roc != 1 {
				t.Fatalf("roll-over counter %d", roc)
			}
			a.offers = []srtpKey{newSRTPKey(1, aesCM80)}
			offerTo(t, a, b)
			answerFrom(t, b, a)
			converse(200*time.Millisecond, a, b) // with the old key still
			if got := b.side.State().Audio.Sent; got < 20*50+9 {
				t.Errorf("%d packets passed, those under the old key not", got)
			}
			a.out = newSRTPOut(a.offers[0])
			if onward {
				a.out.ctx.SetROC(a.ssrc, roc)
			}
			b.forget()
			converse(2*time.Second, a, b)
			b.wantHears(a, true)
			a.wantHears(b, true)
			if st := a.side.State().Audio; st.Lost > 0 {
				t.Errorf("%d lost", st.Lost)
			}
		})
	}
}

// TestRelaySRTPReplay: what comes twice, or was changed on its way, goes nowhere.
func TestRelaySRTPReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := securedCall(t, aeadAES256)
		converse(time.Second, a, b)
		before := len(b.packets)
		p := make([]byte, rtpHeaderLen+160, 300)
		putRTPHeader(p, false, 0, a.seq, a.ts, a.ssrc)
		a.seq++
		p, _ = a.out.packet(p)
		forged := append([]byte(nil), p...)
		forged[20] ^= 1
		for _, x := range [][]byte{forged, p, p, p, p[:rtpHeaderLen+4]} {
			if _, err := a.conn.WriteToUDPAddrPort(x, a.server); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(20 * time.Millisecond)
		b.hear()
		if got := len(b.packets) - before; got != 1 {
			t.Errorf("%d packets of one arrived", got)
		}
	})
}

// TestRelaySRTPOffers: what each policy offers to a phone, and what becomes of its answers.
func TestRelaySRTPOffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 40)
		a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{})
		port := 5000
		ask := func(policy SRTPPolicy) (*relayPhone, string) {
			port += 2
			b := newRelayPhone(t, n, r, "203.0.113.9:"+strconv.Itoa(port), PCMU, 900, SideConfig{Secure: policy})
			return b, offerTo(t, a, b)
		}
		for policy, want := range map[SRTPPolicy]struct {
			proto string
			keys  int
		}{NoSRTP: {"RTP/AVP", 0}, OptionalSRTP: {"RTP/AVP", 3}, PreferSRTP: {"RTP/SAVP", 3}, RequireSRTP: {"RTP/SAVP", 3}} {
			b, offer := ask(policy)
			if strings.Count(offer, "a=crypto:") != want.keys || !strings.Contains(offer, want.proto+" 0 101") {
				t.Errorf("policy %d offers\n%s", policy, offer)
			}
			plain := b.sdp()
			if err := b.side.Answered(plain); (err == nil) != (policy != RequireSRTP) {
				t.Errorf("policy %d, plain answer: %v", policy, err)
			}
		}
		b, offer := ask(OptionalSRTP)
		d, err := parseSDP([]byte(offer))
		if err != nil {
			t.Fatal(err)
		}
		ours := d.media[0].keys()[1]
		b.offers = []srtpKey{newSRTPKey(ours.tag, ours.suite)}
		if err := b.side.Answered(b.sdp()); err != nil {
			t.Fatal(err)
		}
		b.key, b.in = &b.offers[0], newSRTPIn(ours, nil, 0)
		b.out = newSRTPOut(*b.key)
		answer, err := a.side.Answer(b.side)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(answer), "crypto") || strings.Contains(string(answer), "SAVP") {
			t.Errorf("the plain side reads\n%s", answer)
		}
		a.hearsSDP(answer)
		Join(a.side, b.side)
		converse(time.Second, a, b)
		a.wantHears(b, true)
		b.wantHears(a, true)
		if got := b.side.State().Audio.Suite; got != ours.suite.String() {
			t.Errorf("suite %q", got)
		}
		wrong, _ := ask(OptionalSRTP)
		wrong.offers = []srtpKey{newSRTPKey(7, aesCM80)} // a tag that was not offered
		if err := wrong.side.Answered(wrong.sdp()); err == nil {
			t.Error("a secure answer under no key of ours is taken")
		}
	})
}

// TestRelaySRTPAlternatives: a phone that offers the same sound twice, secured and plain, is answered once.
func TestRelaySRTPAlternatives(t *testing.T) {
	key := newSRTPKey(1, aesCM80)
	secure := "m=audio 4000 RTP/SAVP 0\r\na=crypto:" + key.cryptoLine() + "\r\n"
	plain := "m=audio 4002 RTP/AVP 0\r\n"
	for _, tt := range []struct {
		policy SRTPPolicy
		offer  string
		want   [2]bool // which line is accepted
	}{
		{OptionalSRTP, secure + plain, [2]bool{true, false}},
		{OptionalSRTP, plain + secure, [2]bool{false, true}},
		{NoSRTP, secure + plain, [2]bool{false, true}},
		{NoSRTP, plain + secure, [2]bool{true, false}},
		{OptionalSRTP, "m=audio 4000 RTP/SAVP 0\r\n" + plain, [2]bool{false, true}}, // no key that could be served
	} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			r := newRelay(t, n, 20)
			a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{Secure: tt.policy})
			b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{})
			head := "v=0\r\nc=IN IP4 203.0.113.5\r\nt=0 0\r\n"
			if err := a.side.Offered([]byte(head + tt.offer)); err != nil {
				t.Fatal(err)
			}
			offer, err := b.side.Offer(a.side)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Count(string(offer), "m=audio") != 1 {
				t.Errorf("offered:\n%s", offer)
			}
			answer := answerFrom(t, b, a)
			d, err := parseSDP([]byte(answer))
			if err != nil || len(d.media) != 2 {
				t.Fatalf("answer %v\n%s", err, answer)
			}
			if got := [2]bool{d.media[0].port != 0, d.media[1].port != 0}; got != tt.want {
				t.Errorf("policy %d accepts %v of\n%s", tt.policy, got, tt.offer)
			}
			if b.side.NeedsOffer() || a.side.NeedsOffer() {
				t.Error("fits, but needs an offer")
			}
		})
	}
}
