package prompts

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPromptsSound(t *testing.T) {
	for _, lang := range Languages() {
		for _, name := range Names() {
			t.Run(fmt.Sprintf("%s.%s", name, lang), func(t *testing.T) {
				pcm := Get(lang, name)
				if s := len(pcm) / Rate; s < 1 || s > 8 {
					t.Fatalf("%d s long", s)
				}
				for i, x := range pcm[:LeadIn] {
					if x != 0 {
						t.Fatalf("sample %d of the lead-in is %d", i, x)
					}
				}
				if loud := rms(pcm[LeadIn : LeadIn+Rate/5]); loud < -40 {
					t.Errorf("speech starts late: %.0f dBFS in the first 200 ms after the lead-in", loud)
				}
				if level := speechLevel(pcm); level < -17.5 || level > -15 {
					t.Errorf("speech at %.1f dBFS", level)
				}
				for i, x := range pcm {
					if x > 29300 || x < -29300 {
						t.Fatalf("sample %d is %d: louder than -1 dBFS", i, x)
					}
				}
			})
		}
	}
}

// speechLevel is the RMS in dBFS of the 10 ms frames above -48 dBFS.
func speechLevel(pcm []int16) float64 {
	var energy float64
	var n int
	for ; len(pcm) >= 160; pcm = pcm[160:] {
		if r := rms(pcm[:160]); r > -48 {
			energy += math.Pow(10, r/10)
			n++
		}
	}
	return 10 * math.Log10(energy/float64(n))
}

func rms(pcm []int16) float64 {
	var sum float64
	for _, x := range pcm {
		sum += float64(x) * float64(x)
	}
	return 10 * math.Log10(sum/float64(len(pcm))/32768/32768+1e-12)
}

// TestTextsMatch: every prompt has a text in every language and a recording, and nothing else lies about.
func TestTextsMatch(t *testing.T) {
	for _, lang := range Languages() {
		b, err := os.ReadFile("texts." + lang + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		texts := make(map[Name]string)
		for line := range strings.Lines(string(b)) {
			name, text, ok := strings.Cut(strings.TrimSpace(line), ": ")
			if !ok || text == "" {
				t.Errorf("texts.%s.txt: %q", lang, line)
			}
			texts[Name(name)] = text
		}
		for _, name := range Names() {
			if texts[name] == "" {
				t.Errorf("no text for %s in %s", name, lang)
			}
		}
		if len(texts) != len(Names()) {
			t.Errorf("%d texts in %s for %d prompts", len(texts), lang, len(Names()))
		}
	}
	files, err := filepath.Glob("audio/*")
	if err != nil || len(files) != len(Names())*len(Languages()) {
		t.Errorf("%d recordings, %v", len(files), err)
	}
}

func TestLanguages(t *testing.T) {
	en, fr := Get("en", Welcome), Get("fr", Welcome)
	if &en[0] == &fr[0] || len(en) == len(fr) {
		t.Error("French is English")
	}
	for tag, want := range map[string][]int16{"en-US": en, "FR": fr, "fr-CA": fr, "de": en, "": en} {
		if got := Get(tag, Welcome); &got[0] != &want[0] {
			t.Errorf("%q gets another language", tag)
		}
	}
	if Get("fr", "nonsense") != nil {
		t.Error("an unknown prompt has a sound")
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\x3e\x00\x00\x00\x7d\x00\x00\x02\x00\x10\x00data\x02\x00\x00\x00\x34\x12")
	if pcm, err := decode(good); err != nil || len(pcm) != 1 || pcm[0] != 0x1234 {
		t.Fatalf("good file: %v, %v", pcm, err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"no RIFF":    func(b []byte) []byte { b[0] = 'X'; return b },
		"stereo":     func(b []byte) []byte { b[22] = 2; return b },
		"8 kHz":      func(b []byte) []byte { binary.LittleEndian.PutUint32(b[24:], 8000); return b },
		"µ-law":      func(b []byte) []byte { b[20] = 7; return b },
		"cut short":  func(b []byte) []byte { return b[:len(b)-1] },
		"no data":    func(b []byte) []byte { return b[:36] },
		"too short":  func(b []byte) []byte { return b[:8] },
		"data first": func(b []byte) []byte { return append([]byte(string(b[:12])), b[36:]...) },
	} {
		if _, err := decode(change([]byte(string(good)))); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}
