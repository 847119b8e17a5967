package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
	"passerelle/softphone"
)

// openPhone opens a phone of a line of the lamp's world.
func (w *world) openPhone(t *testing.T, line Line, at string, edit ...func(*softphone.Config)) *softphone.Phone {
	t.Helper()
	cfg := softphone.Config{
		User: line.Username, Password: line.Password, Line: line.AOR.User(), Domain: "site.test",
		Server: netip.MustParseAddrPort(serverAddr), Local: netip.MustParseAddrPort(at), Sockets: softphone.Memory(w.Network),
	}
	for _, f := range edit {
		f(&cfg)
	}
	p, err := softphone.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// TestPhonesOnABadNetwork: with a quarter of all datagrams lost, some doubled and many late, each phone sees its NOTIFYs
// once, in order, after the answers to its SUBSCRIBEs, and the last state in the end.
func TestPhonesOnABadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		w := newLampWorld(t, l, SubscriptionConfig{})
		var mu sync.Mutex
		dice := rand.New(rand.NewPCG(20, 26))
		bad := true
		w.OnPacket(func(memnet.Packet) memnet.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if !bad {
				return memnet.Pass()
			}
			return memnet.Verdict{Drop: dice.IntN(4) == 0, Copies: dice.IntN(10) / 9, Delay: time.Duration(dice.IntN(40)) * time.Millisecond}
		})
		var subs []*softphone.Subscription
		for i := range 10 {
			line := []Line{ann, bob}[i%2]
			s, err := w.openPhone(t, line, fmt.Sprintf("198.51.100.%d:5060", i+1), func(c *softphone.Config) {
				c.UserAgent = fmt.Sprintf("Cisco-CP-8851-3PCC/11.3.7_00a0c91122%02x", i)
			}).Subscribe(t.Context(), softphone.SubscribeOptions{Event: "x-lamp"})
			if err != nil {
				t.Fatal(err)
			}
			subs = append(subs, s)
		}
		var ours []*Subscription
		for range subs {
			ours = append(ours, <-l.subs)
		}
		for n := range 50 {
			l.set(fmt.Sprint(n))
			for _, s := range ours {
				s.Changed()
			}
			time.Sleep(time.Duration(n%7) * 50 * time.Millisecond)
		}
		time.Sleep(35 * time.Second)
		mu.Lock()
		bad = false
		mu.Unlock()
		for i, s := range subs {
			last, bodies := "", 0
			for {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				m, err := s.Next(ctx)
				cancel()
				if err != nil {
					break
				}
				last, bodies = string(m.Body), bodies+1
			}
			if _, overtook := s.Faults(); last != "part 49" || overtook != 0 || bodies > 51 {
				t.Errorf("phone %d: last %q of %d, %d out of order", i, last, bodies, overtook)
			}
			if err := s.Refresh(t.Context(), time.Minute, "", nil); err != nil {
				t.Errorf("phone %d: %v", i, err)
			}
		}
	})
}

// TestPhoneLife: subscribe, refresh with a body, be told, reboot, unsubscribe, over UDP and TCP.
func TestPhoneLife(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLamp()
				w := newLampWorld(t, l, SubscriptionConfig{})
				port := 40000
				open := func() *softphone.Phone {
					port++
					at := "198.51.100.7:5060"
					if transport == "tcp" {
						at = fmt.Sprintf("198.51.100.7:%d", port)
					}
					return w.openPhone(t, ann, at, func(c *softphone.Config) { c.Transport = transport })
				}
				next := func(s *softphone.Subscription, state, body string) {
					t.Helper()
					m, err := s.Next(t.Context())
					if err != nil || string(m.Body) != body || !strings.HasPrefix(m.Header("Subscription-State"), state) {
						t.Fatalf("%v, %v; want %s, %s", m, err, state, body)
					}
				}
				phone := open()
				s, err := phone.Subscribe(t.Context(), softphone.SubscribeOptions{Event: "x-lamp", RequestURI: "sip:" + serverAddr, Expires: 2 * time.Hour})
				if err != nil || s.Granted() != 2*time.Hour {
					t.Fatal(s.Granted(), err)
				}
				next(s, "active;expires=7200", "full off")
				if early, overtook := s.Faults(); early+overtook != 0 {
					t.Errorf("%d NOTIFYs before the 200, %d out of order", early, overtook)
				}
				phone.Vanish()
				phone = open()
				s, err = phone.Subscribe(t.Context(), softphone.SubscribeOptions{Event: "x-lamp"})
				if err != nil {
					t.Fatal(err)
				}
				next(s, "active;expires=3600", "full off")
				wantSubscriptions(t, w, 1)
				if err := s.Unsubscribe(t.Context()); err != nil {
					t.Fatal(err)
				}
				next(s, "terminated;reason=timeout", "full off")
				<-s.Done()
				wantSubscriptions(t, w, 0)

				once, err := phone.Subscribe(t.Context(), softphone.SubscribeOptions{Event: "x-lamp", Fetch: true})
				if err != nil {
					t.Fatal(err)
				}
				next(once, "terminated;reason=timeout", "full off")

				s, err = phone.Subscribe(t.Context(), softphone.SubscribeOptions{Event: "x-lamp"})
				if err != nil {
					t.Fatal(err)
				}
				next(s, "active", "full off")
				s.Forget()
				for range len(l.subs) - 1 {
					<-l.subs
				}
				(<-l.subs).Changed() // 481
				wantSubscriptions(t, w, 0)
				if _, err := phone.Subscribe(t.Context(), softphone.SubscribeOptions{Event: "presence"}); softphone.StatusOf(err) != 489 {
					t.Errorf("%v", err)
				}
			})
		})
	}
}

// TestResync: the phone wants its own password before it acts (Event: resync).
func TestResync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newLampWorld(t, newLamp(), SubscriptionConfig{})
		heard := make(chan string, 4)
		phone := w.openPhone(t, ann, "198.51.100.7:5060", func(c *softphone.Config) {
			c.GuardNotify, c.Domain = true, "site.test"
			c.OnNotice = func(m *softphone.Message) int { heard <- m.Header("Event"); return 200 }
		})
		if _, err := phone.Register(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		for _, b := range w.srv.reg.Bindings(ann.AOR) {
			login := func(password string) Credentials {
				return func(string) (string, string, bool) { return ann.Username, password, true }
			}
			n := Notice{Target: b.Target(), To: b.AOR.URI(), Event: "resync", Credentials: login("wrong")}
			if se := w.srv.Notify(t.Context(), n); se == nil || !strings.Contains(se.Error(), "401") {
				t.Errorf("with a wrong password: %v", se)
			}
			n.Credentials = login(ann.Password)
			if err := w.srv.Notify(t.Context(), n); err != nil {
				t.Error(err)
			}
		}
		if e := <-heard; e != "resync" || len(heard) != 0 {
			t.Errorf("heard %s and %d more", e, len(heard))
		}
	})
}
