package media

import (
	"math"
	"testing"
	"time"

	"passerelle/media/mediatest"
)

// Fifteen shout: no sample is cut, the mix stays a sum of its tones, and it comes back when they are done.
func TestLimiterAtFifteenTalkers(t *testing.T) {
	tones := mediatest.Spread(15)
	mixed := func(l *limiter, amp float64, frames int) (out []int16) {
		frame := make([]int16, 160)
		for f := range frames {
			mix := make([]int32, 160)
			for i, tone := range tones {
				for k := range mix {
					mix[k] += int32(amp * math.Sin(2*math.Pi*tone*float64(f*160+k)/8000+float64(i)))
				}
			}
			l.apply(frame, mix)
			out = append(out, frame...)
		}
		return out
	}
	for _, amp := range []float64{1500, 5000, 10000, 30000} {
		var l limiter
		out := mixed(&l, amp, 150)
		steady := out[len(out)-8000:]
		cut := 0
		for _, v := range steady {
			if v > ceiling || v < -ceiling {
				cut++
			}
		}
		// Everything that is no tone, from spectral lines between them.
		var tone, between float64
		for i, f := range tones {
			tone += mediatest.Amplitude(steady, f, 8000)
			if i > 0 {
				between = max(between, mediatest.Amplitude(steady, (f+tones[i-1])/2, 8000))
			}
		}
		tone /= float64(len(tones))
		t.Logf("amplitude %v: tones at %.0f, artefacts %.1f dB, %d samples bent", amp, tone, mediatest.DB(between/tone), cut)
		if cut > 80 {
			t.Errorf("amplitude %v: %d samples of a second beyond the ceiling", amp, cut)
		}
		if db := mediatest.DB(between / tone); db > -25 {
			t.Errorf("amplitude %v: artefacts at %.1f dB", amp, db)
		}
		if amp < 2000 && math.Abs(tone/amp-1) > .01 {
			t.Errorf("a mix that fits is changed: %v became %v", amp, tone)
		}
		mixed(&l, 100, 100)
		if l.cut > unity/100 {
			t.Errorf("amplitude %v: still turned down by %d of %d two seconds later", amp, l.cut, unity)
		}
	}
}

// A mix passes unchanged to the bit while it fits.
func TestLimiterIsTransparent(t *testing.T) {
	var l limiter
	mix := make([]int32, 160)
	out := make([]int16, 160)
	for i := range mix {
		mix[i] = int32(i*375 - ceiling)
	}
	l.apply(out, mix)
	for i, v := range out {
		if int32(v) != mix[i] {
			t.Fatalf("sample %d: %d became %d", i, mix[i], v)
		}
	}
}

// The sound of a bridge is whole while fifteen talk through real encodings at full voice.
func TestFifteenLoudLegs(t *testing.T) {
	m, conns := scriptedBridge(t, talkers(15, 15, 30000)...)
	now := time.Now()
	var heard []int16
	pcm := make([]int16, 160)
	for i := range 200 {
		m.scriptedTick(&now, conns)
		if i >= 100 && len(conns[0].last) == rtpHeaderLen+160 {
			decodeG711(PCMU, pcm, conns[0].last[rtpHeaderLen:])
			heard = append(heard, pcm...)
		}
	}
	// Fourteen tones that repeat every 20 ms add up to a peak of 2.6 to 14 times one of them.
	var levels []float64
	for i := range 15 {
		levels = append(levels, mediatest.DB(mediatest.Amplitude(heard, scriptedTone(i), 8000)/ceiling))
	}
	for i, db := range levels {
		if i == 0 && db > -40 || i > 0 && (db < -26 || db > -8 || math.Abs(db-levels[1]) > 1) {
			t.Errorf("talker %d at %.1f dB of full scale, the others at %.1f", i, db, levels[1])
		}
	}
}

// What is invented for a lost frame goes on like the sound before it and then fades.
func TestConcealment(t *testing.T) {
	for name, wave := range map[string]func(int64) float64{"tone": simTone(440, 8000), "speech": simSpeech} {
		j := simLine{phase: 9 * time.Millisecond, wave: wave, delay: func(i int) (time.Duration, bool) {
			return 0, i < 60 || i > 66
		}}.run(2 * time.Second)
		levelAt := func(ms int) float64 { return math.Sqrt(power(j.out[ms*8 : ms*8+80])) }
		before, first, end := levelAt(1180), levelAt(1200), levelAt(1280)
		if math.Abs(mediatest.DB(first/before)) > 3 {
			t.Errorf("%s: the first 10 ms are at %.1f dB", name, mediatest.DB(first/before))
		}
		if end > 0 {
			t.Errorf("%s: %v is left after 80 ms", name, end)
		}
	}
}

func power(x []int16) (p float64) {
	for _, v := range x {
		p += float64(v) * float64(v)
	}
	return p / float64(len(x))
}

func TestPitchLag(t *testing.T) {
	for _, hz := range []int{70, 100, 118, 150, 190} {
		x := make([]int16, 400)
		for i := range x {
			for h := 1; h < 10; h++ {
				x[i] += int16(2000 / float64(h) * math.Sin(2*math.Pi*float64(hz*h*i)/8000))
			}
		}
		if got, want := pitchLag(x, 40, 120), 8000/hz; got < want-1 || got > want+1 {
			t.Errorf("%d Hz: lag %d, want %d", hz, got, want)
		}
	}
}
