// Package stream sends server-sent events: answers that last until the reader goes or the server stops.
//
// The server tells the end by Closing, so that a page that is left open does not hold its shutdown up. Each event is given a
// deadline of its own: a reader that takes none is cut off, whatever the server's limits for whole answers are.
package stream

import (
	"context"
	"net/http"
	"strings"
	"time"
)

// writeLimit is how long a reader may take for one event.
const writeLimit = 10 * time.Second

type closingKey struct{}

// WithClosing gives a context whose streams end when closing is closed.
func WithClosing(ctx context.Context, closing <-chan struct{}) context.Context {
	return context.WithValue(ctx, closingKey{}, closing)
}

// Closing is closed when the server wants streams to end; nil, which blocks for ever, where it does not say.
func Closing(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(closingKey{}).(<-chan struct{})
	return c
}

// Writer writes the events of one answer. One goroutine uses it.
type Writer struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

// Open begins the answer.
func Open(w http.ResponseWriter) (*Writer, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy is to pass each event on at once
	s := &Writer{w: w, to: http.NewResponseController(w)}
	// The time that a request has to come in full is over for this one; left in force it would end the stream.
	_ = s.to.SetReadDeadline(time.Time{})
	return s, s.write(": open\n\n")
}

// Send sends one event; data may have several lines.
func (s *Writer) Send(event, data string) error { return s.SendID("", event, data) }

// SendID sends one event with the ID that a reader names when it comes back.
func (s *Writer) SendID(id, event, data string) error {
	var b strings.Builder
	if id != "" {
		b.WriteString("id: " + id + "\n")
	}
	b.WriteString("event: " + event + "\n")
	for line := range strings.Lines(data) {
		b.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	if data == "" {
		b.WriteString("data:\n") // without a line of data a browser drops the event
	}
	b.WriteString("\n")
	return s.write(b.String())
}

// Beat shows reader and proxies that the stream lives.
func (s *Writer) Beat() error { return s.write(": beat\n\n") }

// BeatID is Beat for a stream whose reader has seen all up to that ID, though none of it was for its eyes.
func (s *Writer) BeatID(id string) error { return s.write("id: " + id + "\n\n") }

func (s *Writer) write(text string) error {
	// Fails where the connection has no deadlines, and then it needs none.
	_ = s.to.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	err := s.to.Flush()
	// HTTP/2 ends a stream whose deadline passes, even while nothing is being written.
	_ = s.to.SetWriteDeadline(time.Time{})
	return err
}
