package media

import "time"

// DigitSource is the way by which a digit came.
type DigitSource uint8

// Sources of digits.
const (
	EventRFC4733 DigitSource = iota // a telephone-event in the RTP stream
	InBand       DigitSource = iota // a pair of tones in the sound
)

// String returns the name of the source in logs and metrics.
func (s DigitSource) String() string {
	switch s {
	case EventRFC4733:
		return "rfc4733"
	case InBand:
		return "inband"
	default:
		return "unknown"
	}
}

// Digit is one key that was pressed, told once. Its key must never be logged.
type Digit struct {
	// Key is 0-9, '*', '#' or A-D (RFC 4733 §3.2).
	Key byte
	// Source says how the digit came; one key may come by several ways.
	Source DigitSource
	// Time is when the digit was recognised.
	Time time.Time
}
