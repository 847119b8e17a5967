package media

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/media/prompts"
)

// dialling is how somebody types by tones.
type dialling struct {
	keys            string
	on, off         int     // samples
	lead            int     // samples of silence before
	low, high       float64 // level of each tone in dBm0
	lowOff, highOff float64 // relative detuning
	noise           float64 // level of white noise in dBm0; 0 is none
	seed            uint64
	harmonic        float64 // amplitude of the second harmonics relative to the tones
}

// usual is a key of 50 ms at a phone's level.
var usual = dialling{on: 400, off: 400, lead: 37, low: -9, high: -7}

// amplitude is the peak of a sine at a level in dBm0 (ITU-T G.711: full scale is 3.14 dBm0).
func amplitude(dBm0 float64) float64 { return 32768 * math.Pow(10, (dBm0-3.14)/20) }

// sound renders the typing at 8 kHz.
func (d dialling) sound() []int16 {
	rng := rand.New(rand.NewPCG(d.seed, 9))
	pcm := make([]float64, d.lead)
	for _, key := range []byte(d.keys) {
		i := strings.IndexByte(dtmfKeys, key)
		low, high := dtmfRows[i/4]*(1+d.lowOff), dtmfCols[i%4]*(1+d.highOff)
		a, b := rng.Float64()*6, rng.Float64()*6
		for n := range d.on {
			s := 2 * math.Pi * float64(n) / float64(dtmfRate)
			pcm = append(pcm, amplitude(d.low)*(math.Sin(low*s+a)+d.harmonic*math.Sin(2*(low*s+a)))+
				amplitude(d.high)*(math.Sin(high*s+b)+d.harmonic*math.Sin(2*(high*s+b))))
		}
		pcm = append(pcm, make([]float64, d.off)...)
	}
	pcm = append(pcm, make([]float64, 800)...)
	out := make([]int16, len(pcm))
	for i, x := range pcm {
		if d.noise != 0 {
			x += rng.NormFloat64() * amplitude(d.noise) / math.Sqrt2
		}
		out[i] = int16(min(max(math.Round(x), math.MinInt16), math.MaxInt16))
	}
	return out
}

// heardIn runs a new detector over sound in 20 ms frames.
func heardIn(pcm []int16) string {
	var d inbandDetector
	var keys []byte
	for ; len(pcm) > 0; pcm = pcm[min(160, len(pcm)):] {
		if digit, ok := d.detect(pcm[:min(160, len(pcm))], false, time.Time{}); ok {
			keys = append(keys, digit.Key)
		}
	}
	return string(keys)
}

// TestInbandAccepts is what must be a key, at every place of the tones relative to the frames.
func TestInbandAccepts(t *testing.T) {
	tests := []struct {
		name   string
		change func(*dialling)
	}{
		{"usual", func(*dialling) {}},
		{"40 ms on, 40 ms off", func(d *dialling) { d.on, d.off = 320, 320 }},
		{"ten keys a second", func(d *dialling) { d.on, d.off = 400, 400 }},
		{"slow", func(d *dialling) { d.on, d.off = 4000, 8000 }},
		{"loudest", func(d *dialling) { d.low, d.high = -3, -3 }},
		{"softest", func(d *dialling) { d.low, d.high = -30, -30 }},
		{"softest and fastest", func(d *dialling) { d.low, d.high, d.on, d.off = -30, -30, 320, 320 }},
		{"twist 4 dB", func(d *dialling) { d.low, d.high = -14, -10 }},
		{"reverse twist 8 dB", func(d *dialling) { d.low, d.high = -8, -16 }},
		{"1.5 % high", func(d *dialling) { d.lowOff, d.highOff = 0.015, 0.015 }},
		{"1.5 % low", func(d *dialling) { d.lowOff, d.highOff = -0.015, -0.015 }},
		{"1.5 % apart", func(d *dialling) { d.lowOff, d.highOff = 0.015, -0.015 }},
		{"noise 15 dB down", func(d *dialling) { d.low, d.high, d.noise = -9, -9, -21 }},
		{"noise 18 dB down, fast", func(d *dialling) { d.low, d.high, d.noise, d.on, d.off = -9, -9, -24, 320, 320 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for lead := 0; lead < 160; lead += 17 { // every place relative to frames and hops, in steps
				d := usual
				d.lead, d.seed, d.keys = lead, uint64(lead), dtmfKeys+"1100##55"
				tt.change(&d)
				if got := heardIn(d.sound()); got != d.keys {
					t.Fatalf("lead %d: typed %s, heard %s", lead, d.keys, got)
				}
			}
		})
	}
}

