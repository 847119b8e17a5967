package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelBinding and registrarModel are RFC 3261 §10.3 in its plainest form, for one AOR.
type modelBinding struct {
	uri, instance string
	expires       time.Time
}

type modelSeen struct {
	cseq   uint32
	branch string
	at     time.Time
}

type registrarModel struct {
	bound []modelBinding
	last  map[string]modelSeen // by Call-ID
}

type modelContact struct {
	uri, instance string
	expires       int64
}

func (m *registrarModel) apply(callID string, cseq uint32, branch string, star bool, contacts []modelContact, now time.Time) (int, []string) {
	m.bound = slices.DeleteFunc(m.bound, func(b modelBinding) bool { return !b.expires.After(now) })
	answer := func(at time.Time) (int, []string) {
		list := []string{}
		for _, b := range m.bound {
			params := ""
			if b.instance != "" {
				params = `;+sip.instance="<` + b.instance + `>"`
			}
			list = append(list, fmt.Sprintf("<%s>;expires=%d%s", b.uri, int(b.expires.Sub(at).Seconds()), params))
		}
		slices.Sort(list)
		return 200, list
	}
	if !star && len(contacts) == 0 {
		return answer(now)
	}
	for _, c := range contacts {
		if c.expires > 0 && c.expires < 60 {
			return 423, []string{}
		}
	}
	if s, ok := m.last[callID]; ok && now.Sub(s.at) < 32*time.Second {
		if s.cseq == cseq && s.branch == branch {
			return answer(s.at)
		}
		if cseq <= s.cseq {
			return 500, []string{}
		}
	}
	m.last[callID] = modelSeen{cseq, branch, now}
	if star {
		m.bound = nil
		return answer(now)
	}
	for _, c := range contacts {
		if c.expires == 0 {
			m.bound = slices.DeleteFunc(m.bound, func(b modelBinding) bool { return b.uri == c.uri })
		}
	}
	for _, c := range contacts {
		if c.expires > 0 {
			m.bound = slices.DeleteFunc(m.bound, func(b modelBinding) bool {
				return b.uri == c.uri || c.instance != "" && b.instance == c.instance
			})
			m.bound = append(m.bound, modelBinding{c.uri, c.instance, now.Add(time.Duration(c.expires) * time.Second)})
		}
	}
	return answer(now)
}

func TestRegistrarAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRegistrar(RegistrarConfig{}, nil)
		m := registrarModel{last: map[string]modelSeen{}}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		cseq := map[string]uint32{"a@h": 10, "b@h": 10}
		for range rapid.IntRange(1, 60).Draw(t, "requests") {
			now = now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 5, 31, 32, 100, 1000}).Draw(t, "seconds")) * time.Second)
			callID := rapid.SampledFrom([]string{"a@h", "b@h"}).Draw(t, "call_id")
			cseq[callID] = uint32(max(1, int(cseq[callID])+rapid.SampledFrom([]int{-9, -1, 0, 0, 1, 1, 1, 1}).Draw(t, "step")))
			branch := fmt.Sprint(cseq[callID], rapid.SampledFrom([]string{"", "", "other"}).Draw(t, "branch"))
			rq := registration{aor: annAOR, src: phoneAt("198.51.100.7:5060"), callID: callID, cseq: cseq[callID], branch: branch, expires: -1}
			var contacts []modelContact
			star := rapid.IntRange(0, 9).Draw(t, "star") == 0
			if star {
				rq.contacts, rq.expires = []contact{{star: true, expires: -1}}, 0
			} else {
				for range rapid.IntRange(0, 3).Draw(t, "contacts") {
					c := modelContact{
						uri:      rapid.SampledFrom([]string{"sip:u@h1", "sip:u@h2", "sip:u@h3"}).Draw(t, "uri"),
						instance: rapid.SampledFrom([]string{"", "i1", "i2"}).Draw(t, "instance"),
						expires:  rapid.SampledFrom([]int64{0, 59, 60, 600, 600, 7200}).Draw(t, "expires"),
					}
					contacts = append(contacts, c)
					text := fmt.Sprintf("<%s>;expires=%d", c.uri, c.expires)
					if c.instance != "" {
						text += `;+sip.instance="<` + c.instance + `>"`
					}
					var err error
					if rq.contacts, err = parseContacts(rq.contacts, text); err != nil {
						t.Fatal(err)
					}
				}
			}
			code, want := m.apply(callID, cseq[callID], branch, star, contacts, now)
			o := r.apply(&rq, now)
			got := slices.Clone(o.contacts)
			slices.Sort(got)
			if o.code != code || strings.Join(got, " | ") != strings.Join(want, " | ") {
				t.Fatalf("REGISTER %s %d %s star=%v %+v at %v:\n got %d %s\nwant %d %s", callID, cseq[callID], branch, star, contacts,
					now.Format("15:04:05"), o.code, got, code, want)
			}
			if r.Count() != len(m.bound) && code == 200 {
				t.Fatalf("%d bindings counted, want %d", r.Count(), len(m.bound))
			}
		}
	})
}

