package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// HotelStats is what guests on host phones cost.
type HotelStats struct {
	Hosts     int     `json:"hosts"`
	Subscribe float64 `json:"subscriptions_per_s"`
	GuestsIn  uint64  `json:"guests_in"`
	Failed    uint64  `json:"failed"`
	PerMinute float64 `json:"guests_in_per_minute"`
	SignIn    Lat     `json:"sign_in"` // Guest In pressed to the NOTIFY that shows the guest, challenge and proof between
	Ring      Lat     `json:"ring"`    // proof sent to the INVITE of a call to the guest at the host phone
	Cores     float64 `json:"cores"`
	RSSMB     float64 `json:"rss_mb"`

	why map[string]int
}

// hotelSite writes a site in which every workspace is a host and every person may be a guest.
func hotelSite(file string, n int) error {
	var b strings.Builder
	b.WriteString("enterprise: load\nsites:\n  - name: Load\n    domain: hotel.test\n    language: en\n    country: FR\n    timezone: Europe/Paris\n    extension_length: 6\n    users:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {name: \"Guest %d\", number: \"+331700%05d\", extension: \"1%05d\", pin: \"%06d\", guest: {allowed: true, enabled: true, limit_hours: 8}}\n", i, i, i, 100000+i)
	}
	b.WriteString("    workspaces:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {name: \"Host %d\", number: \"+331710%05d\", extension: \"2%05d\", phone: {username: \"host%d\", password: \"secret\", host: {enabled: true, enforce_limit: true, limit_hours: 12}}}\n", i, i, i, i)
	}
	b.WriteString("      - {name: Caller, number: \"+33172000000\", extension: \"300000\", phone: {username: \"caller\", password: \"secret\"}}\n")
	return os.WriteFile(file, []byte(b.String()), 0o600)
}

// runHotel has host phones register and subscribe, gets a guest in on every one, and then guests in and out at a rate, each
// of them called at once.
func runHotel(cfg *config) (*HotelStats, error) {
	c, err := newHotelClient(cfg)
	if err != nil {
		return nil, err
	}
	defer c.close()
	s := &HotelStats{Hosts: cfg.aors, why: make(map[string]int)}
	hosts := make([]*hotelPhone, cfg.aors)
	for i := range hosts {
		hosts[i] = c.phone(fmt.Sprintf("host%d", i), fmt.Sprintf("+331710%05d", i))
	}
	start := time.Now()
	if err := forEach(hosts, cfg.conc, func(_ int, p *hotelPhone) error { return errors.Join(p.register(), p.subscribe()) }); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	s.Subscribe = float64(len(hosts)) / time.Since(start).Seconds()
	if err := forEach(hosts, cfg.conc, func(i int, p *hotelPhone) error { _, err := p.guestIn(i); return err }); err != nil {
		return nil, fmt.Errorf("first guests: %w", err)
	}
	var mu sync.Mutex
	var signIn, ring hist
	var failed atomic.Uint64
	before := cfg.procs.sample(false)
	start = time.Now()
	busy := make([]atomic.Bool, len(hosts))
	var wait sync.WaitGroup
	tick := time.NewTicker(time.Duration(float64(time.Second) / cfg.rate))
	defer tick.Stop()
	for time.Since(start) < cfg.dur {
		<-tick.C
		i := rand.IntN(len(hosts))
		if !busy[i].CompareAndSwap(false, true) {
			continue
		}
		wait.Go(func() {
			defer busy[i].Store(false)
			in, rung, err := hosts[i].stay(i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed.Add(1)
				s.why[err.Error()]++
				return
			}
			signIn.add(in)
			ring.add(rung)
		})
	}
	wait.Wait()
	took := time.Since(start)
	s.GuestsIn, s.Failed, s.PerMinute = signIn.n, failed.Load(), float64(signIn.n)/took.Minutes()
	s.SignIn, s.Ring = signIn.lat(), ring.lat()
	now := cfg.procs.sample(false)
	s.Cores, s.RSSMB = (now.CPUus-before.CPUus)/1e6/took.Seconds(), float64(now.RSS)/(1<<20)
	return s, nil
}

// forEach does something for all phones, a few at a time, and returns the first fault.
func forEach(list []*hotelPhone, at int, f func(int, *hotelPhone) error) error {
	var wait sync.WaitGroup
	var first error
	var once sync.Once
	room := make(chan struct{}, at)
	for i, p := range list {
		room <- struct{}{}
		wait.Go(func() {
			defer func() { <-room }()
			if err := f(i, p); err != nil {
				once.Do(func() { first = fmt.Errorf("%s: %w", p.user, err) })
			}
		})
	}
	wait.Wait()
	return first
}

func (s *HotelStats) print() {
	fmt.Printf("hosts %d, subscribed at %.0f/s\n", s.Hosts, s.Subscribe)
	fmt.Printf("Guest In %d (%.0f a minute), failed %d\n", s.GuestsIn, s.PerMinute, s.Failed)
	fmt.Printf("  pressed to shown       %v\n  proven to ringing      %v\n", s.SignIn, s.Ring)
	fmt.Printf("  server: %.3f cores, %.0f MB\n", s.Cores, s.RSSMB)
	for why, n := range s.why {
		fmt.Printf("  %d times: %s\n", n, why)
	}
}
