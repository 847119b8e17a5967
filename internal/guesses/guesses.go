// Package guesses counts tries by key within a window of time, in bounded memory: for what holds guessers back.
package guesses

import (
	"cmp"
	"slices"
	"time"
)

// Config bounds a Counter.
type Config[K comparable] struct {
	// Window is how long a try counts.
	Window time.Duration
	// MaxKeys is how many keys are remembered; beyond it the stalest quarter is forgotten.
	MaxKeys int
	// MaxTries is how many tries of one key are remembered, the latest; zero remembers all.
	MaxTries int
	// Keep says which keys are remembered beyond MaxKeys as long as they count; nil keeps none.
	Keep func(K) bool
}

// Counter counts. Its owner sees to it that one goroutine at a time uses it.
type Counter[K comparable] struct {
	cfg   Config[K]
	times map[K][]time.Time // within the window, oldest first, never empty
}

// New returns a counter of no tries.
func New[K comparable](cfg Config[K]) *Counter[K] {
	return &Counter[K]{cfg: cfg, times: make(map[K][]time.Time)}
}

// Add counts a try.
func (c *Counter[K]) Add(key K, now time.Time) {
	times := c.Recent(key, now)
	if c.cfg.MaxTries > 0 && len(times) >= c.cfg.MaxTries {
		times = times[1:]
	}
	if c.times[key] = append(times, now); len(c.times) > c.cfg.MaxKeys {
		c.forget(now)
	}
}

// Undo takes back the latest try of a key.
func (c *Counter[K]) Undo(key K) {
	if times := c.times[key]; len(times) > 1 {
		c.times[key] = times[:len(times)-1]
	} else {
		delete(c.times, key)
	}
}

// Forget takes back every try of a key.
func (c *Counter[K]) Forget(key K) { delete(c.times, key) }

// Recent gives the times of the tries that count, oldest first; they are good until the next call.
func (c *Counter[K]) Recent(key K, now time.Time) []time.Time {
	times := c.times[key]
	n := 0
	for n < len(times) && now.Sub(times[n]) >= c.cfg.Window {
		n++
	}
	if times = times[n:]; len(times) == 0 {
		delete(c.times, key)
		return nil
	}
	c.times[key] = times
	return times
}

// Keys gives every key that has tries that count, in no order.
func (c *Counter[K]) Keys(now time.Time) []K {
	keys := make([]K, 0, len(c.times))
	for key := range c.times {
		if len(c.Recent(key, now)) > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Len is how many keys are remembered.
func (c *Counter[K]) Len() int { return len(c.times) }

// forget makes room: what fell out of the window first, then the stalest, so that a quarter is free and the next try need
// not do it again.
func (c *Counter[K]) forget(now time.Time) {
	keys := c.Keys(now)
	if c.cfg.Keep != nil {
		keys = slices.DeleteFunc(keys, c.cfg.Keep)
	}
	excess := len(c.times) - c.cfg.MaxKeys*3/4
	if excess <= 0 {
		return
	}
	last := func(key K) time.Time { return c.times[key][len(c.times[key])-1] }
	slices.SortFunc(keys, func(a, b K) int { return cmp.Compare(last(a).UnixNano(), last(b).UnixNano()) })
	for _, key := range keys[:min(excess, len(keys))] {
		delete(c.times, key)
	}
}
