package events

import (
	"context"
	"time"
)

// Store keeps the log over restarts. Each call is one transaction.
type Store interface {
	// EventSpan gives the log's extent; the first call gives the log its name.
	EventSpan(ctx context.Context) (Span, error)
	// AppendEvents numbers the events from the last one on and keeps them, then drops the oldest beyond the bounds.
	AppendEvents(ctx context.Context, list []Event, bounds Bounds) (Span, error)
	// Events gives up to n events that follow the number, the oldest first, and the log's extent in the same view.
	Events(ctx context.Context, after uint64, n int) ([]Event, Span, error)
}

// Span is the extent of a log.
type Span struct {
	Name        string // made at random once, so that a cursor of another log is known as such
	First, Last uint64 // numbers of the events that are kept; a log with none has First = Last+1
}

// Bounds are how much of the log is kept.
type Bounds struct {
	Before time.Time // older events are dropped
	Most   int       // events at most
}
