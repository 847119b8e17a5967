package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// soak is one run of random callers.
type soak struct {
	place
	length  time.Duration
	settle  time.Duration
	callers int
	base    int
	seed    uint64

	server *server
	out    outcome
	ports  atomic.Uint32
	bad    *lossy
}

func runSoak(ctx context.Context, args []string) (err error) {
	s := &soak{out: outcome{done: map[string]int{}, failed: map[string]int{}}}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	s.flags(f)
	f.DurationVar(&s.length, "for", 30*time.Minute, "how long callers come and go")
	f.DurationVar(&s.settle, "settle", 4*time.Minute, "how long everything may take to be given back: vanished callers are looked for after 60 s of silence")
	f.IntVar(&s.callers, "callers", 16, "how many act at once")
	f.IntVar(&s.base, "ports", 28000, "the callers' first port; they use 4000 and 100 more for each of them")
	f.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "of the random callers")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := s.prepare(); err != nil {
		return err
	}
	defer func() { s.remove(err) }()
	if err := s.site(soakSpaces+s.callers, soakUsers+4*s.callers); err != nil {
		return err
	}
	if err := s.makeProps(ctx); err != nil {
		return err
	}
	if err := s.makeScenarios(ctx); err != nil {
		return err
	}
	line, cut := context.WithCancel(ctx)
	defer cut()
	if s.bad, err = newLossy(line, s.sip, s.seed); err != nil {
		return err
	}
	if s.server, err = s.start(ctx); err != nil {
		return err
	}
	stopped := false
	defer func() {
		if !stopped {
			s.server.stop()
		}
	}()
	start, err := s.rest(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("start: %v (seed %d)\n", start, s.seed)
	s.run(ctx)
	s.print()
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	if err := s.compare(ctx, start); err != nil {
		return err
	}
	stopped = true
	if err := s.server.stop(); err != nil {
		return fmt.Errorf("the server did not end well: %w: %s", err, s.tail())
	}
	if s.out.first != "" {
		return fmt.Errorf("an act failed: %s", s.out.first)
	}
	return nil
}

// makeProps writes what callers type.
func (s *soak) makeProps(ctx context.Context) error {
	dir := filepath.Join(s.work, "props")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	pcap := func(name, digits, from, tail string) error {
		out, err := exec.CommandContext(ctx, filepath.Join(s.bin, "rtppcap"), "-o", filepath.Join(dir, name), "-digits", digits, "-from", from, "-tail", tail).CombinedOutput()
		if err != nil {
			return fmt.Errorf("rtppcap: %w: %s", err, out)
		}
		return nil
	}
	for i := range soakSpaces {
		id := strconv.Itoa(7001 + i)
		if err := pcap(id+".pcap", id, "0s", "16s"); err != nil {
			return err
		}
	}
	return errors.Join(pcap("wrong1.pcap", "9999", "0s", "1s"), pcap("wrong2.pcap", "9998", "10s", "1s"), pcap("wrong3.pcap", "9997", "20s", "1s"))
}

// rest waits until the fresh server stands still and returns its state.
func (s *soak) rest(ctx context.Context) (status, error) {
	var last status
	for same := 0; same < 5; {
		select {
		case <-ctx.Done():
			return last, ctx.Err()
		case <-time.After(300 * time.Millisecond):
		}
		st, err := s.server.status()
		if err != nil {
			return st, err
		}
		if st.Goroutines == last.Goroutines && st.OpenFiles == last.OpenFiles {
			same++
		} else {
			same = 0
		}
		last = st
	}
	return last, nil
}

// run lets the callers come and go until the time is over and the last of them has ended.
func (s *soak) run(ctx context.Context) {
	over, cancel := context.WithTimeout(ctx, s.length)
	defer cancel()
	var wg sync.WaitGroup
	for slot := range s.callers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(s.seed, uint64(slot)))
			for over.Err() == nil {
				s.perform(ctx, choose(r), r, slot)
			}
		})
	}
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if st, err := s.server.status(); err == nil {
				fmt.Println("      ", st)
			} else {
				fmt.Println("       no status:", err)
			}
		}
	}
}

// repertoire is all that callers do.
var repertoire = slices.Concat(acts, calls)

// choose draws an act by its weight.
func choose(r *rand.Rand) act {
	total := 0
	for _, a := range repertoire {
		total += a.weight
	}
	n := r.IntN(total)
	for _, a := range repertoire {
		if n -= a.weight; n < 0 {
			return a
		}
	}
	panic("weights do not add up")
}

// compare waits until the server is back at its start values.
func (s *soak) compare(ctx context.Context, start status) error {
	began := time.Now()
	var now status
	for time.Since(began) < s.settle && ctx.Err() == nil {
		var err error
		if now, err = s.server.status(); err != nil {
			return fmt.Errorf("status: %w: %s", err, s.tail())
		}
		if now.Legs == start.Legs && now.Bridges == start.Bridges && now.Participants == start.Participants && now.PortsInUse == start.PortsInUse && now.Registrations == start.Registrations &&
			now.Goroutines <= start.Goroutines && now.OpenFiles <= start.OpenFiles {
			fmt.Printf("end:   %v, after %v\n", now, time.Since(began).Round(time.Second))
			return nil
		}
		time.Sleep(time.Second)
	}
	return fmt.Errorf("not given back after %v: %v, at the start %v", s.settle, now, start)
}

func (s *soak) print() {
	done, failed := 0, 0
	names := slices.Sorted(maps.Keys(s.out.done))
	for name := range s.out.failed {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		fmt.Printf("  %5d  %s", s.out.done[name], name)
		if n := s.out.failed[name]; n > 0 {
			fmt.Printf(", %d FAILED", n)
		}
		fmt.Println()
		done, failed = done+s.out.done[name], failed+s.out.failed[name]
	}
	fmt.Printf("%d acts, %d failed\n", done+failed, failed)
}
