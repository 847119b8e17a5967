package call

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
	"passerelle/internal/metric"
)

// FraudGuard holds lines to their limits on calls outside: so many at once, so many a minute, and less in night hours. It
// keeps a stolen password from becoming a large bill. It owns no goroutine and is safe for use by many.
type FraudGuard struct {
	log     *slog.Logger
	refused *prometheus.CounterVec
	calls   tally[uint64] // up, by the Ref of the line

	mu    sync.Mutex
	lines map[uint64]*guarded
	swept time.Time
	zones map[string]*time.Location
}

// guarded is what the guard remembers of one line.
type guarded struct {
	line    string // of the site's domain, for people
	starts  []time.Time
	lifted  time.Time // limits do not apply before
	refused int
	last    time.Time // of the last refusal
	limit   Limit     // that refused last
}

// Limit is what a call may break.
type Limit string

// The limits.
const (
	LimitPlan         Limit = "calling_plan"
	LimitNight        Limit = "night"
	LimitSimultaneous Limit = "simultaneous"
	LimitPerMinute    Limit = "per_minute"
)

// FraudConfig is what a guard stands on.
type FraudConfig struct {
	Log     *slog.Logger          // nil discards
	Metrics prometheus.Registerer // nil keeps the metrics to the guard
}

// NewFraudGuard returns a guard that has seen no call.
func NewFraudGuard(cfg FraudConfig) *FraudGuard {
	g := &FraudGuard{log: cfg.Log, lines: make(map[uint64]*guarded), zones: make(map[string]*time.Location)}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	g.refused = metric.Register(cfg.Metrics, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "passerelle_call_limited_total",
		Help: "Calls of lines that a limit did not allow.",
	}, []string{"limit"}))
	for _, l := range []Limit{LimitPlan, LimitNight, LimitSimultaneous, LimitPerMinute} {
		g.refused.WithLabelValues(string(l))
	}
	metric.Register(cfg.Metrics, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "passerelle_call_external_calls",
		Help: "Calls of lines to the outside that are up.",
	}, func() float64 { return float64(g.calls.total()) }))
	return g
}

// window is what "per minute" looks back.
const window = time.Minute

// Admit counts a call of the line to the outside until release is called or ctx ends. A *LimitError says which limit does
// not allow it. Calls of other classes, for help above all, are not counted and always admitted.
func (g *FraudGuard) Admit(ctx context.Context, u *directory.User, class Class) (release func(), err error) {
	if !class.External() {
		return func() {}, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.sweep(now)
	l := g.lineLocked(u)
	limit := u.Limits.SimultaneousExternal
	if now.Before(l.lifted) {
		limit = 0
	} else if broken := g.broken(u, l, class, now); broken != "" {
		return nil, g.refuseLocked(ctx, l, broken, now)
	}
	release, ok := g.calls.take(ctx, u.Ref, limit)
	if !ok {
		return nil, g.refuseLocked(ctx, l, LimitSimultaneous, now)
	}
	if u.Limits.PerMinute > 0 {
		l.starts = append(l.starts, now)
	}
	return release, nil
}

// Check says whether Admit would refuse a call now. It changes nothing.
func (g *FraudGuard) Check(u *directory.User, class Class) error {
	if !class.External() {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	l := g.lines[u.Ref]
	if l == nil {
		l = &guarded{}
	}
	if now.Before(l.lifted) {
		return nil
	}
	broken := g.broken(u, l, class, now)
	if most := u.Limits.SimultaneousExternal; broken == "" && most > 0 && g.calls.count(u.Ref) >= most {
		broken = LimitSimultaneous
	}
	if broken != "" {
		return &LimitError{broken, spokenOf[broken]}
	}
	return nil
}

// Barred notes a call that the calling plan has refused: a thief tries what costs most.
func (g *FraudGuard) Barred(ctx context.Context, u *directory.User) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	g.sweep(now)
	_ = g.refuseLocked(ctx, g.lineLocked(u), LimitPlan, now) // the plan has answered already
}

// broken is the limit that does not allow a call, but for those at once.
func (g *FraudGuard) broken(u *directory.User, l *guarded, class Class, now time.Time) Limit {
	if !u.Limits.Night && !class.allowedAtNight(u.Site.Night.Calls) && u.Site.Night.Includes(now.In(g.zone(u.Site.Timezone))) {
		return LimitNight
	}
	if most := u.Limits.PerMinute; most > 0 {
		if len(l.recent(now)) >= most {
			return LimitPerMinute
		}
	}
	return ""
}

// recent are the calls begun in the last minute.
func (l *guarded) recent(now time.Time) []time.Time {
	i, _ := slices.BinarySearchFunc(l.starts, now.Add(-window), func(start, edge time.Time) int {
		if start.After(edge) {
			return 1
		}
		return -1
	})
	return l.starts[i:]
}

func (g *FraudGuard) refuseLocked(ctx context.Context, l *guarded, limit Limit, now time.Time) error {
	l.refused++
	l.last, l.limit = now, limit
	g.refused.WithLabelValues(string(limit)).Inc()
	g.log.WarnContext(ctx, "call outside limits", "line", l.line, "limit", string(limit), "refused", l.refused)
	return &LimitError{limit, spokenOf[limit]}
}

func (g *FraudGuard) lineLocked(u *directory.User) *guarded {
	l := g.lines[u.Ref]
	if l == nil {
		l = &guarded{}
		g.lines[u.Ref] = l
	}
	l.line = u.Line() + "@" + u.Site.Domain
	return l
}

// remember is how long refusals stay in the list.
const remember = 24 * time.Hour

// sweep forgets, once a minute, what no longer matters. The caller holds the lock.
func (g *FraudGuard) sweep(now time.Time) {
	if now.Sub(g.swept) < window {
		return
	}
	g.swept = now
	for ref, l := range g.lines {
		l.starts = slices.Clone(l.recent(now))
		if len(l.starts) == 0 && !now.Before(l.lifted) && now.Sub(l.last) >= remember {
			delete(g.lines, ref)
		}
	}
}

// zone gives a time zone by its name. The directory has checked the names.
func (g *FraudGuard) zone(name string) *time.Location {
	if z := g.zones[name]; z != nil {
		return z
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		z = time.UTC
	}
	g.zones[strings.Clone(name)] = z
	return z
}
