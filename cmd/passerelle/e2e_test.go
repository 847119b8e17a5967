package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/media/prompts"
	"passerelle/softphone"
)

// TestTwoCallersMeet is the main job: a phone and a caller from the trunk dial the number, type the ID and hear each other.
func TestTwoCallersMeet(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMU}})
		w.types(a, aliceSpace+"#", softphone.DigitOptions{})
		w.participants(1)
		b := w.invite(w.trunk(), "sip:+33170001000@192.0.2.10", softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMA}})
		w.types(b, aliceSpace, softphone.DigitOptions{}) // full length ends
		w.participants(2)
		w.meet(a, b)
		w.bye(a)
		w.participants(1)
		w.bye(b)
	})
}

func TestEveryWayToTypeCountsOnce(t *testing.T) {
	lose := func(n int) bool { return n%20 == 7 } // 5 %
	swap := func(n int) bool { return n%9 == 4 }
	fast := 50 * time.Millisecond
	methods := []struct {
		name   string
		method softphone.Method
	}{
		{"AVT", softphone.RFC4733},
		{"InBand", softphone.InBand},
		{"INFO", softphone.InfoRelay},
		{"INFO application/dtmf", softphone.Info},
		{"InBand+INFO", softphone.InBand | softphone.InfoRelay},
		{"AVT+INFO", softphone.RFC4733 | softphone.InfoRelay},
		{"AVT+InBand+INFO", softphone.RFC4733 | softphone.InBand | softphone.InfoRelay},
	}
	events := []struct {
		name string
		opt  softphone.DigitOptions
	}{
		{"calm", softphone.DigitOptions{}},
		{"ten in a second", softphone.DigitOptions{On: fast, Gap: fast}},
		{"loss", softphone.DigitOptions{Lose: lose}},
		{"reordered", softphone.DigitOptions{Swap: swap}},
		{"no marker", softphone.DigitOptions{NoMarker: true}},
		{"no end packets", softphone.DigitOptions{Ends: -1}},
	}
	// The ID has repeated digits, the hardest for any merger.
	e := sitefile.Demo()
	paris := e.Sites[0]
	paris.SpaceIDCheck = false
	paris.Users[0].SpaceID = directory.Secret("11002200")
	for _, m := range methods {
		for _, v := range events {
			if m.method&softphone.RFC4733 == 0 && v.name != "calm" && v.name != "ten in a second" {
				continue
			}
			t.Run(m.name+", "+v.name, func(t *testing.T) {
				inWorldOf(t, e, func(w *world) {
					c := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{NoEvents: m.method&softphone.RFC4733 == 0})
					opt := v.opt
					opt.Method = m.method
					w.types(c, "11002200#", opt)
					w.participants(1)
					w.bye(c)
				})
			})
		}
	}
}

// TestHashBehindAFullID types # behind IDs that their full length has ended already: each counts as one try.
func TestHashBehindAFullID(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{})
		for range 2 {
			w.types(c, "12345678901#", softphone.DigitOptions{})
			time.Sleep(3 * time.Second)
		}
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		w.participants(1)
		w.bye(c)
	})
}

func TestThreeWrongIDsEndTheCall(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.trunk(), gatewayURI, softphone.InviteOptions{})
		for range 3 {
			w.types(c, "12345678901#", softphone.DigitOptions{On: 60 * time.Millisecond, Gap: 60 * time.Millisecond})
		}
		time.Sleep(1500 * time.Millisecond)
		w.speaks(c, 2*time.Second, "fr", prompts.Goodbye)
		if reason := w.gone(c, time.Minute); !strings.Contains(reason, "cause=404") {
			t.Errorf("Reason %q, want cause=404", reason)
		}
	})
}

func TestSilentCallerIsDismissed(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.trunk(), gatewayURI, softphone.InviteOptions{})
		start := time.Now()
		w.gone(c, 2*time.Minute)
		if took := time.Since(start); took < 30*time.Second || took > 60*time.Second {
			t.Errorf("dismissed after %v, want three waits of ten seconds and the prompts", took)
		}
	})
}

