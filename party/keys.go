package party

import "time"

// source is a road by which a pressed key reaches us. Higher values are more trustworthy.
type source uint8

const (
	inBand  source = iota // tones in the audio
	info                  // SIP INFO
	event                 // RFC 4733 telephone-event
	sources               // how many there are
)

// copyWindow bounds how much later a copy of a key may come by another road: an INFO whose first three transmissions
// were lost is retransmitted 3.5 s after the first (RFC 3261 §17.1.2.2).
const copyWindow = 5 * time.Second

// keyMerger makes one sequence of keys of what several roads tell about the same presses. A phone that sends AVT+INFO
// or InBand+INFO tells every press twice, at distances that overlap with the next press, so copies are matched by
// their order and not by their time: each road has a cursor into the merged sequence; a key that stands at or behind
// its road's cursor is a copy, any other key is a new press. Once a road has spoken, less trustworthy ones only
// confirm: a tone detector taken in by speech cannot add a key to those of RFC 4733.
//
// The zero value is ready. It is not safe for concurrent use.
type keyMerger struct {
	merged []mergedKey
	cursor [sources]int
	best   source
}

type mergedKey struct {
	key byte
	at  time.Time
}

// add tells a key that came by src at the time now, and returns whether it is a new press.
func (m *keyMerger) add(src source, key byte, now time.Time) (fresh bool) {
	m.forget(now)
	for i := m.cursor[src]; i < len(m.merged); i++ {
		if m.merged[i].key == key {
			m.cursor[src] = i + 1
			m.best = max(m.best, src)
			return false
		}
	}
	if src < m.best {
		return false
	}
	m.best = src
	m.merged = append(m.merged, mergedKey{key, now})
	m.cursor[src] = len(m.merged)
	return true
}

// forget drops what no copy can refer to any more.
func (m *keyMerger) forget(now time.Time) {
	n := 0
	for n < len(m.merged) && now.Sub(m.merged[n].at) > copyWindow {
		n++
	}
	if n == 0 {
		return
	}
	m.merged = append(m.merged[:0], m.merged[n:]...)
	for i := range m.cursor {
		m.cursor[i] = max(0, m.cursor[i]-n)
	}
}
