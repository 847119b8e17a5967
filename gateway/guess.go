package gateway

import (
	"slices"
	"sync"
	"time"

	"passerelle/internal/guesses"
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
	wrongs *guesses.Counter[guesser]
}

// guesser is a counter's key: exactly one field is set.
type guesser struct {
	site, caller, source string
}

func newGuessGuard() *guessGuard {
	return &guessGuard{wrongs: guesses.New(guesses.Config[guesser]{
		Window: guessWindow, MaxKeys: maxGuessers, MaxTries: maxCounted, Keep: func(k guesser) bool { return k.site != "" },
	})}
}

// wrong counts one wrong ID.
func (g *guessGuard) wrong(site, caller, source string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range guessers(site, caller, source) {
		g.wrongs.Add(k, now)
	}
}

// slowed tells whether a stranger gets but one try, after a pause: the site has had limit wrong IDs within the hour, or so
// many came from this caller or this source, at whatever sites.
func (g *guessGuard) slowed(site, caller, source string, limit int, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, k := range guessers(site, caller, source) {
		if len(g.wrongs.Recent(k, now)) >= limit {
			return true
		}
	}
	return false
}

// over gives the sites that had limit(site) wrong IDs or more within the hour.
func (g *guessGuard) over(limit func(site string) int, now time.Time) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var sites []string
	for _, k := range g.wrongs.Keys(now) {
		if k.site != "" && len(g.wrongs.Recent(k, now)) >= limit(k.site) {
			sites = append(sites, k.site)
		}
	}
	slices.Sort(sites)
	return sites
}

// Guessed gives the SIP domains of the sites whose space IDs are being guessed: callers who are not their lines are slowed.
func (g *Gateway) Guessed() []string { return g.guard.over(g.limitOf, time.Now()) }

// sitesOver counts the sites that had limit(site) wrong IDs or more within the hour: the alarm.
func (g *guessGuard) sitesOver(limit func(site string) int, now time.Time) int {
	return len(g.over(limit, now))
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
