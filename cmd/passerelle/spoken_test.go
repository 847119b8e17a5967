package main

import (
	"context"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/media/prompts"
	"passerelle/softphone"
)

// ear hears what comes before the answer of a call: it is where the phone says that it wants its media.
type ear struct {
	at      netip.AddrPort
	samples []float64
	stop    func()
	done    chan struct{}
}

// ear opens one. Its sound is read after close.
func (w *world) ear() *ear {
	w.nextIP++
	e := &ear{at: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, w.nextIP}), 40000), done: make(chan struct{})}
	pc, err := w.net.ListenPacket(e.at)
	if err != nil {
		w.t.Fatal(err)
	}
	e.stop = func() { _ = pc.Close() }
	go func() { // ends with the socket, which close closes
		defer close(e.done)
		b := make([]byte, 2048)
		for {
			n, _, err := pc.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			if n < 12 || b[1]&0x7f != 0 { // PCMU only
				continue
			}
			for _, x := range b[12:n] {
				e.samples = append(e.samples, ulaw(x))
			}
		}
	}()
	return e
}

func (e *ear) close() { e.stop(); <-e.done }

// here has a description name the ear as where media goes.
func (e *ear) here(sdp string) string {
	var out []string
	for line := range strings.Lines(sdp) {
		switch {
		case strings.HasPrefix(line, "c="):
			line = "c=IN IP4 " + e.at.Addr().String() + "\r\n"
		case strings.HasPrefix(line, "m=audio "):
			f := strings.Fields(line)
			f[1] = "40000"
			line = strings.Join(f, " ") + "\r\n"
		}
		out = append(out, line)
	}
	return strings.Join(out, "")
}

// ulaw is ITU-T G.711 §3, apart from the code that it judges.
func ulaw(x byte) float64 {
	x = ^x
	v := float64((int(x&15)<<3+132)<<(x>>4&7) - 132)
	if x&128 != 0 {
		v = -v
	}
	return v / 32768
}

// says tells how well the sound holds a recording: the best correlation of its loudness over time with the recording's, 1 being
// the same.
func (e *ear) says(pcm []int16) float64 {
	const step = 160 // 20 ms of each
	envelope := func(n, per int, at func(int) float64) []float64 {
		var all []float64
		for i := 0; i+per <= n; i += per {
			sum := 0.0
			for k := range per {
				sum += at(i+k) * at(i+k)
			}
			all = append(all, math.Sqrt(sum/float64(per)))
		}
		return all
	}
	heard := envelope(len(e.samples), step, func(i int) float64 { return e.samples[i] })
	want := envelope(len(pcm), 2*step, func(i int) float64 { return float64(pcm[i]) / 32768 })
	best := 0.0
	for shift := -25; shift <= 100; shift++ {
		var xy, xx, yy float64
		for i, y := range want {
			x := 0.0
			if k := i + shift; k >= 0 && k < len(heard) {
				x = heard[k]
			}
			xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
		}
		if xx > 0 {
			best = max(best, xy/math.Sqrt(xx*yy))
		}
	}
	return best
}

