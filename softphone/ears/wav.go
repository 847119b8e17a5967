package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"passerelle/softphone"
)

// wav is the sound of a WAV file: 16 bit PCM, of which the first channel is kept.
type wav struct {
	rate int
	pcm  []int16
}

var errWAV = errors.New("no WAV file with 16 bit PCM")

// readWAV reads a RIFF file. Recorders that were stopped hard leave wrong lengths in it: what is there counts.
func readWAV(b []byte) (wav, error) {
	var w wav
	channels := 0
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return w, errWAV
	}
	for at := 12; at+8 <= len(b); {
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		body := b[at+8:]
		body = body[:min(size, len(body))]
		switch string(b[at : at+4]) {
		case "fmt ":
			if len(body) < 16 || binary.LittleEndian.Uint16(body[14:]) != 16 {
				return w, fmt.Errorf("%w: another format", errWAV)
			}
			channels = int(binary.LittleEndian.Uint16(body[2:]))
			w.rate = int(binary.LittleEndian.Uint32(body[4:]))
		case "data":
			if channels < 1 || w.rate < 1 {
				return w, fmt.Errorf("%w: data before its format", errWAV)
			}
			if size == 0 {
				body = b[at+8:]
			}
			for i := 0; i+2*channels <= len(body); i += 2 * channels {
				w.pcm = append(w.pcm, int16(binary.LittleEndian.Uint16(body[i:])))
			}
			return w, nil
		}
		at += 8 + size + size%2
	}
	return w, fmt.Errorf("%w: no data", errWAV)
}

// writeWAV makes a file of mono sound at softphone.SampleRate.
func writeWAV(pcm []int16) []byte {
	var b bytes.Buffer
	b.WriteString("RIFF")
	le := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a bytes.Buffer does not fail
	le(uint32(36 + 2*len(pcm)))
	b.WriteString("WAVEfmt ")
	le(uint32(16))
	le(uint16(1)) // PCM
	le(uint16(1)) // channels
	le(uint32(softphone.SampleRate))
	le(uint32(2 * softphone.SampleRate))
	le(uint16(2))
	le(uint16(16))
	b.WriteString("data")
	le(uint32(2 * len(pcm)))
	le(pcm)
	return b.Bytes()
}
