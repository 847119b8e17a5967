package media

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// A later offer that cannot be taken leaves what was agreed before.
func TestBadOfferLaterChangesNothing(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	b.run(time.Second)
	for _, c := range []struct {
		sdp  string
		want error
	}{
		{"this is no description", ErrBadSDP},
		{strings.Replace(l.sdp(l.conn.LocalAddrPort()), "RTP/AVP 0 101", "RTP/AVP 18", 1), ErrNoCommonCodec},
		{strings.Replace(l.sdp(l.conn.LocalAddrPort()), "RTP/AVP", "RTP/SAVP", 1), ErrSRTPOnly},
	} {
		if _, err := l.s.Accept([]byte(c.sdp)); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.sdp[:20], err, c.want)
		}
	}
	b.run(1200 * time.Millisecond)
	b.wantHeard()
}

// An INVITE without an offer: ours goes out, and the answer, even one that names another address, starts the sound.
func TestDelayedOffer(t *testing.T) {
	n := memnet.New()
	ports := memPorts(t, n, 4)
	other := newMemLeg(t, n, ports, "198.51.100.21:4000", PCMA, 1100)
	l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
	l.s.Close()
	var err error
	if l.s, err = NewSession(ports, SessionConfig{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.s.Close)
	if err := l.s.Complete([]byte(l.sdp(l.conn.LocalAddrPort()))); !errors.Is(err, ErrNoOffer) {
		t.Errorf("an answer without an offer: %v", err)
	}
	offer, err := l.s.Offer()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(offer), "c=IN IP4 198.51.100.1\r\n") || !strings.Contains(string(offer), " RTP/AVP 8 0 101\r\n") {
		t.Errorf("offer %q", offer)
	}
	b := newMemBridge(t, MixerConfig{}, l, other)
	b.run(100 * time.Millisecond) // early media is not lost, but not understood yet either
	if err := l.s.Complete([]byte(l.sdp(l.conn.LocalAddrPort()))); err != nil {
		t.Fatal(err)
	}
	b.run(1200 * time.Millisecond)
	b.wantHeard()
	again, err := l.s.Offer()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.s.Complete([]byte(l.sdp(l.conn.LocalAddrPort(), "a=sendonly"))); err != nil {
		t.Fatal(err)
	}
	if !l.s.State().Held {
		t.Errorf("not held after %q and its answer", again)
	}
}

// The answer names our address: the one to advertise, else the one bound, else where the signalling came in.
func TestAdvertisedAddress(t *testing.T) {
	addr := netip.MustParseAddr
	for _, c := range []struct {
		name                        string
		host, advertise, peer, came netip.Addr
		want                        string
	}{
		{"told", addr("192.0.2.1"), addr("203.0.113.1"), addr("198.51.100.1"), addr("192.0.2.9"), "203.0.113.1"},
		{"bound", addr("192.0.2.1"), netip.Addr{}, addr("198.51.100.1"), addr("192.0.2.9"), "192.0.2.1"},
		{"signalled", addr("::"), netip.Addr{}, addr("198.51.100.1"), addr("::ffff:192.0.2.9"), "192.0.2.9"},
		{"routed", addr("0.0.0.0"), netip.Addr{}, addr("127.0.0.1"), netip.Addr{}, "127.0.0.1"},
	} {
		p, err := NewPorts(PortsConfig{Host: c.host, Advertise: c.advertise, Min: 10000, Max: 10001})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.advertised(c.peer, c.came); got.String() != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
	}
}

func TestFirstPacket(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	for range 5 {
		b.step(nil)
	}
	select {
	case <-l.s.FirstPacket():
		t.Fatal("told of a packet that did not come")
	default:
	}
	if !l.s.State().LastRTP.IsZero() {
		t.Error("a last packet before the first")
	}
	b.step(func(l *memLeg) { l.talk() })
	select {
	case <-l.s.FirstPacket():
	default:
		t.Fatal("the first packet is not told")
	}
	if got := l.s.State().LastRTP; b.now.Sub(got) > frameTime {
		t.Errorf("last packet at %v", got)
	}
}

// Everything that may be called from anywhere is, while the mixers run on real sockets.
func TestSessionsFromEverywhere(t *testing.T) {
	ports := loopbackPorts(t)
	ctx, cancel := context.WithCancel(t.Context())
	lobby, bridge := NewMixer(MixerConfig{Isolated: true}), NewMixer(MixerConfig{})
	var running, work sync.WaitGroup
	for _, m := range []*Mixer{lobby, bridge} {
		running.Go(func() {
			if err := m.Run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	sound := NewSound(mediatest.Tone(2000, 1000, 16000, 0, 1600))
	for i := range 8 {
		p := newPeer(t, ports, PCMU, 700)
		stop := make(chan struct{})
		work.Go(func() { // the phone
			tick := time.NewTicker(frameTime)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					p.talk()
				case <-stop:
					return
				}
			}
		})
		work.Go(func() { // the leg
			defer close(stop)
			p.s.OnDigit(func(Digit) {})
			if err := lobby.Attach(ctx, p.s); err != nil {
				t.Error(err)
				return
			}
			<-p.s.FirstPacket()
			play := sound.Playback()
			p.s.Play(play)
			<-play.Done()
			at := lobby
			for k := range 6 {
				if err := at.Detach(ctx, p.s); err != nil {
					t.Error(err)
				}
				at = []*Mixer{bridge, lobby}[k%2]
				if err := at.Attach(ctx, p.s); err != nil {
					t.Error(err)
				}
				if _, err := p.s.Accept([]byte(p.sdp([]string{"sendrecv", "sendonly"}[k/2%2], 20))); err != nil {
					t.Error(err)
				}
				p.s.Play(sound.Playback())
				at.Announce(sound.Playback())
				if k%3 == 0 {
					p.s.StopPlayback()
				}
				last := sound.Playback()
				p.s.Play(last)
				<-last.Done()
				if st := p.s.State(); st.LastRTP.IsZero() || st.Codec != PCMU {
					t.Errorf("state %+v", st)
				}
			}
			if i%2 == 0 {
				if err := at.Detach(ctx, p.s); err != nil {
					t.Error(err)
				}
			}
			p.s.Close()
		})
	}
	work.Wait()
	cancel()
	running.Wait()
	if n := ports.InUse(); n != 0 {
		t.Errorf("%d pairs in use", n)
	}
}
