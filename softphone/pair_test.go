package softphone

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"passerelle/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	aliceAddr = netip.MustParseAddrPort("10.0.0.1:5060")
	bobAddr   = netip.MustParseAddrPort("10.0.0.2:5060")
)

// pair is two phones that call each other without a server.
type pair struct {
	t          *testing.T
	net        *memnet.Network
	alice, bob *Phone
	invites    chan *Incoming
}

// bubble runs f with a pair in a synctest bubble.
func bubble(t *testing.T, f func(p *pair)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pair{t: t, net: memnet.New(), invites: make(chan *Incoming, 8)}
		p.alice = p.open(Config{User: "alice", Name: "Alice", Local: aliceAddr, Server: bobAddr})
		p.bob = p.open(Config{User: "bob", Local: bobAddr, Server: aliceAddr, OnInvite: func(in *Incoming) { p.invites <- in }})
		f(p)
		synctest.Wait()
	})
}

func (p *pair) open(c Config) *Phone {
	p.t.Helper()
	c.Sockets = Memory(p.net)
	ph, err := Open(p.t.Context(), c)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = ph.Close() })
	return ph
}

// call connects Alice to Bob.
func (p *pair) call(caller, callee InviteOptions) (near, far *Call) {
	p.t.Helper()
	answered := make(chan *Call, 1)
	go func() { // ends with the answer
		in := <-p.invites
		in.Ring(180)
		c, err := in.Answer(p.t.Context(), callee)
		if err != nil {
			p.t.Error(err)
		}
		answered <- c
	}()
	near, err := p.alice.Invite(p.t.Context(), "bob", caller)
	if err != nil {
		p.t.Fatal(err)
	}
	return near, <-answered
}

func TestCallCarriesSoundBothWays(t *testing.T) {
	tests := []struct {
		name           string
		caller, callee InviteOptions
	}{
		{"defaults", InviteOptions{}, InviteOptions{}},
		{"A-law only", InviteOptions{Codecs: []Codec{PCMA}}, InviteOptions{}},
		{"30 ms against 60 ms", InviteOptions{Ptime: 30 * time.Millisecond}, InviteOptions{Ptime: 60 * time.Millisecond}},
		{"10 ms", InviteOptions{Ptime: 10 * time.Millisecond}, InviteOptions{}},
		{"c= in the media line, video", InviteOptions{MediaLevel: true, Video: true}, InviteOptions{MediaLevel: true}},
		{"delayed offer", InviteOptions{DelayedOffer: true}, InviteOptions{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(p *pair) {
				t := p.t
				near, far := p.call(tt.caller, tt.callee)
				near.Tone(1000)
				far.Tone(1500)
				time.Sleep(2 * time.Second)
				wantOnly(t, near, 1500, 1000)
				wantOnly(t, far, 1000, 1500)
				for name, c := range map[string]*Call{"caller": near, "callee": far} {
					s := c.Stats()
					if s.Lost+s.Duplicates+s.Reordered+s.OtherTypes != 0 || s.Streams != 1 || s.Gaps100 > 0 {
						t.Errorf("%s: %+v", name, s)
					}
				}
				if err := near.Bye(t.Context()); err != nil {
					t.Error(err)
				}
				<-far.Done()
				if e := far.Ending(); !e.ByPeer {
					t.Errorf("callee: %+v", e)
				}
			})
		})
	}
}

// wantOnly checks that a call hears one tone at its level, and the other not at all.
func wantOnly(t *testing.T, c *Call, heard, not float64) {
	t.Helper()
	s := c.Heard(time.Second)
	if l := s.Level(heard); l < -20.5 || l > -19.5 {
		t.Errorf("tone of %g Hz at %.1f dB, want -20", heard, l)
	}
	if l := s.Level(not); l > -60 {
		t.Errorf("tone of %g Hz at %.1f dB, want none", not, l)
	}
}

func TestByeFromTheCallee(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		_, err := far.ask(t.Context(), "BYE", func(m *Message) { m.add("Reason", `SIP;cause=200;text="so long"`) })
		if err != nil {
			t.Fatal(err)
		}
		<-near.Done()
		if e := near.Ending(); !e.ByPeer || e.Reason != `SIP;cause=200;text="so long"` {
			t.Errorf("ending %+v", e)
		}
		far.Vanish()
		if err := near.Bye(t.Context()); !errors.Is(err, ErrEnded) {
			t.Errorf("second end: %v", err)
		}
	})
}