func TestInviteWithSpaceID(t *testing.T) {
	e := sitefile.Demo()
	montreal := e.Sites[1]
	montreal.Users[0].Phone.Username = "dana"
	tests := []struct {
		name, uri string
		want      int
	}{
		{"parameter", gatewayURI + ";space=" + aliceSpace, 200},
		{"room parameter", gatewayURI + ";room=" + brunoSpace, 200},
		{"post-dial string", "sip:+33170001000,," + aliceSpace + "%23@paris.acme.test", 200},
		{"space URI", "sip:space-" + aliceSpace + "@paris.acme.test", 200},
		{"conference host", "sip:" + aliceSpace + "@conf.paris.acme.test", 200},
		{"unknown", gatewayURI + ";space=48213907753", 404},
		{"of another site", gatewayURI + ";space=90417725633", 404},
		{"of a site without a number", "sip:space-90417725633@montreal.acme.test", 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorldOf(t, e, func(w *world) {
				if got := w.refused(w.alice(), tt.uri, softphone.InviteOptions{}); got != tt.want {
					t.Errorf("got %s, want %s", statusError(got), statusError(tt.want))
				}
			})
		})
	}
}

func TestUnassignedGatewayAnswers404(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.enter(w.alice(), aliceSpace)
		w.participants(1)
		e := sitefile.Demo()
		e.Sites[0].Gateway.Number = ""
		dir, err := directory.New(e)
		if err != nil {
			t.Fatal(err)
		}
		w.live.Swap(dir)
		for _, uri := range []string{gatewayURI, gatewayURI + ";space=" + aliceSpace, "sip:100@paris.acme.test", "sip:space-" + aliceSpace + "@paris.acme.test"} {
			if got := w.refused(w.camille(), uri, softphone.InviteOptions{}); got != 404 {
				t.Errorf("%s: got %s, want 404", strings.ReplaceAll(uri, aliceSpace, "ID"), statusError(got))
			}
		}
		w.participants(1) // the running bridge continues
		w.bye(c)
	})
}

func TestSixteenthCaller(t *testing.T) {
	inWorld(t, func(w *world) {
		var calls []*softphone.Call
		p := w.alice()
		for range directory.MaxParticipants {
			calls = append(calls, w.enter(p, aliceSpace))
		}
		w.participants(15)
		if got := w.refused(w.camille(), gatewayURI+";space="+aliceSpace, softphone.InviteOptions{}); got != 486 {
			t.Errorf("the sixteenth by URI got %s, want 486", statusError(got))
		}
		c := w.invite(w.camille(), gatewayURI, softphone.InviteOptions{})
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		time.Sleep(1500 * time.Millisecond)
		w.speaks(c, 2*time.Second, "fr", prompts.Full)
		if reason := w.gone(c, 30*time.Second); !strings.Contains(reason, "cause=486") {
			t.Errorf("the sixteenth by digits: Reason %q, want cause=486", reason)
		}
		w.bye(calls[3])
		w.participants(14)
		calls[3] = w.enter(p, aliceSpace)
		w.participants(15)
		w.meet(calls...)
		w.bye(calls...)
	})
}

// TestSpacesDoNotLeak runs two spaces at once; nobody hears the other space.
func TestSpacesDoNotLeak(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.alice()
		a1, a2 := w.enter(p, aliceSpace), w.enter(p, aliceSpace)
		b1, b2 := w.enter(p, brunoSpace), w.enter(p, brunoSpace)
		w.participants(4)
		w.meet(a1, a2)
		b1.Tone(2000)
		time.Sleep(time.Second)
		for i, c := range []*softphone.Call{a1, a2} {
			if level := c.Heard(700 * time.Millisecond).Level(2000); level > -45 {
				t.Errorf("caller %d of the first space hears the second at %.0f dB", i, level)
			}
		}
		if level := b2.Heard(700 * time.Millisecond).Level(2000); level < -32 {
			t.Errorf("within the second space: %.0f dB", level)
		}
		w.bye(a1, a2, b1, b2)
	})
}

