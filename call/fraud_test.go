package call

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/directory"
	"passerelle/sip"
)

// guarding gives a guard and the first user of the group, on the bubble's clock: midnight UTC of a Saturday.
func guarding(t *testing.T, edit func(*directory.Site, *directory.User)) (*FraudGuard, *directory.User, *prometheus.Registry) {
	t.Helper()
	dir := group(t, func(e *directory.Enterprise) {
		e.Sites[0].Night = directory.Night{Calls: directory.NightNational}
		edit(e.Sites[0], e.Sites[0].Users[0])
	})
	reg := prometheus.NewRegistry()
	return NewFraudGuard(FraudConfig{Metrics: reg}), dir.Sites()[0].Users[0], reg
}

// admit takes a call and fails the test if it is not allowed.
func admit(t *testing.T, g *FraudGuard, u *directory.User, c Class) func() {
	t.Helper()
	if err := g.Check(u, c); err != nil {
		t.Errorf("Check: %v", err)
	}
	release, err := g.Admit(t.Context(), u, c)
	if err != nil {
		t.Fatalf("not admitted: %v", err)
	}
	return release
}

// limited takes a call that a limit must refuse.
func limited(t *testing.T, g *FraudGuard, u *directory.User, c Class, want Limit, spoken Spoken) {
	t.Helper()
	checked := g.Check(u, c)
	_, err := g.Admit(t.Context(), u, c)
	for _, err := range []error{checked, err} {
		var l *LimitError
		if !errors.As(err, &l) || l.Limit != want || l.Spoken != spoken {
			t.Errorf("got %v, want limit %s told by %s", err, want, spoken)
		}
		if code, reason := sip.StatusOf(err); code != 403 || reason == "" || reason == "Forbidden" {
			t.Errorf("answered %d %s", code, reason)
		}
	}
}

func TestSimultaneousCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, u, reg := guarding(t, func(_ *directory.Site, u *directory.User) {
			u.Limits = directory.Limits{SimultaneousExternal: 2}
		})
		first := admit(t, g, u, ClassNational)
		ctx, hangUp := context.WithCancel(t.Context())
		if _, err := g.Admit(ctx, u, ClassInternational); err != nil {
			t.Fatal(err)
		}
		limited(t, g, u, ClassNational, LimitSimultaneous, SpokenTooMany)
		admit(t, g, u, ClassInternal)() // not counted
		admit(t, g, u, ClassEmergency)
		limited(t, g, u, ClassPremium, LimitSimultaneous, SpokenTooMany)
		if use := g.Use(u); use.Up != 2 || use.Refused != 2 || use.LastLimit != LimitSimultaneous || !use.LastRefused.Equal(time.Now()) {
			t.Errorf("use: %+v", use)
		}
		first()
		first() // twice is once
		second := admit(t, g, u, ClassNational)
		limited(t, g, u, ClassNational, LimitSimultaneous, SpokenTooMany)
		hangUp() // the call's end alone gives its place back
		synctest.Wait()
		admit(t, g, u, ClassNational)()
		second()
		if use := g.Use(u); use.Up != 0 {
			t.Errorf("%d calls are up after the last one", use.Up)
		}
		want := `
			# HELP passerelle_call_external_calls Calls of lines to the outside that are up.
			# TYPE passerelle_call_external_calls gauge
			passerelle_call_external_calls 0
			# HELP passerelle_call_limited_total Calls of lines that a limit did not allow.
			# TYPE passerelle_call_limited_total counter
			passerelle_call_limited_total{limit="calling_plan"} 0
			passerelle_call_limited_total{limit="night"} 0
			passerelle_call_limited_total{limit="per_minute"} 0
			passerelle_call_limited_total{limit="simultaneous"} 3
		`
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
			t.Error(err)
		}
	})
}

func TestCallsPerMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, u, _ := guarding(t, func(_ *directory.Site, u *directory.User) { u.Limits = directory.Limits{PerMinute: 3} })
		for range 3 { // at 0, 10 and 20 seconds
			admit(t, g, u, ClassNational)()
			time.Sleep(10 * time.Second)
		}
		limited(t, g, u, ClassNational, LimitPerMinute, SpokenTooFast)
		time.Sleep(30*time.Second - time.Nanosecond)
		limited(t, g, u, ClassNational, LimitPerMinute, SpokenTooFast)
		time.Sleep(time.Nanosecond)
		admit(t, g, u, ClassNational)() // refusals do not count
		limited(t, g, u, ClassNational, LimitPerMinute, SpokenTooFast)
		time.Sleep(10 * time.Second)
		admit(t, g, u, ClassNational)()
		if use := g.Use(u); use.LastMinute != 3 || use.Refused != 3 {
			t.Errorf("use: %+v", use)
		}
		time.Sleep(time.Minute)
		for range 3 {
			admit(t, g, u, ClassNational)()
		}
		limited(t, g, u, ClassNational, LimitPerMinute, SpokenTooFast)
	})
}

func TestNoLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, u, _ := guarding(t, func(_ *directory.Site, u *directory.User) { u.Limits = directory.Limits{} })
		for range 2000 {
			admit(t, g, u, ClassPremium)
		}
		if use := g.Use(u); use.Up != 2000 {
			t.Errorf("%d up", use.Up)
		}
	})
}

