package hoteling

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"passerelle/directory"
)

// model is what a desk should hold: who is where, until when, and who has failed how often.
type model struct {
	at     map[string]string // host → guest
	until  map[string]time.Time
	failed map[string]int // of hosts and guests
	last   map[string]time.Time
	broken bool // the disk
}

// The people and phones of the model. Every host takes every guest but for the limits: the first enforces twelve hours.
var (
	modelHosts  = []string{"p301", "m301", "p203"}
	modelGuests = []string{"p201", "p202", "m201"} // 8 h, no limit, 4 h
	modelPINs   = map[string]directory.Secret{"p201": alicePIN, "p202": brunoPIN, "m201": danaPIN}
	modelHours  = map[string]int{"p201": 8, "m201": 4}
)

// fits says whether the limits agree.
func (m *model) fits(host, guest string) bool { return host != "p301" || modelHours[guest] > 0 }

func (m *model) expire(now time.Time) {
	for host, until := range m.until {
		if !until.After(now) {
			delete(m.at, host)
			delete(m.until, host)
		}
	}
}

func (m *model) locked(who string, now time.Time) bool {
	return m.failed[who] >= lockAfter && now.Sub(m.last[who]) < lockTime
}

func (m *model) fail(who string, now time.Time) {
	if now.Sub(m.last[who]) >= lockTime {
		m.failed[who] = 0
	}
	m.failed[who]++
	m.last[who] = now
}

// enter signs in if nothing speaks against it.
func (m *model) enter(host, guest string, now time.Time) bool {
	if at, taken := m.at[host]; taken && at != guest || !m.fits(host, guest) || m.broken {
		return false
	}
	for h, g := range m.at {
		if g == guest {
			delete(m.at, h)
			delete(m.until, h)
		}
	}
	m.at[host] = guest
	if hours := modelHours[guest]; hours > 0 {
		m.until[host] = now.Add(time.Duration(hours) * time.Hour)
	}
	return true
}

// TestDeskAgainstModel does random deeds by every road to a desk and to a model of it; a restart may come between any two.
// After each of them desk, store and model agree, and no guest is in two places.
func TestDeskAgainstModel(t *testing.T) {
	for range 60 { // the checks of one bubble end when a day has passed in it
		synctest.Test(t, againstModel)
	}
}

func againstModel(t *testing.T) {
	rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) { // a test in a bubble has no deadline to ask for
		o := newOffice(t, &memory{}, func(e *directory.Enterprise) {
			e.Sites[1].Workspaces[0].Phone.Host.Scope = directory.ScopeEnterprise
			e.Sites[0].Users[2].Phone.Host = &directory.Host{Enabled: true, Scope: directory.ScopeEnterprise}
		})
		defer o.stop()
		m := &model{at: map[string]string{}, until: map[string]time.Time{}, failed: map[string]int{}, last: map[string]time.Time{}}
		host := func(rt *rapid.T) string { return rapid.SampledFrom(modelHosts).Draw(rt, "host") }
		guest := func(rt *rapid.T) string { return rapid.SampledFrom(modelGuests).Draw(rt, "guest") }
		rt.Repeat(map[string]func(*rapid.T){
			"guest in": func(rt *rapid.T) {
				h, g, now := host(rt), guest(rt), time.Now()
				pin, right := modelPINs[g], rapid.Bool().Draw(rt, "right PIN")
				if !right {
					pin = "000000"
				}
				was, taken := m.at[h]
				got := o.guestIn(h, string(o.user(g).Number), pin) == answerChanged
				want := false
				switch {
				case taken: // nothing is asked
				case m.locked(h, now) || m.locked(g, now):
				case !right:
					m.fail(h, now)
					m.fail(g, now)
				default:
					m.failed[h], m.failed[g] = 0, 0
					want = m.enter(h, g, now)
				}
				if got != want {
					rt.Fatalf("%s in on %s (%s is there): %v, want %v", g, h, was, got, want)
				}
			},
			"api in": func(rt *rapid.T) {
				h, g := host(rt), guest(rt)
				_, err := o.desk.SignIn(t.Context(), o.ref(h), o.ref(g), ByAPI)
				if want := m.enter(h, g, time.Now()); (err == nil) != want {
					rt.Fatalf("%s in on %s: %v, want %v", g, h, err, want)
				}
			},
			"guest out": func(rt *rapid.T) {
				h := host(rt)
				_, taken := m.at[h]
				a, _ := o.key(h, Set{})
				if want := taken && !m.broken; (a == answerChanged) != want {
					rt.Fatalf("out on %s: %v, want %v", h, a, want)
				} else if want {
					delete(m.at, h)
					delete(m.until, h)
				}
			},
			"out wherever": func(rt *rapid.T) {
				g := guest(rt)
				was, err := o.desk.SignOutGuest(t.Context(), o.ref(g), ByCode)
				i := slices.Index(slices.Collect(maps.Values(m.at)), g)
				if was != (i >= 0) || (err != nil) != (was && m.broken) {
					rt.Fatalf("%s out: %v %v", g, was, err)
				}
				if err == nil {
					for h, at := range m.at {
						if at == g {
							delete(m.at, h)
							delete(m.until, h)
						}
					}
				}
			},
			"wait": func(rt *rapid.T) {
				time.Sleep(time.Duration(rapid.IntRange(1, 5*60).Draw(rt, "minutes")) * time.Minute)
				synctest.Wait()
				m.expire(time.Now())
			},
			"disk": func(rt *rapid.T) {
				m.broken = rapid.Bool().Draw(rt, "broken")
				o.store.breaks(nil)
				if m.broken {
					o.store.breaks(errDisk)
				}
			},
			"restart": func(*rapid.T) {
				o.stop()
				m.broken = false
				o.store.breaks(nil)
				o.open()
				clear(m.failed) // lock-outs are not kept
				clear(m.last)
			},
			"": func(rt *rapid.T) {
				got := map[string]string{}
				for _, h := range modelHosts {
					a, ok := o.desk.On(o.ref(h))
					if !ok {
						continue
					}
					for _, g := range modelGuests {
						if o.ref(g) == a.Guest {
							got[h] = g
						}
					}
					until := m.until[h]
					if kept := o.store.kept()[a.Host]; !a.Until.Equal(until) || kept.Guest != a.Guest || !kept.Until.Equal(until) {
						rt.Fatalf("%s: desk %v, store %v, model until %v", h, a, kept, until)
					}
					if of, ok := o.desk.Of(a.Guest); !ok || of != a {
						rt.Fatalf("the guest on %s is at %v", h, of)
					}
				}
				if !maps.Equal(got, m.at) || o.desk.seats.count() != len(m.at) {
					rt.Fatalf("desk %v, model %v", got, m.at)
				}
			},
		})
	})
}
