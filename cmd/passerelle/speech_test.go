package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/media/prompts"
	"passerelle/softphone"
)

// likeness is how much a stretch of the heard sound is the given one, 0 to 1: the greatest normalised correlation over all
// positions.
func likeness(heard, want []int16) float64 {
	var wantEnergy float64
	for _, s := range want {
		wantEnergy += float64(s) * float64(s)
	}
	best := 0.0
	var energy float64
	for i, s := range heard {
		energy += float64(s) * float64(s)
		if i >= len(want) {
			energy -= float64(heard[i-len(want)]) * float64(heard[i-len(want)])
		}
		if at := i - len(want) + 1; at >= 0 && energy > 0 {
			var sum float64
			for j, w := range want {
				sum += float64(w) * float64(heard[at+j])
			}
			best = max(best, sum/math.Sqrt(energy*wantEnergy))
		}
	}
	return best
}

// firstWord is the first 0.6 s of a prompt's speech, at the phone's rate.
func firstWord(lang string, name prompts.Name) []int16 {
	pcm := prompts.Get(lang, name)[prompts.LeadIn:]
	word := make([]int16, prompts.Rate*6/10/2)
	for i := range word {
		word[i] = int16((int32(pcm[2*i]) + int32(pcm[2*i+1])) / 2)
	}
	return word
}

// speaks proves that the last d of what a call heard has the beginning of a prompt in it.
func (w *world) speaks(c *softphone.Call, d time.Duration, lang string, name prompts.Name) {
	w.t.Helper()
	if l := likeness(c.Heard(d), firstWord(lang, name)); l < 0.8 {
		w.t.Errorf("the first word of %s/%s is not in what was heard: likeness %.2f", lang, name, l)
	}
}

// TestPromptsAreToldApart keeps likeness honest: no prompt is taken for another one.
func TestPromptsAreToldApart(t *testing.T) {
	for _, a := range []prompts.Name{prompts.Welcome, prompts.Again, prompts.Full, prompts.Locked, prompts.Muted, prompts.Unmuted} {
		for _, b := range []prompts.Name{prompts.Welcome, prompts.Again, prompts.Full, prompts.Locked, prompts.Muted, prompts.Unmuted} {
			for _, lang := range []string{"fr", "en"} {
				heard := firstWord("fr", a)
				l := likeness(append(make([]int16, 300), heard...), firstWord(lang, b))
				if same := a == b && lang == "fr"; same != (l > 0.8) {
					t.Errorf("fr/%s and %s/%s: likeness %.2f", a, lang, b, l)
				}
			}
		}
	}
}

// TestPromptStartsWithTheMedia lets the caller's media begin late: the first word is whole all the same.
func TestPromptStartsWithTheMedia(t *testing.T) {
	for _, late := range []time.Duration{0, 300 * time.Millisecond, 800 * time.Millisecond} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			inWorld(t, func(w *world) {
				c := w.invite(w.trunk(), gatewayURI, softphone.InviteOptions{MediaAfter: late})
				time.Sleep(2 * time.Second)
				w.speaks(c, 2*time.Second, "fr", prompts.Welcome)
				w.bye(c)
			})
		})
	}
}

func TestLanguageOfThePrompts(t *testing.T) {
	for _, tt := range []struct{ header, want string }{
		{"", "fr"},
		{"en", "en"},
		{"en-GB, fr;q=0.5", "en"},
		{"de, en;q=0.8", "en"},
		{"en;q=0, fr", "fr"},
		{"de", "fr"},
	} {
		t.Run(tt.header, func(t *testing.T) {
			inWorld(t, func(w *world) {
				var o softphone.InviteOptions
				if tt.header != "" {
					o.Headers = []softphone.Header{{Name: "Accept-Language", Value: tt.header}}
				}
				c := w.invite(w.alice(), gatewayURI, o)
				time.Sleep(2 * time.Second)
				w.speaks(c, 2*time.Second, tt.want, prompts.Welcome)
				w.bye(c)
			})
		})
	}
}

func TestWrongIDIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{})
		w.types(c, "12345678901#", softphone.DigitOptions{})
		time.Sleep(2 * time.Second)
		w.speaks(c, 3*time.Second, "fr", prompts.Again)
		w.types(c, aliceSpace+"#", softphone.DigitOptions{})
		w.participants(1)
		w.bye(c)
	})
}

