package media

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// holdMusic is a tone that nobody talks with.
const musicTone = 2100

var holdMusic = NewSound(mediatest.Tone(musicTone, toneAmp, soundRate, 0, soundRate))

// wantMusic checks what a phone has heard of the music in its last half second.
func (p *relayPhone) wantMusic(want bool) {
	p.t.Helper()
	if db := p.level(musicTone, 500*time.Millisecond); want && db < mediatest.HeardDB || !want && db > mediatest.SilentDB {
		p.t.Errorf("%v hears music at %.1f dB, want it: %v", p.at, db, want)
	}
}

// TestRelayHold: a hold in each form, passed on or answered alone, is music for the other phone from its first frame to its
// last, in one stream, however long it takes.
func TestRelayHold(t *testing.T) {
	for _, form := range []string{"sendonly", "inactive", "c=0.0.0.0"} {
		for _, passed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, passed on: %v", form, passed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					n := memnet.New()
					r := newRelay(t, n, 8)
					a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{HoldMusic: holdMusic})
					b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMA, 900, SideConfig{HoldMusic: holdMusic})
					connect(t, a, b)
					converse(time.Second, a, b)
					hold(t, a, b, form, passed)
					a.quiet = true
					a.forget()
					converse(10*time.Second, a, b)
					b.wantMusic(true)
					if len(a.packets) > 0 {
						t.Errorf("%d packets for a phone that holds", len(a.packets))
					}
					if st := a.side.State().Audio; !st.Holding {
						t.Error("the phone does not hold")
					}
					if b.side.State().Audio.Holding {
						t.Error("the other phone holds")
					}
					hold(t, a, b, "sendrecv", passed)
					a.quiet = false
					converse(time.Second, a, b)
					b.wantMusic(false)
					b.wantHears(a, true)
					a.wantHears(b, true)
					wantContinuous(t, b, 60*time.Millisecond)
				})
			})
		}
	}
}

// hold carries a's hold, or the end of it, to the server and perhaps on to b.
func hold(t *testing.T, a, b *relayPhone, form string, passed bool) {
	t.Helper()
	at, attr, want := a.at, "a="+form, map[string]string{"sendonly": "recvonly", "inactive": "inactive", "c=0.0.0.0": "recvonly", "sendrecv": "sendrecv"}[form]
	if form == "c=0.0.0.0" {
		a.at, attr = unspecified(at), "a=sendrecv"
	}
	if err := a.side.Offered(a.sdp(attr)); err != nil {
		t.Fatal(err)
	}
	a.at = at
	if passed {
		offer, err := b.side.Offer(a.side)
		if err != nil {
			t.Fatal(err)
		}
		b.hearsSDP(offer)
		reply := "a=recvonly"
		if form == "sendrecv" {
			reply = "a=sendrecv"
			wantLine(t, string(offer), "a=sendrecv")
		} else {
			wantLine(t, string(offer), "a=sendonly") // so that it may hear the music
		}
		if err := b.side.Answered(b.sdp(reply)); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := a.side.Answer(b.side)
	if err != nil {
		t.Fatal(err)
	}
	wantLine(t, string(answer), "a="+want)
}

// TestRelayHoldWithoutMusic: without music a hold is passed as it is, and what the holding side sends itself is heard.
func TestRelayHoldWithoutMusic(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		converse(time.Second, a, b)
		offer := offerTo(t, a, b, "a=sendonly")
		wantLine(t, offer, "a=sendonly")
		answerFrom(t, b, a, "a=recvonly")
		converse(time.Second, a, b)
		b.wantHears(a, true) // the music of a trunk
		if db := a.level(b.tone, 500*time.Millisecond); db < -60 && len(a.got) == 0 {
			t.Error("nothing of the time before the hold")
		}
		offer = offerTo(t, a, b, "a=inactive")
		wantLine(t, offer, "a=inactive")
	})
}

// TestRelayBothHold: who holds last hears no music and sends none; whoever comes back first hears it.
func TestRelayBothHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 8)
		a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{HoldMusic: holdMusic})
		b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{HoldMusic: holdMusic})
		connect(t, a, b)
		hold(t, a, b, "sendonly", false)
		if err := b.side.Offered(b.sdp("a=sendonly")); err != nil {
			t.Fatal(err)
		}
		answer, err := b.side.Answer(a.side)
		if err != nil {
			t.Fatal(err)
		}
		wantLine(t, string(answer), "a=inactive") // a takes nothing either
		a.quiet, b.quiet = true, true
		converse(frameTime, a, b) // the first of the music may be under way
		a.forget()
		b.forget()
		converse(2*time.Second, a, b)
		if len(a.packets)+len(b.packets) > 0 {
			t.Errorf("%d and %d packets while both hold", len(a.packets), len(b.packets))
		}
		// a comes back while b holds: b's wish stands in its answer.
		if err := a.side.Offered(a.sdp("a=sendrecv")); err != nil {
			t.Fatal(err)
		}
		if answer, err = a.side.Answer(b.side); err != nil {
			t.Fatal(err)
		}
		wantLine(t, string(answer), "a=sendonly")
		a.quiet = false
		converse(2*time.Second, a, b)
		a.wantMusic(true)
		if len(b.packets) > 0 {
			t.Error("a phone that holds is sent something")
		}
	})
}

