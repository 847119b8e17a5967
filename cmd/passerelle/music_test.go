package main

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"passerelle/directory/sitefile"
	"passerelle/portal/api"
	"passerelle/softphone"
)

// toneWAV is two seconds of a tone.
func toneWAV(hertz float64) []byte {
	const rate = 16000
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt "), 16, 0, 0, 0, 1, 0, 1, 0)
	le := binary.LittleEndian
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, 2*rate)
	b = append(b, 2, 0, 16, 0, 'd', 'a', 't', 'a')
	b = le.AppendUint32(b, 4*rate)
	for i := range 2 * rate {
		b = le.AppendUint16(b, uint16(int16(8000*math.Sin(2*math.Pi*hertz*float64(i)/rate))))
	}
	return b
}

// TestHoldMusicOfSite lets who is held hear the recording of the holder's site, silence where the site wants none, and the
// server's own where the recording is missing.
func TestHoldMusicOfSite(t *testing.T) {
	const hertz = 900
	for name, tt := range map[string]struct {
		music string
		tone  bool // the recording's
		loud  bool
	}{
		"a recording": {"paris.wav", true, true}, "none": {"none", false, false}, "a recording that is missing": {"gone.wav", false, true},
		"a recording that is none": {"broken.wav", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := sitefile.Demo()
			e.Sites[0].HoldMusic = tt.music
			dir := t.TempDir()
			for file, b := range map[string][]byte{"paris.wav": toneWAV(hertz), "broken.wav": []byte("RIFF")} {
				if err := os.WriteFile(filepath.Join(dir, file), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			inWorldOf(t, e, func(w *world) {
				w.house.music.dir = dir
				w.house.music.load()
				a, c := w.pair(softphone.InviteOptions{}, softphone.InviteOptions{})
				a.Mute()
				c.Mute()
				for range 2 { // it begins and ends with each hold
					if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					time.Sleep(5 * time.Second)
					heard := c.Heard(2 * time.Second)
					if loud := heard.Loudness() > -45; loud != tt.loud {
						t.Errorf("the held side hears %.0f dB", heard.Loudness())
					}
					if tone := heard.Level(hertz) > -20; tone != tt.tone {
						t.Errorf("the recording is heard at %.0f dB", heard.Level(hertz))
					}
					if err := a.Resume(w.t.Context()); err != nil {
						t.Fatal(err)
					}
					time.Sleep(3 * time.Second)
					if level := c.Heard(time.Second).Loudness(); level > -45 {
						t.Errorf("after the hold %.0f dB are heard", level)
					}
				}
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}

// TestHoldMusicIsReplaced puts recordings in the place of one another while the server runs.
func TestHoldMusicIsReplaced(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		w.house.music.dir = filepath.Join(t.TempDir(), "music")
		set := siteMusic{w.house.music, w.house.cfg.settings.(byPhone).configuration}
		alice, camille := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001203", "pC-0be5d2")
		heard := func(hertz float64) float64 {
			t.Helper()
			call := w.dial(w.t.Context(), alice.Phone, "sip:203@paris.acme.test", softphone.InviteOptions{})
			c := w.take(camille.rings(w))
			a := w.up(call)
			if err := a.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
			level := c.Heard(2 * time.Second).Level(hertz)
			w.bye(a)
			w.gone(c, time.Second)
			return level
		}
		for _, hertz := range []float64{700, 1100} {
			if err := set.SetHoldMusic(w.t.Context(), "paris.acme.test", toneWAV(hertz)); err != nil {
				t.Fatal(err)
			}
			if level := heard(hertz); level < -20 {
				t.Errorf("the recording of %.0f Hz is heard at %.0f dB", hertz, level)
			}
		}
		if err := set.SetHoldMusic(w.t.Context(), "paris.acme.test", []byte("no recording")); !errors.Is(err, api.ErrBadRecording) {
			t.Errorf("what is no recording: %v", err)
		}
		if level := heard(1100); level < -20 {
			t.Errorf("after a recording that was refused the one before is heard at %.0f dB", level)
		}
		if err := set.SetHoldMusic(w.t.Context(), "paris.acme.test", nil); err != nil {
			t.Fatal(err)
		}
		if level := heard(1100); level > -30 {
			t.Errorf("the recording is still heard, at %.0f dB", level)
		}
	})
}