// TestInbandRejects is what must not be a key.
func TestInbandRejects(t *testing.T) {
	tests := []struct {
		name   string
		change func(*dialling)
	}{
		{"20 ms", func(d *dialling) { d.on = 160 }},
		{"too soft", func(d *dialling) { d.low, d.high = -42, -42 }},
		{"twist 10 dB", func(d *dialling) { d.low, d.high = -18, -8 }},
		{"reverse twist 14 dB", func(d *dialling) { d.low, d.high = -6, -20 }},
		{"3.5 % high", func(d *dialling) { d.lowOff, d.highOff = 0.035, 0.035 }},
		{"3.5 % low", func(d *dialling) { d.lowOff, d.highOff = -0.035, -0.035 }},
		{"one tone off", func(d *dialling) { d.highOff = 0.035 }},
		{"one tone missing", func(d *dialling) { d.high = -60 }},
		{"noise as loud", func(d *dialling) { d.low, d.high, d.noise = -12, -12, -9 }},
		{"a voice's harmonics", func(d *dialling) { d.harmonic = 0.4 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for lead := 0; lead < 160; lead += 17 { // every place relative to frames and hops, in steps
				d := usual
				d.lead, d.seed, d.keys = lead, uint64(lead), dtmfKeys
				tt.change(&d)
				if got := heardIn(d.sound()); got != "" {
					t.Fatalf("lead %d: heard %s", lead, got)
				}
			}
		})
	}
}

// conceal is what fills a lost frame.
type conceal uint8

const (
	bySilence    conceal = iota
	byRepetition conceal = iota
)

// lossy runs a detector over sound of which frames are lost; told says whether it knows which.
func lossy(pcm []int16, lost func(frame int) bool, fill conceal, told bool) string {
	var d inbandDetector
	var keys []byte
	last := make([]int16, 160)
	for i := 0; len(pcm) >= 160; i, pcm = i+1, pcm[160:] {
		frame := pcm[:160]
		gone := lost(i)
		switch {
		case !gone:
			last = frame
		case fill == byRepetition:
			frame = last
		default:
			frame = make([]int16, 160)
		}
		if digit, ok := d.detect(frame, gone && told, time.Time{}); ok {
			keys = append(keys, digit.Key)
		}
	}
	return string(keys)
}

// TestInbandOneLoss loses any one frame of the typing. When the detector is told, no key is lost or doubled as long as
// 15 ms of it arrive in one piece, whatever fills the hole. When it is not told, silence in keys of 60 ms and repetition in
// keys of 80 ms with gaps as long do not harm either.
func TestInbandOneLoss(t *testing.T) {
	tests := []struct {
		name    string
		on, off int // ms
		fill    conceal
		told    bool
	}{
		{"told, silence, 50/50", 50, 50, bySilence, true},
		{"told, repetition, 50/50", 50, 50, byRepetition, true},
		{"told, silence, 40/40", 40, 40, bySilence, true},
		{"told, repetition, 40/40", 40, 40, byRepetition, true},
		{"not told, silence, 60/40", 60, 40, bySilence, false},
		{"not told, repetition, 80/80", 80, 80, byRepetition, false},
		{"not told, silence, 100/100", 100, 100, bySilence, false},
		{"not told, repetition, 100/100", 100, 100, byRepetition, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for lead := 0; lead < 160; lead += 17 { // every place relative to frames and hops, in steps
				d := usual
				d.on, d.off, d.lead, d.seed = tt.on*8, tt.off*8, lead, uint64(lead)
				d.keys = "1159"
				pcm := d.sound()
				for gone := range len(pcm) / 160 {
					if !audible(d, gone) {
						continue
					}
					if got := lossy(pcm, func(i int) bool { return i == gone }, tt.fill, tt.told); got != d.keys {
						t.Fatalf("lead %d, frame %d lost: typed %s, heard %s", lead, gone, d.keys, got)
					}
				}
			}
		})
	}
}

