package store

import (
	"slices"
	"sync"
	"time"
)

const (
	// writesKept is how many of the latest writes are remembered.
	writesKept = 16
	// writesCount is for how long a write tells something of the disk.
	writesCount = 5 * time.Minute
)

// writes remembers how long the disk took for the latest transactions. The zero value is ready.
type writes struct {
	mu   sync.Mutex // guards all below
	last [writesKept]write
	next int
}

type write struct {
	at   time.Time
	took time.Duration
}

func (w *writes) add(at time.Time, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last[w.next%writesKept] = write{at, took}
	w.next++
}

// middle is the median of the last five minutes; zero when nothing was written.
func (w *writes) middle(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []time.Duration
	for _, one := range w.last {
		if !one.at.IsZero() && now.Sub(one.at) <= writesCount {
			all = append(all, one.took)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// Writes gives how long the disk took for a transaction lately: the median of the latest ones, zero when there was none
// within five minutes. Work done before the disk is asked does not count.
func (s *Store) Writes() time.Duration { return s.writes.middle(time.Now()) }