// TestRefusalsAreSpoken lets a line hear, in its language, why it may not call, before the status that says it too.
func TestRefusalsAreSpoken(t *testing.T) {
	const mobile, abroad = "sip:0612345678@paris.acme.test", "sip:00442079460000@paris.acme.test"
	none := directory.Limits{}
	for _, tt := range []struct {
		name   string
		edit   func(s *directory.Site, u *directory.User)
		before int // calls that are up
		uri    string
		accept string
		lang   string
		want   prompts.Name
		code   int
	}{
		{"calling plan", func(_ *directory.Site, u *directory.User) { u.CallingPlan = directory.CallingPlan{Internal: true} }, 0, mobile, "", "fr", prompts.NotInPlan, 403},
		{"calling plan, English phone", func(_ *directory.Site, u *directory.User) { u.CallingPlan.International = false }, 0, abroad, "en-GB, fr;q=0.5", "en", prompts.NotInPlan, 403},
		{"night", func(s *directory.Site, u *directory.User) {
			s.Night = directory.Night{From: "00:00", To: "23:59", Calls: directory.NightInternal}
			u.Limits = none
		}, 0, mobile, "", "fr", prompts.Night, 403},
		{"calls at once", func(_ *directory.Site, u *directory.User) { u.Limits = directory.Limits{SimultaneousExternal: 1} }, 1, mobile, "", "fr", prompts.TooMany, 403},
		{"calls a minute", func(_ *directory.Site, u *directory.User) { u.Limits = directory.Limits{PerMinute: 1} }, 1, mobile, "", "fr", prompts.TooFast, 403},
		{"channels", func(s *directory.Site, u *directory.User) { s.Trunks[0].Channels, u.Limits = 1, none }, 1, mobile, "", "fr", prompts.NoChannel, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := sitefile.Demo()
			tt.edit(e.Sites[0], e.Sites[0].Users[2])
			inWorldOf(t, e, func(w *world) {
				carrier, camille := w.carrier(), w.registered("+33170001203", "pC-0be5d2")
				var up []*softphone.Call
				for range tt.before {
					call := w.dial(w.t.Context(), camille.Phone, mobile, softphone.InviteOptions{})
					w.take(carrier.rings(w))
					up = append(up, w.up(call))
				}
				ear := w.ear()
				start := time.Now()
				o := softphone.InviteOptions{Codecs: []softphone.Codec{softphone.PCMU}, EditSDP: ear.here, NeverRTP: true}
				if tt.accept != "" {
					o.Headers = []softphone.Header{{Name: "Accept-Language", Value: tt.accept}}
				}
				var early []int
				o.OnProvisional = func(m *softphone.Message) { early = append(early, m.Code) }
				if got := w.status(w.dial(w.t.Context(), camille.Phone, tt.uri, o)); got != tt.code {
					t.Errorf("got %s, want %s", statusError(got), statusError(tt.code))
				}
				took := time.Since(start)
				ear.close()
				pcm := prompts.Get(tt.lang, tt.want)
				if length := time.Duration(len(pcm)) * time.Second / time.Duration(prompts.Rate); took < length || took > length+2*time.Second {
					t.Errorf("refused after %v, the announcement takes %v", took, length)
				}
				if got := ear.says(pcm); got < 0.97 {
					t.Errorf("%d samples heard, %.2f like %s.%s (183 %v)", len(ear.samples), got, tt.want, tt.lang, early)
				}
				for _, other := range prompts.Names() {
					if got := ear.says(prompts.Get(tt.lang, other)); other != tt.want && got > 0.95 {
						t.Errorf("%.2f like %s, too", got, other)
					}
				}
				w.bye(up...)
			})
		})
	}
}

// TestRefusalWithoutOfferIsPlain answers a caller who cannot hear anything yet at once.
func TestRefusalWithoutOfferIsPlain(t *testing.T) {
	inWorld(t, func(w *world) {
		start := time.Now()
		if got := w.refused(w.camille(), "sip:00442079460000@paris.acme.test", softphone.InviteOptions{DelayedOffer: true}); got != 403 {
			t.Errorf("got %s, want 403", statusError(got))
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("refused after %v", took)
		}
	})
}

// TestRefusedCallerHangsUp gives up while it is being told why: all is given back at once.
func TestRefusedCallerHangsUp(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		call := w.dial(ctx, w.camille(), "sip:00442079460000@paris.acme.test", softphone.InviteOptions{})
		time.Sleep(time.Second)
		if n := w.house.server.Legs(); n != 1 {
			t.Errorf("%d legs while the refusal is spoken, want 1", n)
		}
		cancel()
		if o := <-call; o.err == nil {
			t.Error("the call was answered")
		}
		time.Sleep(500 * time.Millisecond)
		if n := w.house.server.Legs(); n != 0 {
			t.Errorf("%d legs left", n)
		}
	})
}
