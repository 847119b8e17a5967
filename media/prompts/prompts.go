package prompts

import (
	"embed"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
)

// Rate is the sample rate of every prompt in Hz.
const Rate int = 16000

// LeadIn is how much of the start of each prompt is silence, in samples: 200 ms.
const LeadIn int = Rate / 5

// Name says which prompt, whatever the language.
type Name string

// The prompts.
const (
	Welcome Name = "welcome" // greets and asks for the space ID and #
	Again   Name = "again"   // the ID is unknown, try again
	Full    Name = "full"    // the space has no free seat
	Locked  Name = "locked"  // the space lets nobody in any more
	Goodbye Name = "goodbye" // the server hangs up
	Alone   Name = "alone"   // nobody else is in the space
	Muted   Name = "muted"   // the others hear the participant no longer
	Unmuted Name = "unmuted" // and now they do
	Pause   Name = "pause"   // wait a little
	Closing Name = "closing" // the service ends soon: shutdown or limit
	Confirm Name = "confirm" // the callee is to press 1 to enter

	// Why a call is refused.
	NotInPlan Name = "not_in_plan"    // the line's calling plan does not have it
	Night     Name = "night"          // not at this hour
	TooMany   Name = "too_many_calls" // as many outside as the line may have are up
	TooFast   Name = "too_fast"       // too many outside in a short time
	NoChannel Name = "no_channel"     // every trunk is full
	Away      Name = "away"           // the phone's user is signed in on another one

	// What is said to a guest, or to who may be one.
	HotelExtension Name = "hotel_extension" // asks for the extension and #
	HotelPIN       Name = "hotel_pin"       // asks for the PIN and #
	HotelIn        Name = "hotel_in"        // signed in
	HotelOut       Name = "hotel_out"       // signed out
	HotelTaken     Name = "hotel_taken"     // a guest is signed in here: 1 signs out
	HotelElsewhere Name = "hotel_elsewhere" // signed in on another phone: 1 signs out there
	HotelRefused   Name = "hotel_refused"   // not signed in, whatever the cause
	HotelNone      Name = "hotel_none"      // the phone takes no guests
)

// Names returns every prompt.
func Names() []Name {
	return []Name{
		Welcome, Again, Full, Locked, Goodbye, Alone, Muted, Unmuted, Pause, Closing, Confirm, NotInPlan, Night, TooMany, TooFast, NoChannel, Away,
		HotelExtension, HotelPIN, HotelIn, HotelOut, HotelTaken, HotelElsewhere, HotelRefused, HotelNone,
	}
}

// Languages returns the languages that prompts are spoken in; the first is the one for callers of any other.
func Languages() []string { return []string{"en", "fr"} }

//go:embed audio/*.wav
var audio embed.FS

// key is one recording.
type key struct {
	lang string
	name Name
}

// recordings decodes each recording once, when it is first asked for.
var recordings = func() map[key]func() []int16 {
	m := make(map[key]func() []int16)
	for _, lang := range Languages() {
		for _, name := range Names() {
			m[key{lang, name}] = sync.OnceValue(func() []int16 { return mustLoad(lang, name) })
		}
	}
	return m
}()

// Get returns the sound of a prompt, 16 kHz mono, shared and not to be written to. The language is a tag such as "fr"
// or "fr-CA"; another language than ours gets English. An unknown name is silence.
func Get(lang string, name Name) []int16 {
	lang, _, _ = strings.Cut(strings.ToLower(lang), "-")
	if get, ok := recordings[key{lang, name}]; ok {
		return get()
	}
	if get, ok := recordings[key{Languages()[0], name}]; ok {
		return get()
	}
	return nil
}

// mustLoad reads an embedded recording; the files are part of the binary, so a fault is one of the build.
func mustLoad(lang string, name Name) []int16 {
	b, err := audio.ReadFile(fmt.Sprintf("audio/%s.%s.wav", name, lang))
	if err != nil {
		panic(err)
	}
	pcm, err := decode(b)
	if err != nil {
		panic(fmt.Errorf("decode prompt %s.%s: %w", name, lang, err))
	}
	return pcm
}

// decode reads a WAV file of 16 kHz, mono, 16 bit.
func decode(b []byte) ([]int16, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return nil, fmt.Errorf("not a WAV file")
	}
	format := false
	for b = b[12:]; len(b) >= 8; {
		id, size := string(b[:4]), int(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		if size > len(b) {
			return nil, fmt.Errorf("chunk %q of %d bytes is cut short", id, size)
		}
		switch id {
		case "fmt ":
			le := binary.LittleEndian
			if size < 16 || le.Uint16(b) != 1 || le.Uint16(b[2:]) != 1 || le.Uint32(b[4:]) != uint32(Rate) || le.Uint16(b[14:]) != 16 {
				return nil, fmt.Errorf("not 16-bit mono PCM at %d Hz", Rate)
			}
			format = true
		case "data":
			if !format {
				return nil, fmt.Errorf("sound before its format")
			}
			pcm := make([]int16, size/2)
			for i := range pcm {
				pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
			}
			return pcm, nil
		}
		b = b[min(size+size&1, len(b)):]
	}
	return nil, fmt.Errorf("no sound in the file")
}
