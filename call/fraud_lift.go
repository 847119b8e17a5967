package call

import (
	"cmp"
	"context"
	"slices"
	"time"

	"passerelle/directory"
)

// MaxLift is the longest time for which limits are lifted: who needs more changes the line's limits.
const MaxLift = 24 * time.Hour

// Lift frees the line from its limits for a while, MaxLift at most, and forgets what it was refused; zero puts them in
// force again. The calling plan is no limit: it stays.
func (g *FraudGuard) Lift(ctx context.Context, u *directory.User, d time.Duration) (until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.sweep(now)
	l := g.lineLocked(u)
	l.lifted = time.Time{}
	if d > 0 {
		l.lifted = now.Add(min(d, MaxLift))
		l.refused, l.last, l.limit = 0, time.Time{}, ""
	}
	g.log.InfoContext(ctx, "limits lifted", "line", l.line, "until", l.lifted)
	return l.lifted
}

// LineUse is what the guard knows of a line.
type LineUse struct {
	User        *directory.User
	Up          int       // calls to the outside
	LastMinute  int       // calls to the outside begun in the last minute
	LiftedUntil time.Time // zero when limits apply
	Refused     int       // calls refused since the limits were lifted last, or in a day
	LastRefused time.Time
	LastLimit   Limit
}

// Use gives what the guard knows of one line.
func (g *FraudGuard) Use(u *directory.User) LineUse {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.useLocked(u, time.Now())
}

// InUse gives the lines of the directory with a call to the outside, a refusal, or lifted limits, the last refused first.
func (g *FraudGuard) InUse(dir *directory.Directory) []LineUse {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	var all []LineUse
	for _, s := range dir.Sites() {
		for u := range s.Everyone() {
			use := g.useLocked(u, now)
			if use.Up > 0 || use.LastMinute > 0 || use.Refused > 0 || !use.LiftedUntil.IsZero() {
				all = append(all, use)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b LineUse) int {
		return cmp.Or(b.LastRefused.Compare(a.LastRefused), cmp.Compare(a.User.Line(), b.User.Line()))
	})
	return all
}

func (g *FraudGuard) useLocked(u *directory.User, now time.Time) LineUse {
	use := LineUse{User: u, Up: g.calls.count(u.Ref)}
	l := g.lines[u.Ref]
	if l == nil {
		return use
	}
	use.LastMinute = len(l.recent(now))
	if now.Before(l.lifted) {
		use.LiftedUntil = l.lifted
	}
	if now.Sub(l.last) < remember {
		use.Refused, use.LastRefused, use.LastLimit = l.refused, l.last, l.limit
	}
	return use
}