// Many phones at once, on a few AORs and flows, while others look and flows close. Whatever the order:
//  1. no AOR has more bindings than allowed,
//  2. the count is that of all bindings,
//  3. after the end the store holds exactly what the registrar holds,
//  4. observers heard of as many beginnings as ends and bindings left.
func TestRegistrarUnderRaces(t *testing.T) {
	store := newMemLocations()
	r := NewRegistrar(RegistrarConfig{MaxBindings: 4}, store)
	var begun, ended int
	r.OnChange(func(c Change) {
		switch c.Kind {
		case Registered:
			begun++
		case Unregistered, Replaced, Expired:
			ended++
		case Refreshed, FlowLost:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	run := make(chan error, 1)
	go func() { run <- r.Run(ctx) }()

	var wg sync.WaitGroup
	for p := range 8 {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(p), 7))
			for i := range 400 {
				aor := AOR(fmt.Sprintf("u%d@site.test", rnd.IntN(5)))
				src := phoneAt("198.51.100.7:5060")
				if rnd.IntN(2) == 0 {
					src.Transport, src.Flow = "TCP", FlowID(rnd.IntN(6)+1)
				}
				expires := []int{0, 60, 600, 3600}[rnd.IntN(4)]
				res := r.Apply(register(t, fmt.Sprintf("%d@h", p), i+1, fmt.Sprint(p, i), fmt.Sprintf("Contact: <sip:u@h%d>;expires=%d", rnd.IntN(12), expires)), src, aor, "u")
				if res.StatusCode != 200 {
					t.Errorf("answered %d", res.StatusCode)
				}
				switch rnd.IntN(8) {
				case 0:
					r.FlowClosed(FlowID(rnd.IntN(6) + 1))
				case 1:
					for _, b := range r.Bindings(aor) {
						r.Demote(b.Key())
					}
				case 2:
					for b := range r.All() {
						if b.AOR == "" {
							t.Error("a binding of nobody")
						}
					}
				}
			}
		})
	}
	wg.Wait()
	cancel()
	if err := <-run; err != nil {
		t.Fatal(err)
	}

	perAOR := map[AOR]int{}
	left := map[BindingKey]bool{}
	for b := range r.All() {
		perAOR[b.AOR]++
		left[b.Key()] = true
	}
	for aor, n := range perAOR {
		if n > 4 {
			t.Errorf("%s has %d bindings", aor, n)
		}
	}
	if len(left) != r.Count() {
		t.Errorf("%d bindings, counted %d", len(left), r.Count())
	}
	kept := store.stored()
	for k := range kept {
		if !left[k] {
			t.Errorf("the store keeps %v, which is gone", k)
		}
	}
	if len(kept) != len(left) {
		t.Errorf("the store keeps %d bindings of %d", len(kept), len(left))
	}
	if begun-ended != len(left) {
		t.Errorf("heard of %d beginnings and %d ends, %d bindings are left", begun, ended, len(left))
	}
}

// TestLimitHoldsWhenAnotherPhoneWasFaster is a REGISTER that read its clock, waited for the lock, and finds only bindings that
// are younger: the limit holds all the same.
func TestLimitHoldsWhenAnotherPhoneWasFaster(t *testing.T) {
	r := NewRegistrar(RegistrarConfig{MaxBindings: 2}, nil)
	aor := AOR("u@site.test")
	now := time.Now()
	for i, at := range []time.Time{now.Add(time.Second), now.Add(2 * time.Second), now} {
		req := register(t, fmt.Sprintf("%d@h", i), 1, fmt.Sprint("branch", i), fmt.Sprintf("Contact: <sip:u@h%d>;expires=600", i))
		rq := takeRegistration()
		rq.aor, rq.username, rq.src = aor, "u", phoneAt("198.51.100.7:5060")
		if err := rq.read(req); err != nil {
			t.Fatal(err)
		}
		r.apply(rq, at)
		rq.release()
	}
	if n := r.Count(); n != 2 {
		t.Errorf("%d bindings, limit 2", n)
	}
}