// audible says whether 15 ms of every key arrive in one piece although a frame is lost.
func audible(d dialling, gone int) bool {
	for i := range d.keys {
		from := d.lead + i*(d.on+d.off)
		before, after := gone*160-from, from+d.on-(gone+1)*160
		if before < d.on && after < d.on && max(before, after) < dtmfLook {
			return false
		}
	}
	return true
}

// TestInbandFivePercent is a bad line: of 60 callers who type ten keys at 100 ms, nobody is misheard when the detector
// is told what is made up, and few when it is not (two losses in a row look like the end of a key).
func TestInbandFivePercent(t *testing.T) {
	tests := []struct {
		name string
		fill conceal
		told bool
		most int
	}{
		{"told, silence", bySilence, true, 0},
		{"told, repetition", byRepetition, true, 0},
		{"not told, silence", bySilence, false, 3},
		{"not told, repetition", byRepetition, false, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wrong := 0
			for seed := range uint64(60) {
				rng := rand.New(rand.NewPCG(seed, 5))
				d := usual
				d.on, d.off, d.lead, d.seed, d.keys = 800, 800, rng.IntN(160), seed, "1100#5*9A4"
				if got := lossy(d.sound(), func(int) bool { return rng.Float64() < 0.05 }, tt.fill, tt.told); got != d.keys {
					wrong++
				}
			}
			t.Logf("%d of 60 callers misheard", wrong)
			if wrong > tt.most {
				t.Errorf("more than %d", tt.most)
			}
		})
	}
}

// TestInbandTalkOff: no key in the server's own speech, at any level, nor in its tones and music.
func TestInbandTalkOff(t *testing.T) {
	sounds := map[string][]int16{"entry": EntryTone(), "exit": ExitTone(), "music": WaitingMusic()}
	for _, lang := range prompts.Languages() {
		for _, name := range prompts.Names() {
			sounds[fmt.Sprintf("%s.%s", name, lang)] = prompts.Get(lang, name)
		}
	}
	for name, wide := range sounds {
		pcm, err := resample(wide, toneRate, dtmfRate)
		if err != nil {
			t.Fatal(err)
		}
		for _, gain := range []float64{0.1, 0.5, 1, 3, 10} { // the last one clips
			loud := make([]int16, len(pcm))
			for i, x := range pcm {
				loud[i] = int16(min(max(float64(x)*gain, math.MinInt16), math.MaxInt16))
			}
			for offset := range 4 {
				if got := heardIn(loud[offset*10:]); got != "" {
					t.Errorf("%s at gain %.1f: heard %s", name, gain, got)
				}
			}
		}
	}
}

// TestInbandNoise: a minute of loud white and of babbling noise holds no key.
func TestInbandNoise(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	white := make([]int16, 60*8000)
	for i := range white {
		white[i] = int16(min(max(rng.NormFloat64()*8000, math.MinInt16), math.MaxInt16))
	}
	if got := heardIn(white); got != "" {
		t.Errorf("white noise: heard %s", got)
	}
	babble := make([]int16, len(white))
	var phases, freqs [12]float64
	for i := range babble {
		if i%400 == 0 { // twelve tones at random, changing every 50 ms
			for k := range freqs {
				freqs[k] = 200 + rng.Float64()*3000
			}
		}
		var sum float64
		for k := range phases {
			phases[k] += 2 * math.Pi * freqs[k] / 8000
			sum += math.Sin(phases[k])
		}
		babble[i] = int16(sum * 2000)
	}
	if got := heardIn(babble); got != "" {
		t.Errorf("babble: heard %s", got)
	}
}

