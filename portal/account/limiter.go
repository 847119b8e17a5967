package account

import (
	"sync"
	"time"

	"passerelle/internal/guesses"
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
	tries *guesses.Counter[string]
}

func newLimiter() *limiter {
	return &limiter{tries: guesses.New(guesses.Config[string]{Window: tryWindow, MaxKeys: maxTriers})}
}

// take counts a try under every key, or, when one of them has none left, under none and says how long to wait.
func (l *limiter) take(now time.Time, limits ...limit) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range limits {
		times := l.tries.Recent(k.key, now)
		if n := len(times); n >= k.tries {
			wait = max(wait, times[n-k.tries].Add(tryWindow).Sub(now))
		}
	}
	if wait > 0 {
		return wait
	}
	for _, k := range limits {
		l.tries.Add(k.key, now)
	}
	return 0
}

// giveBack takes back the latest try: it succeeded, so it was no guess.
func (l *limiter) giveBack(limits ...limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range limits {
		l.tries.Undo(k.key)
	}
}
