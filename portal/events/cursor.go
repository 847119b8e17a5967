package events

import (
	"fmt"
	"strconv"
	"strings"
)

// The words that stand for a cursor.
const (
	Oldest = "oldest" // before the oldest event that is kept
	Latest = "latest" // after the event that came last
)

// Cursor is a place in the log: just after the event with that number. It is written as the event's ID.
type Cursor struct {
	log string // name of the log
	seq uint64
}

// Seq is the number of the event that the cursor follows; 0 is before all.
func (c Cursor) Seq() uint64 { return c.seq }

// String is what Log.Cursor reads.
func (c Cursor) String() string { return c.log + "-" + strconv.FormatUint(c.seq, 10) }

// parseCursor reads what String wrote.
func parseCursor(text string) (Cursor, error) {
	log, number, ok := strings.Cut(text, "-")
	seq, err := strconv.ParseUint(number, 10, 64)
	if !ok || err != nil || log == "" || strings.TrimLeft(number, "0") != number && number != "0" {
		return Cursor{}, ErrBadCursor
	}
	return Cursor{log: log, seq: seq}, nil
}

// Cursor reads a cursor, Oldest or Latest; an empty text means what empty says.
func (l *Log) Cursor(text, empty string) (Cursor, error) {
	if text == "" {
		text = empty
	}
	s := l.span()
	switch text {
	case Oldest:
		return Cursor{log: s.Name, seq: s.First - 1}, nil
	case Latest:
		return Cursor{log: s.Name, seq: s.Last}, nil
	}
	c, err := parseCursor(text)
	switch {
	case err != nil:
		return c, err
	case c.log != s.Name || c.seq > s.Last || c.seq+1 < s.First:
		return c, fmt.Errorf("cursor %d of log %s, which has %d to %d: %w", c.seq, s.Name, s.First, s.Last, ErrGone)
	}
	return c, nil
}

// at is the cursor of an event of this log.
func (l *Log) at(seq uint64) Cursor { return Cursor{log: l.span().Name, seq: seq} }