func TestHoldKeepsTheSeatAndIsNotHeard(t *testing.T) {
	for _, form := range []softphone.HoldForm{softphone.HoldSendOnly, softphone.HoldInactive, softphone.HoldZero} {
		t.Run(fmt.Sprint(form), func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.alice()
				a, b := w.enter(p, aliceSpace), w.enter(p, aliceSpace)
				w.participants(2)
				w.meet(a, b)
				if err := a.Hold(w.t.Context(), form); err != nil {
					t.Fatal(err)
				}
				a.Tone(1000) // hold music
				time.Sleep(10 * time.Minute)
				w.participants(2)
				if level := b.Heard(700 * time.Millisecond).Level(1000); level > -45 {
					t.Errorf("the hold music fills the bridge at %.0f dB", level)
				}
				if err := a.Resume(w.t.Context()); err != nil {
					t.Fatal(err)
				}
				w.meet(a, b)
				w.bye(a, b)
			})
		})
	}
}

// TestVanishedCallerFreesItsSeat pulls the plug of one phone: it is probed after a minute without media, and removed.
func TestVanishedCallerFreesItsSeat(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.enter(w.alice(), aliceSpace)
		q := w.camille()
		w.enter(q, aliceSpace)
		w.participants(2)
		q.Vanish()
		time.Sleep(110 * time.Second) // 60 s without media, then 32 s for the answer to the probe
		w.participants(1)
		w.bye(a)
	})
}

// TestSilentPeerThatAnswersStays sends no media at all for ten minutes, as by right a phone may; its dialog lives.
func TestSilentPeerThatAnswersStays(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.enter(w.alice(), aliceSpace)
		w.participants(1)
		c.PauseRTP(true)
		time.Sleep(10 * time.Minute)
		w.participants(1)
		if c.Requests("OPTIONS") == 0 {
			t.Error("the peer was not probed")
		}
		w.bye(c)
	})
}

// TestGuessingIsSlowed types wrong IDs from the trunk until the site's limit; then a stranger waits half a minute for its one
// try, a right ID still enters, and the site's own lines notice nothing.
func TestGuessingIsSlowed(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].SpaceIDCheck = false
	e.Sites[0].WrongIDsPerHour = 6
	inWorldOf(t, e, func(w *world) {
		fast := softphone.DigitOptions{On: 60 * time.Millisecond, Gap: 60 * time.Millisecond}
		trunk := w.trunk()
		for range 2 {
			c := w.invite(trunk, gatewayURI, softphone.InviteOptions{})
			for range 3 {
				w.types(c, "5555#", fast)
			}
			w.gone(c, time.Minute)
		}
		slow := w.invite(trunk, gatewayURI, softphone.InviteOptions{})
		w.types(slow, aliceSpace+"#", fast) // within the pause: not counted
		w.participants(0)
		time.Sleep(32 * time.Second)
		w.types(slow, aliceSpace+"#", fast)
		w.participants(1)
		w.bye(slow)

		line := w.invite(w.camille(), gatewayURI, softphone.InviteOptions{})
		w.types(line, aliceSpace+"#", fast)
		w.participants(1)
		w.bye(line)
	})
}

// TestMistypedCheckDigitIsNoGuess gives IDs whose check digit is wrong, by keys and in the INVITE: a slip of the finger.
func TestMistypedCheckDigitIsNoGuess(t *testing.T) {
	e := sitefile.Demo()
	e.Sites[0].WrongIDsPerHour = 2
	inWorldOf(t, e, func(w *world) {
		trunk := w.trunk()
		c := w.invite(trunk, gatewayURI, softphone.InviteOptions{})
		for range 3 {
			w.types(c, "48213907751#", softphone.DigitOptions{On: 60 * time.Millisecond, Gap: 60 * time.Millisecond})
		}
		w.gone(c, time.Minute)
		for range 3 {
			w.refused(trunk, gatewayURI+";space=48213907751", softphone.InviteOptions{})
		}
		c = w.invite(trunk, gatewayURI, softphone.InviteOptions{})
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		w.participants(1)
		w.bye(c)
	})
}

func TestDrain(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.enter(w.alice(), aliceSpace)
		w.participants(1)
		w.stop()
		time.Sleep(time.Second)
		if got := w.refused(w.camille(), gatewayURI, softphone.InviteOptions{}); got != 503 {
			t.Errorf("a call during the drain got %s, want 503", statusError(got))
		}
		w.participants(1)
		if reason := w.gone(c, 90*time.Second); !strings.Contains(reason, "cause=503") {
			t.Errorf("Reason %q, want cause=503", reason)
		}
	})
}