func TestRefusedAndCancelled(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		go func() { (<-p.invites).Refuse(486) }() // ends with the call
		_, err := p.alice.Invite(t.Context(), "bob", InviteOptions{})
		if StatusOf(err) != 486 {
			t.Errorf("refused call: %v", err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		in := make(chan *Incoming, 1)
		go func() { // ends with the call
			i := <-p.invites
			i.Ring(180)
			in <- i
		}()
		_, err = p.alice.Invite(ctx, "bob", InviteOptions{})
		if StatusOf(err) != 0 || err == nil {
			t.Errorf("cancelled call: %v", err)
		}
		i := <-in
		<-i.Cancelled()
		if _, err := i.Answer(t.Context(), InviteOptions{}); !errors.Is(err, ErrEnded) {
			t.Errorf("answer after CANCEL: %v", err)
		}
	})
}

func TestNobodyAnswers(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		_ = p.bob.Close()
		start := time.Now()
		if _, err := p.alice.Invite(t.Context(), "bob", InviteOptions{}); err == nil || time.Since(start) != 32*time.Second {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
}

// TestLossAndRetransmission loses the first of everything.
func TestLossAndRetransmission(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		seen := map[string]bool{}
		p.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
			if k.Dst.Port() != 5060 || seen[string(k.Payload)] {
				return memnet.Pass()
			}
			seen[string(k.Payload)] = true
			return memnet.Drop()
		})
		near, far := p.call(InviteOptions{}, InviteOptions{})
		if err := near.Hold(t.Context(), HoldInactive); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if err := near.Bye(t.Context()); err != nil {
			t.Error(err)
		}
		<-far.Done()
		if e := far.Ending(); !e.ByPeer {
			t.Errorf("callee: %+v", e)
		}
	})
}

func TestNeverACKEndsTheCall(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		start := time.Now()
		near, far := p.call(InviteOptions{NeverACK: true}, InviteOptions{})
		<-far.Done()
		if d := time.Since(start); d != 32*time.Second {
			t.Errorf("callee gave up after %s", d)
		}
		<-near.Done()
		if !near.Ending().ByPeer {
			t.Errorf("caller: %+v", near.Ending())
		}
	})
}

func TestHold(t *testing.T) {
	for form, name := range map[HoldForm]string{HoldSendOnly: "sendonly", HoldInactive: "inactive", HoldZero: "0.0.0.0"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(p *pair) {
				t := p.t
				near, far := p.call(InviteOptions{}, InviteOptions{})
				near.Tone(1000)
				far.Tone(1500)
				if err := near.Hold(t.Context(), form); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				if l := near.Heard(time.Second).Loudness(); l > -100 {
					t.Errorf("the holder still hears %.1f dB", l)
				}
				music := far.Heard(time.Second).Level(1000) > -21
				if music == (form == HoldInactive) {
					t.Errorf("held side hears music: %t", music)
				}
				if err := near.Resume(t.Context()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
				wantOnly(t, near, 1500, 1000)
				wantOnly(t, far, 1000, 1500)
				if far.Requests("INVITE") != 2 {
					t.Errorf("%d re-INVITEs", far.Requests("INVITE"))
				}
				_ = near.Bye(t.Context())
			})
		})
	}
}

func TestGlare(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		p.net.OnPacket(func(memnet.Packet) memnet.Verdict { return memnet.Delay(50 * time.Millisecond) })
		errs := make(chan error)
		for _, c := range []*Call{near, far} {
			go func() { errs <- c.Hold(t.Context(), HoldSendOnly) }() // ends when both ends agree
		}
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		_ = near.Bye(t.Context())
		<-far.Done()
	})
}

