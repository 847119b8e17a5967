package gateway

import (
	"sync"
	"time"
)

// guessWindow is how long a wrong ID counts.
const guessWindow = time.Hour

// guessPause is how long a caller waits for its one try while its site, its number or its address is being guessed from.
const guessPause = 30 * time.Second

// maxGuessers bounds the memory of wrong IDs; beyond it the stalest counters are forgotten, never the sites'.
const maxGuessers = 10_000

// maxCounted bounds one counter; limits are far below it.
const maxCounted = 1000

// guessGuard counts wrong space IDs by site, by caller and by source address, so that space IDs cannot be guessed: with
// 200 spaces and ten random digits, twenty wrong IDs an hour meet any space within a year with a chance of 0.4 %. It
// slows, it never refuses: a right ID always enters.
type guessGuard struct {
	mu     sync.Mutex
	counts map[guesser][]time.Time // times of wrong IDs within the window, oldest first
}

// guesser is a counter's key: exactly one field is set.
type guesser struct {
	site, caller, source string
}

func newGuessGuard() *guessGuard { return &guessGuard{counts: make(map[guesser][]time.Time)} }

// wrong counts one wrong ID.
func (g *guessGuard) wrong(site, caller, source string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range guessers(site, caller, source) {
		times := g.recentLocked(k, now)
		if len(times) >= maxCounted {
			times = times[1:]
		}
		g.counts[k] = append(times, now)
	}
	if len(g.counts) > maxGuessers {
		g.forgetLocked(now)
	}
}

// slowed tells whether a stranger gets but one try, after a pause: the site has had limit wrong IDs within the hour, or so
// many came from this caller or this source, at whatever sites.
func (g *guessGuard) slowed(site, caller, source string, limit int, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range guessers(site, caller, source) {
		if len(g.recentLocked(k, now)) >= limit {
			return true
		}
	}
	return false
}

// sitesOver counts the sites that had limit(site) wrong IDs or more within the hour: the alarm.
func (g *guessGuard) sitesOver(limit func(site string) int, now time.Time) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := 0
	for k := range g.counts {
		if k.site != "" && len(g.recentLocked(k, now)) >= limit(k.site) {
			n++
		}
	}
	return n
}

// recentLocked drops what fell out of the window and returns the rest.
func (g *guessGuard) recentLocked(k guesser, now time.Time) []time.Time {
	times := g.counts[k]
	n := 0
	for n < len(times) && now.Sub(times[n]) >= guessWindow {
		n++
	}
	if times = times[n:]; len(times) == 0 {
		delete(g.counts, k)
		return nil
	}
	g.counts[k] = times
	return times
}

// forgetLocked makes room: expired counters first, then any that is not a site's.
func (g *guessGuard) forgetLocked(now time.Time) {
	for k := range g.counts {
		g.recentLocked(k, now)
	}
	for k := range g.counts {
		if len(g.counts) <= maxGuessers*3/4 { // well below, so that the next one need not sweep again
			return
		}
		if k.site == "" {
			delete(g.counts, k)
		}
	}
}

// guessers are the counters of one wrong ID; a withheld caller has none of its own.
func guessers(site, caller, source string) []guesser {
	keys := []guesser{{site: site}}
	if caller != "" {
		keys = append(keys, guesser{caller: caller})
	}
	if source != "" {
		keys = append(keys, guesser{source: source})
	}
	return keys
}