// TestKeyStopsThePrompt presses one key over the prompt: silence follows at once.
func TestKeyStopsThePrompt(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.invite(w.alice(), gatewayURI, softphone.InviteOptions{})
		w.types(c, "4", softphone.DigitOptions{})
		time.Sleep(600 * time.Millisecond)
		if loud := c.Heard(300 * time.Millisecond).Loudness(); loud > -60 {
			t.Errorf("half a second after the key the prompt still sounds at %.0f dB", loud)
		}
		w.bye(c)
	})
}

// TestAloneThenCompany hears the notice alone; it stops when somebody comes, and the tone sounds.
func TestAloneThenCompany(t *testing.T) {
	inWorld(t, func(w *world) {
		a := w.enter(w.alice(), aliceSpace)
		time.Sleep(1500 * time.Millisecond)
		w.speaks(a, 1500*time.Millisecond, "fr", prompts.Alone)
		b := w.enter(w.camille(), aliceSpace)
		w.participants(2)
		time.Sleep(time.Second)
		if loud := a.Heard(time.Second).Loudness(); loud < -50 {
			t.Errorf("no entry tone: %.0f dB", loud)
		}
		time.Sleep(2 * time.Second)
		if loud := a.Heard(time.Second).Loudness(); loud > -60 {
			t.Errorf("in company, and nobody speaks, the notice still sounds at %.0f dB", loud)
		}
		w.bye(b)
		time.Sleep(1500 * time.Millisecond)
		w.speaks(a, 1500*time.Millisecond, "fr", prompts.Alone)
		w.bye(a)
	})
}

func TestAloneWithMusicOrSilence(t *testing.T) {
	for alone, loudAfter := range map[directory.Alone]bool{directory.AloneMusic: true, directory.AloneSilence: false, directory.AloneNotice: false} {
		t.Run(string(alone), func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].Spaces.Alone = alone
			inWorldOf(t, e, func(w *world) {
				c := w.enter(w.alice(), aliceSpace)
				time.Sleep(30 * time.Second)
				if loud := c.Heard(3 * time.Second).Loudness(); (loud > -60) != loudAfter {
					t.Errorf("after half a minute: %.0f dB", loud)
				}
				w.bye(c)
			})
		})
	}
}

// TestTenArrivalsAreNotTenTones lets ten callers in within a second: the tone sounds once or twice, never over itself.
func TestTenArrivalsAreNotTenTones(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.alice()
		first := w.enter(p, aliceSpace)
		time.Sleep(10 * time.Second)
		calls := []*softphone.Call{first}
		for range 10 {
			calls = append(calls, w.enter(p, aliceSpace))
		}
		w.participants(11)
		time.Sleep(3 * time.Second)
		heard := first.Heard(4 * time.Second)
		bursts, quiet := 0, true
		for len(heard) >= 800 { // windows of 100 ms
			loud := softphone.Sound(heard[:800]).Loudness() > -50
			if loud && quiet {
				bursts++
			}
			quiet = !loud
			heard = heard[800:]
		}
		if bursts < 1 || bursts > 3 {
			t.Errorf("%d tones for ten arrivals within a second", bursts)
		}
		w.bye(calls...)
	})
}

// TestToneOff keeps a space without tones quiet.
func TestToneOff(t *testing.T) {
	e := sitefile.Demo()
	off := false
	e.Sites[0].Users[0].Space = directory.SpaceSettings{Tones: &off}
	inWorldOf(t, e, func(w *world) {
		a := w.enter(w.alice(), aliceSpace)
		time.Sleep(10 * time.Second)
		b := w.enter(w.camille(), aliceSpace)
		w.participants(2)
		time.Sleep(time.Second)
		if loud := a.Heard(time.Second).Loudness(); loud > -60 {
			t.Errorf("a tone sounds at %.0f dB", loud)
		}
		w.bye(a, b)
	})
}

// TestOverTCP is the whole call over a connection: every request of the server uses it.
func TestOverTCP(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.phone("+33170001203", "pC-0be5d2", func(c *softphone.Config) { c.Transport = "tcp" })
		if _, err := p.Register(w.t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		a := w.invite(p, gatewayURI, softphone.InviteOptions{})
		w.types(a, aliceSpace+"#", softphone.DigitOptions{})
		b := w.enter(w.alice(), aliceSpace)
		w.participants(2)
		w.meet(a, b)
		space := w.house.gateway.Bridges()[0]
		for _, member := range space.Participants {
			if err := w.house.gateway.Remove(w.t.Context(), space.Space, member.ID); err != nil {
				t.Error(err)
			}
		}
		for _, c := range []*softphone.Call{a, b} {
			if reason := w.gone(c, time.Second); !strings.Contains(reason, "Removed") {
				t.Errorf("Reason %q", reason)
			}
		}
	})
}