// TestInbandOverSpeech: keys typed while the echo of a prompt comes back 20 dB down.
func TestInbandOverSpeech(t *testing.T) {
	speech, err := resample(prompts.Get("en", prompts.Welcome), toneRate, dtmfRate)
	if err != nil {
		t.Fatal(err)
	}
	for lead := 0; lead < 160; lead += 17 { // every place relative to frames and hops, in steps
		d := usual
		d.keys, d.lead = "1100#5*984", 1600+lead
		pcm := d.sound()
		for i := range pcm {
			pcm[i] += speech[i%len(speech)] / 10
		}
		if got := heardIn(pcm); got != d.keys {
			t.Fatalf("lead %d: typed %s, heard %s", lead, d.keys, got)
		}
	}
}

// TestInbandFrames: the size of the frames does not matter.
func TestInbandFrames(t *testing.T) {
	d := usual
	d.keys = "1100#5*9A4"
	pcm := d.sound()
	for _, size := range []int{80, 160, 240, 320, 37} {
		var det inbandDetector
		var keys []byte
		for rest := pcm; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			if digit, ok := det.detect(rest[:min(size, len(rest))], false, time.Unix(5, 0)); ok {
				if digit.Source != InBand || !digit.Time.Equal(time.Unix(5, 0)) {
					t.Fatalf("digit %+v", digit)
				}
				keys = append(keys, digit.Key)
			}
		}
		if string(keys) != d.keys {
			t.Errorf("frames of %d samples: heard %s", size, keys)
		}
	}
}

// TestInbandPressed: the key is told within 35 ms of its start, and is down until 30 ms after its end.
func TestInbandPressed(t *testing.T) {
	d := usual
	d.keys, d.on, d.lead = "7", 1600, 800
	var det inbandDetector
	var told, down []int
	pcm := d.sound()
	for i := 0; i+40 <= len(pcm); i += 40 {
		if _, ok := det.detect(pcm[i:i+40], false, time.Time{}); ok {
			told = append(told, i+40)
		}
		if det.pressed() {
			down = append(down, i+40)
		}
	}
	if len(told) != 1 || told[0] > 800+280 {
		t.Errorf("told at %v, pressed at 800", told)
	}
	if len(down) == 0 || down[len(down)-1] > 2400+240 || !slices.IsSorted(down) || len(down) != (down[len(down)-1]-down[0])/40+1 {
		t.Errorf("down from %d to %d, released at 2400", down[0], down[len(down)-1])
	}
}

func BenchmarkInband(b *testing.B) {
	d := usual
	d.keys = strings.Repeat("1590#", 20)
	speech, _ := resample(prompts.Get("en", prompts.Welcome), toneRate, dtmfRate)
	for name, pcm := range map[string][]int16{"keys": d.sound(), "speech": speech, "silence": make([]int16, 16000)} {
		b.Run(name, func(b *testing.B) {
			var det inbandDetector
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				det.detect(pcm[i:i+160], false, time.Time{})
				if i += 160; i+160 > len(pcm) {
					i = 0
				}
			}
		})
	}
}

// TestInbandG711 sends keys through both laws, from the loudest to the softest phone.
func TestInbandG711(t *testing.T) {
	for _, codec := range []Codec{PCMA, PCMU} {
		for _, level := range []float64{-3, -12, -21, -30} {
			d := usual
			d.keys, d.low, d.high, d.on, d.off = dtmfKeys, level, level, 320, 320
			pcm := d.sound()
			wire := make([]byte, len(pcm))
			encodeG711(codec, wire, pcm)
			decodeG711(codec, pcm, wire)
			if got := heardIn(pcm); got != d.keys {
				t.Errorf("%v at %.0f dBm0: typed %s, heard %s", codec, level, d.keys, got)
			}
		}
	}
}