func TestUpdateOptionsInfo(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		if err := near.Update(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := near.Options(t.Context()); err != nil {
			t.Error(err)
		}
		if err := far.Info(t.Context(), "application/dtmf-relay", "Signal=5\r\nDuration=100\r\n"); err != nil {
			t.Error(err)
		}
		if got := near.Infos(); len(got) != 1 || string(got[0].Body) != "Signal=5\r\nDuration=100\r\n" {
			t.Errorf("INFO arrived as %v", got)
		}
		p.bob.AnswerWith("OPTIONS", 481)
		if _, err := near.Options(t.Context()); StatusOf(err) != 481 {
			t.Errorf("OPTIONS of a phone that answers 481: %v", err)
		}
		p.bob.AnswerWith("OPTIONS", Ignore)
		if _, err := near.Options(t.Context()); err == nil || StatusOf(err) != 0 {
			t.Errorf("OPTIONS of a phone that does not answer: %v", err)
		}
		_ = near.Bye(t.Context())
	})
}

func TestSessionTimer(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{SessionExpires: 90 * time.Second, Refresher: "uac"}, InviteOptions{})
		near.mu.Lock()
		near.expires, near.refresh, near.updates = 90*time.Second, true, true // the callee's 200 does not grant one
		near.mu.Unlock()
		near.startTimer()
		time.Sleep(5 * time.Minute)
		if n := far.Requests("UPDATE"); n != 6 {
			t.Errorf("%d refreshes in five minutes, want one per 45 s", n)
		}
		_ = near.Bye(t.Context())
	})
}

func TestVanishLeavesThePeerAlone(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{})
		p.alice.Vanish()
		<-near.Done()
		time.Sleep(time.Minute)
		select {
		case <-far.Done():
			t.Error("a phone that lost power hung up")
		default:
		}
		if s := far.Stats(); s.LongestGap < 59*time.Second {
			t.Errorf("longest silence %s", s.LongestGap)
		}
		_, err := p.alice.Invite(t.Context(), "bob", InviteOptions{})
		if !errors.Is(err, ErrClosed) {
			t.Errorf("call on a closed phone: %v", err)
		}
	})
}

func TestDelays(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		near, far := p.call(InviteOptions{}, InviteOptions{Keep: 15 * time.Second})
		p.net.OnPacket(func(memnet.Packet) memnet.Verdict { return memnet.Delay(37 * time.Millisecond) })
		since := time.Now()
		near.Bursts(time.Second)
		time.Sleep(10*time.Second + 500*time.Millisecond)
		got, missed := Delays(near, far, since, time.Now())
		if len(got) != 11 || missed != 0 {
			t.Fatalf("%d delays, %d missed", len(got), missed)
		}
		for _, d := range got {
			if d < 36500*time.Microsecond || d > 37500*time.Microsecond {
				t.Errorf("delay %s, want 37 ms", d)
			}
		}
		_ = near.Bye(t.Context())
	})
}

func TestReports(t *testing.T) {
	bubble(t, func(p *pair) {
		t := p.t
		var seen [][]byte
		p.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
			if k.Dst.Port()%2 == 1 && k.Dst.Port() > 30000 {
				seen = append(seen, k.Payload)
			}
			return memnet.Pass()
		})
		near, far := p.call(InviteOptions{RTCP: true}, InviteOptions{RTCP: true, NeverRTP: true})
		time.Sleep(16 * time.Second)
		if n := far.Stats().Reports; n != 3 {
			t.Errorf("the callee got %d reports", n)
		}
		if n := near.Stats().Reports; n != 3 {
			t.Errorf("the caller got %d reports", n)
		}
		kinds := map[byte]int{}
		for _, b := range seen {
			kinds[b[1]]++
			if len(b)%4 != 0 || b[0] != 0x80 && b[0] != 0x81 {
				t.Errorf("report % x", b)
			}
		}
		if kinds[rtcpSR] != 3 || kinds[rtcpRR] != 3 {
			t.Errorf("kinds %v", kinds)
		}
		near.media.receiveRTCP([]byte{0x81, rtcpBYE, 0, 1, 0, 0, 0, 1})
		near.media.receiveRTCP([]byte{0x81, rtcpBYE, 0, 9, 0, 0, 0, 1}) // longer than it is
		if n := near.Stats().Goodbyes; n != 1 {
			t.Errorf("%d goodbyes", n)
		}
		_ = near.Bye(t.Context())
	})
}