func TestNightHours(t *testing.T) {
	// The bubble begins on Saturday, 1 January 2000, at midnight UTC: one o'clock in Paris.
	for _, tt := range []struct {
		name   string
		after  time.Duration
		night  directory.Night
		exempt bool
		class  Class
		want   bool // allowed
	}{
		{"national at one", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassNational, true},
		{"international at one", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, false},
		{"premium at one", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassPremium, false},
		{"just before the end", 6*time.Hour - time.Second, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, false},
		{"at the end", 6 * time.Hour, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, true},
		{"in the site's time", 18*time.Hour + 29*time.Minute, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, true},
		{"in the site's time, a minute later", 18*time.Hour + 30*time.Minute, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, false},
		{"summer time", 183*24*time.Hour + 5*time.Hour, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, true},
		{"winter time", 5 * time.Hour, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightNational}, false, ClassInternational, false},
		{"nothing but internal", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightInternal}, false, ClassNational, false},
		{"internal", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightInternal}, false, ClassInternal, true},
		{"help", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightInternal}, false, ClassEmergency, true},
		{"all", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightAll}, false, ClassPremiumAbroad, true},
		{"weekend", 12 * time.Hour, directory.Night{Weekend: true, Calls: directory.NightNational}, false, ClassInternational, false},
		{"Monday", 60 * time.Hour, directory.Night{Weekend: true, Calls: directory.NightNational}, false, ClassInternational, true},
		{"a line that works at night", 0, directory.Night{From: "19:30", To: "07:00", Calls: directory.NightInternal}, true, ClassPremium, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, u, _ := guarding(t, func(s *directory.Site, u *directory.User) {
					s.Night, u.Limits.Night = tt.night, tt.exempt
				})
				time.Sleep(tt.after)
				if tt.want {
					admit(t, g, u, tt.class)()
					return
				}
				limited(t, g, u, tt.class, LimitNight, SpokenNight)
			})
		})
	}
}

func TestLift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := group(t, func(e *directory.Enterprise) {
			e.Sites[0].Night = directory.Night{From: "00:00", To: "23:59", Calls: directory.NightInternal}
			e.Sites[0].Users[0].Limits = directory.Limits{SimultaneousExternal: 1, PerMinute: 1}
		})
		g := NewFraudGuard(FraudConfig{})
		u := dir.Sites()[0].Users[0]
		if got := g.InUse(dir); len(got) != 0 {
			t.Errorf("in use before the first call: %+v", got)
		}
		limited(t, g, u, ClassNational, LimitNight, SpokenNight)
		g.Barred(t.Context(), u)
		if got := g.InUse(dir); len(got) != 1 || got[0].User != u || got[0].Refused != 2 || got[0].LastLimit != LimitPlan {
			t.Errorf("in use: %+v", got)
		}
		until := g.Lift(t.Context(), u, time.Hour)
		if want := time.Now().Add(time.Hour); !until.Equal(want) {
			t.Errorf("lifted until %v, want %v", until, want)
		}
		for range 5 {
			admit(t, g, u, ClassPremiumAbroad)
		}
		if use := g.Use(u); use.Up != 5 || use.LastMinute != 5 || use.Refused != 0 || !use.LiftedUntil.Equal(until) {
			t.Errorf("use: %+v", use)
		}
		time.Sleep(time.Hour)
		limited(t, g, u, ClassNational, LimitNight, SpokenNight)
		if use := g.Use(u); !use.LiftedUntil.IsZero() {
			t.Errorf("still lifted: %+v", use)
		}
		if until := g.Lift(t.Context(), u, 1000*time.Hour); !until.Equal(time.Now().Add(MaxLift)) {
			t.Errorf("lifted until %v", until)
		}
		admit(t, g, u, ClassNational)
		if until := g.Lift(t.Context(), u, 0); !until.IsZero() {
			t.Errorf("put in force again: %v", until)
		}
		limited(t, g, u, ClassNational, LimitNight, SpokenNight)
	})
}

func TestGuardForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := group(t)
		g := NewFraudGuard(FraudConfig{})
		for s := range dir.Sites() {
			for u := range dir.Sites()[s].Everyone() {
				if release, err := g.Admit(t.Context(), u, ClassNational); err == nil {
					release()
				}
				g.Barred(t.Context(), u)
			}
		}
		u := dir.Sites()[0].Users[0]
		time.Sleep(remember)
		g.Barred(t.Context(), u)
		g.mu.Lock()
		defer g.mu.Unlock()
		if len(g.lines) != 1 {
			t.Errorf("%d lines are remembered after a day", len(g.lines))
		}
	})
}

// TestGuardIsNotRaced lets many calls ask at once: never more than the limit are up.
func TestGuardIsNotRaced(t *testing.T) {
	g, u, _ := guarding(t, func(_ *directory.Site, u *directory.User) {
		u.Limits = directory.Limits{SimultaneousExternal: 3}
	})
	var up, most, admitted atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				release, err := g.Admit(t.Context(), u, ClassNational)
				if err != nil {
					continue
				}
				admitted.Add(1)
				n := up.Add(1)
				for {
					if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
						break
					}
				}
				up.Add(-1)
				release()
			}
		})
	}
	wg.Wait()
	if most.Load() > 3 || admitted.Load() == 0 {
		t.Errorf("%d at once, %d in all", most.Load(), admitted.Load())
	}
	if use := g.Use(u); use.Up != 0 {
		t.Errorf("%d are left", use.Up)
	}
}