// TestDrainLetsCallsForHelpOut serves 112 while other new calls are refused.
func TestDrainLetsCallsForHelpOut(t *testing.T) {
	inWorld(t, func(w *world) {
		carrier := &ringing{calls: make(chan *softphone.Incoming, 8)}
		carrier.Phone = w.phone("112", "", func(c *softphone.Config) {
			c.Local, c.Domain = trunkAddr, "carrier.test"
			c.OnInvite = func(in *softphone.Incoming) { carrier.calls <- in }
		})
		camille := w.camille()
		c := w.enter(w.alice(), aliceSpace)
		w.stop()
		time.Sleep(time.Second)
		call := w.dial(w.t.Context(), camille, "sip:112@paris.acme.test", softphone.InviteOptions{})
		help := w.take(carrier.rings(w))
		w.meet(w.up(call), help)
		if got := w.refused(camille, "sip:0123456789@paris.acme.test", softphone.InviteOptions{}); got != 503 {
			t.Errorf("another call during the drain got %s, want 503", statusError(got))
		}
		w.gone(c, 90*time.Second)
	})
}

func TestOffers(t *testing.T) {
	tests := []struct {
		name string
		opt  softphone.InviteOptions
		want int
	}{
		{"delayed offer", softphone.InviteOptions{DelayedOffer: true}, 200},
		{"30 ms packets", softphone.InviteOptions{Ptime: 30 * time.Millisecond}, 200},
		{"60 ms packets", softphone.InviteOptions{Ptime: 60 * time.Millisecond}, 200},
		{"c= at media level, video offered", softphone.InviteOptions{MediaLevel: true, Video: true}, 200},
		{"no common codec", softphone.InviteOptions{EditSDP: func(s string) string {
			return strings.NewReplacer("RTP/AVP 0 8 101", "RTP/AVP 18", "a=rtpmap:0 PCMU/8000\r\n", "", "a=rtpmap:8 PCMA/8000\r\n", "", "a=rtpmap:101 telephone-event/8000\r\n", "", "a=fmtp:101 0-15\r\n", "").Replace(s)
		}}, 488},
		{"SRTP only", softphone.InviteOptions{Profile: "RTP/SAVP"}, 488},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				uri := gatewayURI + ";space=" + aliceSpace
				if tt.want != 200 {
					_, err := w.alice().Invite(w.t.Context(), uri, tt.opt)
					if refusal, ok := errors.AsType[*softphone.StatusError](err); !ok || refusal.Response.Header("Warning") == "" {
						t.Errorf("%v tells no reason: no Warning", err)
					}
					if got := w.refused(w.alice(), uri, tt.opt); got != tt.want {
						t.Errorf("got %s, want %s", statusError(got), statusError(tt.want))
					}
					return
				}
				a, b := w.invite(w.alice(), uri, tt.opt), w.enter(w.camille(), aliceSpace)
				w.participants(2)
				w.meet(a, b)
				w.bye(a, b)
			})
		})
	}
}

// TestLineThatLeavesLosesItsRegistration takes a user out of the directory: the phone is no longer registered, others stay.
func TestLineThatLeavesLosesItsRegistration(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, p := range []*softphone.Phone{w.alice(), w.camille()} {
			if _, err := p.Register(w.t.Context(), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		e := sitefile.Demo()
		e.Sites[0].Users = e.Sites[0].Users[:2] // Camille is the third
		dir, err := directory.New(e)
		if err != nil {
			t.Fatal(err)
		}
		w.live.Swap(dir)
		w.house.prune()
		for b := range w.house.registrar.All() {
			if b.Username != "alice-app" {
				t.Errorf("%s is still registered", b.Username)
			}
		}
		if n := w.house.registrar.Count(); n != 1 {
			t.Errorf("%d registrations, want 1", n)
		}
	})
}

// TestNumberTakenAwayWhileTyping takes the gateway's number away during the prompt: the ID opens nothing any more.
func TestNumberTakenAwayWhileTyping(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{})
		e := sitefile.Demo()
		e.Sites[0].Gateway.Number = ""
		dir, err := directory.New(e)
		if err != nil {
			t.Fatal(err)
		}
		w.live.Swap(dir)
		w.types(c, aliceSpace, softphone.DigitOptions{})
		if reason := w.gone(c, 10*time.Second); !strings.Contains(reason, "cause=404") {
			t.Errorf("Reason %q, want cause=404", reason)
		}
	})
}
