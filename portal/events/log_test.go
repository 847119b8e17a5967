package events_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/portal/events"
)

// TestLogKeepsTheOrderOfEachPoster posts from many goroutines, with restarts in between, and reads all in one go.
func TestLogKeepsTheOrderOfEachPoster(t *testing.T) {
	inWorld(t, func(w *world) {
		const posters, rounds, each = 8, 3, 400
		for round := range rounds {
			w.open()
			var wg sync.WaitGroup
			for p := range posters {
				wg.Go(func() {
					for i := range each {
						w.log.Post(events.Draft{Type: events.CallBegan, Data: note{By: fmt.Sprint(p), N: round*each + i}})
					}
				})
			}
			wg.Wait()
			w.close() // what was posted before is kept
		}
		w.open()
		next := map[string]int{}
		var seq uint64
		for _, e := range w.all(w.cursor(events.Oldest), events.Filter{}) {
			n := noteOf(w.t, e)
			if n.N != next[n.By] {
				w.t.Fatalf("of poster %s came %d, want %d", n.By, n.N, next[n.By])
			}
			next[n.By]++
			seq++
			if e.Seq != seq {
				w.t.Fatalf("event %d has number %d", seq, e.Seq)
			}
		}
		if seq != posters*rounds*each {
			w.t.Errorf("%d events, want %d", seq, posters*rounds*each)
		}
	})
}

func TestCursorOutlivesARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		w.post(1)
		w.post(2)
		synctest.Wait()
		p, err := w.log.Read(w.t.Context(), w.cursor(events.Oldest), 1, events.Filter{})
		if err != nil || len(p.Events) != 1 || !p.More {
			w.t.Fatalf("first page: %+v, %v", p, err)
		}
		mark := p.Next.String()
		w.close()
		w.open()
		w.post(3)
		time.Sleep(time.Second)
		list := w.all(w.cursor(mark), events.Filter{})
		if len(list) != 2 || noteOf(w.t, list[0]).N != 2 || noteOf(w.t, list[1]).N != 3 || list[0].ID == list[1].ID {
			w.t.Errorf("after %s came %+v", mark, list)
		}
	})
}

func TestLogIsBoundedByCountAndAge(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cfg.Most, w.cfg.Keep = 10, time.Hour
		w.open()
		first := w.cursor(events.Oldest).String()
		for i := range 25 {
			w.post(i)
		}
		time.Sleep(time.Second)
		list := w.all(w.cursor(events.Oldest), events.Filter{})
		if len(list) != 10 || noteOf(w.t, list[0]).N != 15 {
			w.t.Fatalf("%d events are kept", len(list))
		}
		if _, err := w.log.Cursor(first, ""); !errors.Is(err, events.ErrGone) {
			w.t.Errorf("the cursor before what was dropped: %v", err)
		}
		if _, err := w.log.Read(w.t.Context(), events.Cursor{}, 1, events.Filter{}); !errors.Is(err, events.ErrGone) {
			w.t.Errorf("reading from before what was dropped: %v", err)
		}
		last := w.cursor(events.Latest).String()
		time.Sleep(2 * time.Hour)
		if list := w.all(w.cursor(events.Oldest), events.Filter{}); len(list) != 0 {
			w.t.Errorf("%d events are older than an hour", len(list))
		}
		// Who has seen the last one has missed nothing.
		w.post(26)
		time.Sleep(time.Second)
		if list := w.all(w.cursor(last), events.Filter{}); len(list) != 1 || list[0].Seq != 26 {
			w.t.Errorf("after %s came %+v", last, list)
		}
	})
}

// brokenStore fails, or waits, until it is mended.
type brokenStore struct {
	events.Store
	mended chan struct{}
	fails  bool
}

func (s *brokenStore) AppendEvents(ctx context.Context, list []events.Event, b events.Bounds) (events.Span, error) {
	select {
	case <-s.mended:
		return s.Store.AppendEvents(ctx, list, b)
	default:
	}
	if s.fails {
		return events.Span{}, errors.New("disk full")
	}
	select {
	case <-s.mended:
	case <-ctx.Done():
		return events.Span{}, ctx.Err()
	}
	return s.Store.AppendEvents(ctx, list, b)
}

// TestPostNeverWaits posts to a log whose store hangs, far beyond what may wait; what was too much is told.
func TestPostNeverWaits(t *testing.T) {
	for _, fails := range []bool{false, true} {
		inWorld(t, func(w *world) {
			w.open()
			s := &brokenStore{Store: w.st, mended: make(chan struct{}), fails: fails}
			log := events.NewLog(events.Config{Store: s, Waiting: 5000})
			if err := log.Open(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
			ctx, stop := context.WithCancel(w.t.Context())
			ended := make(chan struct{})
			go func() { // ends by stop
				defer close(ended)
				_ = log.Run(ctx)
			}()
			const many = 12_000
			for i := range many {
				log.Post(events.Draft{Type: events.CallBegan, Data: note{N: i}})
			}
			time.Sleep(time.Minute)
			close(s.mended)
			time.Sleep(2 * time.Minute)
			stop()
			<-ended

			w.log = log
			kept, lost, next := 0, 0, 0
			for _, e := range w.all(w.cursor(events.Oldest), events.Filter{}) {
				if e.Type == events.EventsLost {
					lost += int(lostOf(w.t, e).Count)
					continue
				}
				kept++
				if n := noteOf(w.t, e).N; n < next {
					w.t.Fatalf("%d came after %d", n, next)
				} else {
					next = n + 1
				}
			}
			if kept+lost != many || lost == 0 {
				w.t.Errorf("%d kept and %d told as lost, want %d together", kept, lost, many)
			}
		})
	}
}

// TestPanicCostsNothingElse has finding out fail badly.
func TestPanicCostsNothingElse(t *testing.T) {
	inWorld(t, func(w *world) {
		w.open()
		w.log.PostLater(func() []events.Draft { panic("of the test") })
		w.post(1)
		time.Sleep(time.Second)
		if list := w.all(w.cursor(events.Oldest), events.Filter{}); len(list) != 1 {
			w.t.Errorf("%d events, want 1", len(list))
		}
	})
}

func TestNilLog(*testing.T) {
	var l *events.Log
	l.Post(events.Draft{})
	l.PostLater(nil)
}
