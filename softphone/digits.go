package softphone

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Method is how digits are sent; methods combine with |, as a phone set to "AVT+INFO" sends every key twice.
type Method int

// The methods of desk phones: "AVT" is RFC4733, "InBand", "INFO" is InfoRelay.
const (
	RFC4733   Method = 1 << iota // telephone-event packets
	InBand                       // tones in the audio
	InfoRelay                    // SIP INFO with application/dtmf-relay
	Info                         // SIP INFO with application/dtmf
)

// DigitOptions says how keys are pressed. The zero value is a clear and unhurried caller with a telephone-event phone.
type DigitOptions struct {
	Method Method        // zero = RFC4733
	On     time.Duration // how long a key is down; zero = 100 ms
	Gap    time.Duration // from its release to the next key; zero = 100 ms

	// The rest is for RFC 4733 and misbehaves on purpose.
	NoMarker bool           // never set the marker bit
	Ends     int            // how often the end packet is sent; zero = 3, negative = never
	Lose     func(int) bool // whether the n-th event packet, from 0, is lost
	Swap     func(int) bool // whether the n-th event packet is sent after its successor
}

// keypad are the keys in the order of their RFC 4733 event codes (§3.2, table 3).
const keypad = "0123456789*#ABCD"

// eventVolume is the level said of a digit, -10 dBm0.
const eventVolume = 10

// rows and columns of the keypad (ITU-T Q.23), by event code.
var (
	rows    = [16]float64{941, 697, 697, 697, 770, 770, 770, 852, 852, 852, 941, 941, 697, 770, 852, 941}
	columns = [16]float64{1336, 1209, 1336, 1477, 1209, 1336, 1477, 1209, 1336, 1477, 1209, 1477, 1633, 1633, 1633, 1633}
)

// Levels of in-band keys; the upper tone is 2 dB louder, as telephone lines want it.
const (
	rowLevel    = -12.0
	columnLevel = -10.0
)

// keyTone is the pair of tones of a key.
type keyTone struct{ row, column Source }

func newKeyTone(event byte) *keyTone {
	return &keyTone{Tone(rowLevel, rows[event]), Tone(columnLevel, columns[event])}
}

// Read mixes the pair.
func (k *keyTone) Read(pcm []int16) {
	other := make([]int16, len(pcm))
	k.row.Read(pcm)
	k.column.Read(other)
	for i, s := range other {
		pcm[i] += s // both together stay below full scale
	}
}

// keyRun is a string of keys under way: the media step through it packet by packet. Owned by the media's lock.
type keyRun struct {
	events  []byte
	o       DigitOptions
	on, len int // ticks a key is down, and from key to key
	ends    int
	pressed func(i int) // called when a key goes down; must not wait
	done    chan struct{}

	i, step int
	startTS uint32
	tone    *keyTone
	n       int    // event packets so far
	held    []byte // swapped packet, sent after the next
}

// newKeyRun prepares digits for packets of this length.
func newKeyRun(digits string, o DigitOptions, ptime time.Duration) (*keyRun, error) {
	r := &keyRun{o: o, done: make(chan struct{}), pressed: func(int) {}}
	r.o.Method = cmp.Or(o.Method, RFC4733)
	r.o.On, r.o.Gap = cmp.Or(o.On, 100*time.Millisecond), cmp.Or(o.Gap, 100*time.Millisecond)
	for _, k := range strings.ToUpper(digits) {
		event := strings.IndexRune(keypad, k)
		if event < 0 {
			return nil, fmt.Errorf("%w: there is no such key on a telephone", ErrMalformed)
		}
		r.events = append(r.events, byte(event))
	}
	ticks := func(d time.Duration) int { return max(1, int((d+ptime/2)/ptime)) }
	r.on = ticks(r.o.On)
	r.ends = max(0, cmp.Or(o.Ends, 3))
	r.len = r.on + max(ticks(r.o.Gap), r.ends-1)
	return r, nil
}

// key returns what the current tick is about: the event code, the tick within the key, and whether the key is down.
func (r *keyRun) key() (event byte, step int, down bool) {
	return r.events[r.i], r.step, r.step < r.on
}

// event is the payload of the telephone-event packet of this tick (RFC 4733 §2.3), nil when there is none.
func (r *keyRun) event(samples int) []byte {
	event, step, _ := r.key()
	// The key's last tick already carries the end bit, and is repeated; without end packets the key just stops.
	if step >= r.on+max(r.ends-1, 0) {
		return nil
	}
	b := []byte{event, eventVolume, 0, 0}
	if step >= r.on-1 && r.ends > 0 {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], uint16(min(step+1, r.on)*samples))
	return b
}

// next moves on by a tick and tells whether the run is over.
func (r *keyRun) next() bool {
	r.step++
	if r.step >= r.len {
		r.i, r.step = r.i+1, 0
	}
	if r.i < len(r.events) {
		return false
	}
	close(r.done)
	return true
}
