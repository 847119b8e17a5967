// Command ears makes test tones and judges recordings: which tones are in a WAV file, and which are not. It is the ear of
// test scripts that drive other people's telephones.
//
//	ears -make tone.wav -hertz 1050 -for 30s
//	ears -heard 1750 -not 1050 recording.wav
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"passerelle/softphone"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ears:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("ears", flag.ContinueOnError)
	var (
		file  = f.String("make", "", "`file` to write a tone to")
		hertz = f.Float64("hertz", 1000, "frequency of the tone")
		level = f.Float64("level", -20, "level of the tone, in dB below full scale")
		long  = f.Duration("for", 30*time.Second, "length of the tone")
		heard = f.Float64("heard", 0, "frequency that must be heard")
		least = f.Duration("least", 2*time.Second, "for how long in all it must be heard")
		not   = f.Float64("not", 0, "frequency that must not be heard while the other one is")
		above = f.Float64("above", -35, "level from which a tone counts as heard, in dB below full scale")
	)
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case *file != "":
		pcm := make([]int16, int64(*long)*softphone.SampleRate/int64(time.Second))
		softphone.Tone(*level, *hertz).Read(pcm)
		return os.WriteFile(*file, writeWAV(pcm), 0o644)
	case f.NArg() == 1 && *heard > 0:
		data, err := os.ReadFile(f.Arg(0))
		if err != nil {
			return err
		}
		w, err := readWAV(data)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Arg(0), err)
		}
		return judge(w, *heard, *not, *above, *least)
	}
	f.Usage()
	return errors.New("give -make, or -heard and a file")
}

// window is how much is judged at a time.
const window = 500 * time.Millisecond

// judge looks for stretches of the recording where one tone is heard, and for another one in them.
func judge(w wav, heard, not, above float64, least time.Duration) error {
	n := int(int64(window) * int64(w.rate) / int64(time.Second))
	scale := float64(softphone.SampleRate) / float64(w.rate) // Level believes in SampleRate
	var times, wrong int
	best, worst := -120.0, -120.0
	for at := 0; at+n <= len(w.pcm); at += n {
		s := softphone.Sound(w.pcm[at : at+n])
		level := s.Level(heard * scale)
		best = max(best, level)
		if level < above {
			continue
		}
		times++
		if not > 0 {
			other := s.Level(not * scale)
			worst = max(worst, other)
			if other >= above-10 {
				wrong++
			}
		}
	}
	got := time.Duration(times) * window
	fmt.Printf("%g Hz heard for %s of %s, %.0f dB at best", heard, got, time.Duration(len(w.pcm))*time.Second/time.Duration(w.rate), best)
	if not > 0 {
		fmt.Printf("; %g Hz %.0f dB at worst meanwhile", not, worst)
	}
	fmt.Println()
	switch {
	case got < least:
		return fmt.Errorf("%g Hz is heard for %s, want %s", heard, got, least)
	case wrong > 0:
		return fmt.Errorf("%g Hz is heard too, in %s", not, time.Duration(wrong)*window)
	}
	return nil
}
