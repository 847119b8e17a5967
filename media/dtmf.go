package media

import "encoding/binary"

// eventKeys are the keys of a phone by their event code (RFC 4733 §3.2, table 3).
const eventKeys string = "0123456789*#ABCD"

// keyOfEvent returns the key of an event code, false for events that are no keys (flash, tones of a trunk).
func keyOfEvent(code uint8) (byte, bool) {
	if int(code) < len(eventKeys) {
		return eventKeys[code], true
	}
	return 0, false
}

// eventOfKey returns the event code of a key.
func eventOfKey(key byte) (uint8, bool) {
	for i := range len(eventKeys) {
		if eventKeys[i] == key {
			return uint8(i), true
		}
	}
	return 0, false
}

// eventSize is the number of bytes of a telephone-event payload.
const eventSize int = 4

// eventPayload is the payload of a telephone-event packet (RFC 4733 §2.3).
type eventPayload struct {
	Code     uint8
	End      bool
	Volume   uint8  // power below 0 dBm0 in dB, 0 to 63
	Duration uint16 // since the packet's timestamp, in units of it
}

// parseEvent reads the first event of a payload.
func parseEvent(b []byte) (eventPayload, bool) {
	if len(b) < eventSize {
		return eventPayload{}, false
	}
	return eventPayload{
		Code:     b[0],
		End:      b[1]&0x80 != 0,
		Volume:   b[1] & 0x3f,
		Duration: binary.BigEndian.Uint16(b[2:]),
	}, true
}

// put writes the payload into the first four bytes of b.
func (p eventPayload) put(b []byte) {
	b[0], b[1] = p.Code, p.Volume&0x3f
	if p.End {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], p.Duration)
}
