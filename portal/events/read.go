package events

import (
	"context"
	"fmt"
)

// maxScan is how many events are looked at for one page.
const maxScan = 10_000

// scanStep is how many events are read from the store at once.
const scanStep = 500

// Page is a part of the log.
type Page struct {
	Events []Event
	Next   Cursor // where to go on, beyond events that the filter left out
	More   bool   // whether the log has more now
}

// Read gives up to n events that follow the cursor and that the filter takes. It looks at a bounded part of the log: a page may
// be short, even empty, with more to come. ErrGone means that the cursor is too old.
func (l *Log) Read(ctx context.Context, after Cursor, n int, f Filter) (Page, error) {
	p := Page{Next: after}
	for scanned := 0; scanned < maxScan; scanned += scanStep {
		list, s, err := l.cfg.Store.Events(ctx, p.Next.seq, scanStep)
		switch {
		case err != nil:
			return Page{}, fmt.Errorf("read the event log: %w", err)
		case after.log != s.Name || p.Next.seq > s.Last || p.Next.seq+1 < s.First:
			return Page{}, fmt.Errorf("cursor %d of log %s, which has %d to %d: %w", p.Next.seq, s.Name, s.First, s.Last, ErrGone)
		}
		for _, e := range list {
			if len(p.Events) == n {
				p.More = true
				return p, nil
			}
			p.Next.seq = e.Seq
			if f.Match(&e) {
				e.ID = p.Next.String()
				p.Events = append(p.Events, e)
			}
		}
		p.More = p.Next.seq < s.Last
		if !p.More {
			return p, nil
		}
	}
	return p, nil
}

// News is closed when the log has more than the cursor has seen; it is for readers that wait for other things too.
func (l *Log) News(after Cursor) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.extent.Last > after.seq {
		return closedChan
	}
	return l.news
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()