// TestRelayDirections is RFC 3264 §6.1 for the sixteen pairs: who hears whom when one side offers a direction and the other
// answers with another, what the offerer is told, and a change of the format at the same time.
func TestRelayDirections(t *testing.T) {
	directions := []Direction{SendRecv, SendOnly, RecvOnly, Inactive}
	for _, offered := range directions {
		for _, answered := range directions {
			for _, law := range []Codec{PCMU, PCMA} {
				t.Run(fmt.Sprintf("%v, %v, %v", offered, answered, law), func(t *testing.T) {
					relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
						connect(t, a, b)
						converse(200*time.Millisecond, a, b)
						for _, p := range []*relayPhone{a, b} {
							p.law, p.pt = law, lawFormat(law).pt
						}
						wantLine(t, offerTo(t, a, b, "a="+offered.String()), "a="+offered.String())
						answer := answerFrom(t, b, a, "a="+answered.String())
						told := answerDirection(offered, answered) // an answer that is not allowed by the offer is narrowed
						wantLine(t, answer, "a="+told.String())
						a.forget()
						b.forget()
						converse(600*time.Millisecond, a, b)
						toB := offered.Sends() && answered.Receives()
						toA := offered.Receives() && answered.Sends()
						b.wantHears(a, toB)
						a.wantHears(b, toA)
						if !toB && len(b.packets) > 0 || !toA && len(a.packets) > 0 {
							t.Errorf("%d packets to a, %d to b", len(a.packets), len(b.packets))
						}
						// And back.
						offerTo(t, a, b, "a=sendrecv")
						wantLine(t, answerFrom(t, b, a, "a=sendrecv"), "a=sendrecv")
						converse(600*time.Millisecond, a, b)
						b.wantHears(a, true)
						a.wantHears(b, true)
					})
				})
			}
		}
	}
}

// TestRelayPlays: a sound is heard instead of the partner, tells when it is done, and stops.
func TestRelayPlays(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		connect(t, a, b)
		converse(time.Second, a, b)
		p := holdMusic.Playback()
		a.side.Play(p)
		converse(700*time.Millisecond, a, b)
		a.wantMusic(true)
		a.wantHears(b, false)
		b.wantHears(a, true)
		select {
		case <-p.Done():
			t.Error("done before its end")
		default:
		}
		converse(time.Second, a, b)
		<-p.Done()
		a.wantHears(b, true)
		loop := holdMusic.Playback()
		loop.Loop = true
		a.side.Play(loop)
		converse(3*time.Second, a, b)
		a.wantMusic(true)
		a.side.StopPlayback()
		<-loop.Done()
		converse(time.Second, a, b)
		a.wantHears(b, true)
		// Parked: without a partner there is what is played, and nothing else.
		a.side.Part()
		a.forget()
		again := holdMusic.Playback()
		again.Loop = true
		a.side.Play(again)
		converse(time.Second, a, b)
		a.wantMusic(true)
		a.side.Close()
		<-again.Done()
	})
}

// TestRelayAnnounces: before anybody has answered, an announcement can be played as early media, in a format of our own.
func TestRelayAnnounces(t *testing.T) {
	relayed(t, func(t *testing.T, _ *memnet.Network, a, b *relayPhone) {
		if err := a.side.Offered(a.sdp()); err != nil {
			t.Fatal(err)
		}
		early, err := a.side.Answer(nil)
		if err != nil {
			t.Fatal(err)
		}
		a.hearsSDP(early)
		p := holdMusic.Playback()
		a.side.Play(p)
		converse(1100*time.Millisecond, a)
		<-p.Done()
		if db := mediatest.DB(mediatest.Amplitude(a.got[:4000], musicTone, 8000) / toneAmp); db < mediatest.HeardDB {
			t.Errorf("announcement at %.1f dB", db)
		}
		// Then somebody answers after all.
		offer, err := b.side.Offer(a.side)
		if err != nil {
			t.Fatal(err)
		}
		b.hearsSDP(offer)
		if err := b.side.Answered(b.sdp()); err != nil {
			t.Fatal(err)
		}
		Join(a.side, b.side)
		converse(time.Second, a, b)
		a.wantHears(b, true)
		b.wantHears(a, true)
		if err := a.side.Offered(a.sdp("a=sendrecv")); err != nil {
			t.Fatal(err)
		}
	})
}

// TestRelayMusicInG722: two phones that share G.722 alone hear music too, and sound before anybody has answered.
func TestRelayMusicInG722(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		r := newRelay(t, n, 8)
		a := newRelayPhone(t, n, r, "203.0.113.5:4000", PCMU, 500, SideConfig{HoldMusic: holdMusic})
		b := newRelayPhone(t, n, r, "203.0.113.9:5000", PCMU, 900, SideConfig{HoldMusic: holdMusic})
		a.pt, b.pt = 9, 9
		b.quiet = true
		heard := func(p *relayPhone) float64 {
			d, pcm, out := newG722Decoder(), make([]int16, 320), []int16(nil)
			for _, x := range p.packets {
				if x.pt == 9 && len(x.payload) == 160 {
					out = append(out, pcm[:d.decode(pcm, x.payload)]...)
				}
			}
			if len(out) < 8000 {
				return -200
			}
			return mediatest.DB(mediatest.Amplitude(out[len(out)-8000:], musicTone, soundRate) / toneAmp)
		}
		offered(t, a.side, a.sdp())
		a.hearsSDP([]byte(answerOf(t, a.side, nil)))
		a.side.Play(holdMusic.Playback())
		converse(900*time.Millisecond, a)
		if db := heard(a); db < mediatest.HeardDB {
			t.Errorf("early sound at %.1f dB", db)
		}
		b.hearsSDP([]byte(offerOf(t, b.side, a.side)))
		answeredBy(t, b.side, b.sdp())
		Join(a.side, b.side)
		hold(t, a, b, "sendonly", true)
		a.quiet = true
		converse(2*time.Second, a, b)
		if db := heard(b); db < mediatest.HeardDB {
			t.Errorf("music at %.1f dB", db)
		}
		if st := b.side.State().Audio; st.Codec != "G722" {
			t.Errorf("codec %q", st.Codec)
		}
		wantContinuous(t, b, 60*time.Millisecond)
	})
}
