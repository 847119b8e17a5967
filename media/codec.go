package media

import "fmt"

// Codec is an RTP payload format that the package knows by name.
type Codec uint8

// Payload formats. The zero value is one that is not known here.
const (
	UnknownCodec   Codec = iota
	PCMU           Codec = iota // G.711 µ-law, static payload type 0 (RFC 3551 §4.5.14)
	PCMA           Codec = iota // G.711 A-law, static payload type 8 (RFC 3551 §4.5.14)
	G722           Codec = iota // 16 kHz sound on an 8 kHz RTP clock, payload type 9 (RFC 3551 §4.5.2)
	G729           Codec = iota // payload type 18 (RFC 3551 §4.5.6); only ever passed through
	Opus           Codec = iota // RTP clock of 48 kHz (RFC 7587)
	TelephoneEvent Codec = iota // digits (RFC 4733)
	ComfortNoise   Codec = iota // payload type 13 (RFC 3389)

	numCodecs = iota
)

var codecNames = [...]string{
	UnknownCodec: "unknown", PCMU: "PCMU", PCMA: "PCMA", G722: "G722", G729: "G729", Opus: "opus",
	TelephoneEvent: "telephone-event", ComfortNoise: "CN",
}

// String returns the encoding name of the format's rtpmap line.
func (c Codec) String() string {
	if int(c) < len(codecNames) {
		return codecNames[c]
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}

// ClockRate is the clock of the format's RTP timestamps in Hz, zero where the rtpmap line decides.
func (c Codec) ClockRate() int {
	switch c {
	case PCMU, PCMA, G722, G729:
		return 8000
	case Opus:
		return 48000
	default:
		return 0
	}
}

// SampleRate is the rate of the sound in Hz, zero for a format that carries none.
func (c Codec) SampleRate() int {
	switch c {
	case PCMU, PCMA, G729:
		return 8000
	case G722:
		return 16000
	case Opus:
		return 48000
	default:
		return 0
	}
}

// Mixable reports whether the package decodes and encodes the format.
func (c Codec) Mixable() bool { return c == PCMU || c == PCMA }

// defaultCodecs is the order of preference of a session that names none.
var defaultCodecs = []Codec{PCMA, PCMU}
