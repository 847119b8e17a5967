package account

import (
	"slices"
	"sync"
	"time"
)

// tryWindow is how long a failed try counts.
const tryWindow = 15 * time.Minute

// maxTriers bounds the memory of tries; beyond it those that nobody has used for longest are forgotten.
const maxTriers = 20_000

// limit is how many tries one key has within the window.
type limit struct {
	key   string
	tries int
}

// limiter counts tries by key.
type limiter struct {
	mu    sync.Mutex
	times map[string][]time.Time // within the window, oldest first
}

func newLimiter() *limiter { return &limiter{times: make(map[string][]time.Time)} }

// take counts a try under every key, or, when one of them has none left, under none and says how long to wait.
func (l *limiter) take(now time.Time, limits ...limit) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range limits {
		times := l.recentLocked(k.key, now)
		if n := len(times); n >= k.tries {
			wait = max(wait, times[n-k.tries].Add(tryWindow).Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	if len(l.times) > maxTriers {
		l.forgetLocked(now)
	}
	for _, k := range limits {
		l.times[k.key] = append(l.times[k.key], now)
	}
	return 0
}

// giveBack takes back the latest try: it succeeded, so it was no guess.
func (l *limiter) giveBack(limits ...limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range limits {
		if times := l.times[k.key]; len(times) > 1 {
			l.times[k.key] = times[:len(times)-1]
		} else {
			delete(l.times, k.key)
		}
	}
}

// recentLocked drops what fell out of the window and gives the rest.
func (l *limiter) recentLocked(key string, now time.Time) []time.Time {
	times := l.times[key]
	n := 0
	for n < len(times) && now.Sub(times[n]) >= tryWindow {
		n++
	}
	if times = times[n:]; len(times) == 0 {
		delete(l.times, key)
		return nil
	}
	l.times[key] = times
	return times
}

// forgetLocked makes room: expired counters first, then the stalest, a quarter of all at least.
func (l *limiter) forgetLocked(now time.Time) {
	for key := range l.times {
		l.recentLocked(key, now)
	}
	if len(l.times) <= maxTriers*3/4 {
		return
	}
	last := make([]time.Time, 0, len(l.times))
	for _, times := range l.times {
		last = append(last, times[len(times)-1])
	}
	slices.SortFunc(last, time.Time.Compare)
	border := last[len(last)/4]
	for key, times := range l.times {
		if !times[len(times)-1].After(border) {
			delete(l.times, key)
		}
	}
}
