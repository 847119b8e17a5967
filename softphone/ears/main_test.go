package main

import (
	"path/filepath"
	"testing"
)

func TestEars(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tone.wav")
	if err := run([]string{"-make", file, "-hertz", "1750", "-for", "5s"}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-heard", "1750", "-not", "1050", "-least", "5s", file}); err != nil {
		t.Error(err)
	}
	for name, args := range map[string][]string{
		"another tone": {"-heard", "1050", file},
		"too short":    {"-heard", "1750", "-least", "6s", file},
		"also there":   {"-heard", "1750", "-not", "1750", file},
		"no file":      {"-heard", "1750"},
		"no WAV":       {"-heard", "1750", "main.go"},
		"missing":      {"-heard", "1750", file + "x"},
	} {
		if err := run(args); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestCutShort(t *testing.T) {
	whole := writeWAV(make([]int16, 100))
	for n := range whole {
		if w, err := readWAV(whole[:n]); err == nil && len(w.pcm) > 100 {
			t.Errorf("%d bytes gave %d samples", n, len(w.pcm))
		}
	}
	copy(whole[40:], []byte{0, 0, 0, 0}) // a recorder that was killed never wrote the length
	if w, err := readWAV(whole); err != nil || len(w.pcm) != 100 || w.rate != 8000 {
		t.Errorf("%d samples at %d: %v", len(w.pcm), w.rate, err)
	}
}
