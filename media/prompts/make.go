//go:build ignore

// Command make records the prompts: it speaks the texts with pico2wave and cuts and levels the sound.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"log"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	rate  = 16000
	frame = rate / 100 // 10 ms

	level = -16.0 // dBFS, RMS of the frames that hold speech
	peak  = -1.0  // dBFS, what no sample passes
	quiet = -48.0 // dBFS, frames below are silence

	lead = rate / 5  // silence in front
	tail = rate / 10 // silence behind
	keep = rate / 50 // of the breath around the speech
)

var voices = map[string]string{"fr": "fr-FR", "en": "en-GB"}

func main() {
	log.SetFlags(0)
	for lang, voice := range voices {
		if err := record(lang, voice); err != nil {
			log.Fatal(err)
		}
	}
}

func record(lang, voice string) error {
	f, err := os.Open("texts." + lang + ".txt")
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		name, text, ok := strings.Cut(lines.Text(), ": ")
		if !ok {
			return fmt.Errorf("%s: want \"name: text\", got %q", f.Name(), lines.Text())
		}
		pcm, err := speak(voice, text)
		if err != nil {
			return fmt.Errorf("speak %s.%s: %w", name, lang, err)
		}
		out := finish(pcm)
		if err := os.WriteFile(filepath.Join("audio", name+"."+lang+".wav"), wav(out), 0o644); err != nil {
			return err
		}
		log.Printf("%s.%s: %.1f s", name, lang, float64(len(out))/rate)
	}
	return lines.Err()
}

// speak returns what pico2wave says.
func speak(voice, text string) ([]float64, error) {
	dir, err := os.MkdirTemp("", "prompt")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "x.wav")
	if out, err := exec.Command("pico2wave", "-l", voice, "-w", file, text).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pico2wave: %w: %s", err, out)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	b = b[44:] // pico2wave writes the plain header
	pcm := make([]float64, len(b)/2)
	for i := range pcm {
		pcm[i] = float64(int16(binary.LittleEndian.Uint16(b[2*i:]))) / 32768
	}
	return pcm, nil
}

// finish levels the speech, trims the silence around it and adds ours.
func finish(pcm []float64) []float64 {
	var energy float64
	var n int
	loudest := 0.0
	for i := 0; i+frame <= len(pcm); i += frame {
		if r := db(rms(pcm[i : i+frame])); r > quiet {
			energy += rms(pcm[i:i+frame]) * rms(pcm[i:i+frame])
			n++
		}
	}
	for _, x := range pcm {
		loudest = max(loudest, math.Abs(x))
	}
	gain := math.Pow(10, level/20) / math.Sqrt(energy/float64(n))
	gain = min(gain, math.Pow(10, peak/20)/loudest)
	first, last := len(pcm), 0
	for i := 0; i+frame <= len(pcm); i += frame {
		if db(gain*rms(pcm[i:i+frame])) > quiet {
			first, last = min(first, i), i+frame
		}
	}
	first, last = max(first-keep, 0), min(last+keep, len(pcm))
	speech := pcm[first:last]
	out := make([]float64, lead+len(speech)+tail)
	for i, x := range speech {
		fade := min(1, float64(min(i, len(speech)-1-i))/keep)
		out[lead+i] = x * gain * fade
	}
	return out
}

func rms(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum / float64(len(x)))
}

func db(x float64) float64 { return 20 * math.Log10(x+1e-9) }

// wav is a file of 16 bit, mono.
func wav(pcm []float64) []byte {
	b := []byte("RIFF----WAVEfmt ")
	le := binary.LittleEndian
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint16(b, 1)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, 2*rate)
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(pcm)))
	for _, x := range pcm {
		b = le.AppendUint16(b, uint16(int16(math.Round(x*32767))))
	}
	le.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
