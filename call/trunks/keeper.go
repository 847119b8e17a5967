package trunks

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

const (
	resolveTime = 5 * time.Second // for one address of a trunk
	retryFirst  = 5 * time.Second // after a first failure; each further one waits twice as long
	retryMost   = time.Minute
)

// keeper watches one trunk. Its run resolves; each way has a prober, and a trunk that wants it a registrar. All end with
// run's ctx, or by stop.
type keeper struct {
	t     *Trunks
	name  string
	line  string // of our Contact: unguessable, so that only the registrar knows it
	log   *slog.Logger
	own   *directory.Trunk // as it was at the start; its settings stay as long as the keeper does
	after *keeper          // of the same name with former settings, which must have ended
	quit  chan struct{}    // closed by stop
	done  chan struct{}
	wait  sync.WaitGroup // probers and registrar

	mu    sync.Mutex       // guards all below; held for no longer than a look
	trunk *directory.Trunk // of the latest snapshot
	ways  []*way
	fault error // of the last look-up that found nothing
	reg   *registration
	last  Condition
	since time.Time
}

// way is one way to the trunk, of its keeper.
type way struct {
	hop  sip.Hop
	poke chan struct{} // asks for a probe now
	stop context.CancelFunc

	condition Condition // guarded by the keeper's mu, as all below
	no        trouble   // while it is down
	since     time.Time
	answered  bool // a probe, once
}

func newKeeper(t *Trunks, name string, tr *directory.Trunk, former *keeper) *keeper {
	k := &keeper{t: t, name: name, line: rand.Text(), own: tr, trunk: tr, after: former, last: Unknown, since: time.Now()}
	k.quit, k.done = make(chan struct{}), make(chan struct{})
	k.log = t.cfg.Log.With("trunk", name)
	if tr.Auth == directory.AuthRegister {
		k.reg = newRegistration(k)
	}
	return k
}

// stop ends the keeper; done tells when it has. It is called once.
func (k *keeper) stop() { close(k.quit) }

// follow takes the same trunk of a newer snapshot.
func (k *keeper) follow(now *directory.Trunk) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trunk = now
}

// run resolves until ctx is done or stop is called.
func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	if k.after != nil {
		<-k.after.done
		k.after = nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // ends with run or by stop
		select {
		case <-k.quit:
			cancel()
		case <-ctx.Done():
		}
	}()
	if k.reg != nil {
		k.wait.Go(func() { k.reg.run(ctx) }) // ends with ctx
	}
	defer k.wait.Wait()
	failures := 0
	for ctx.Err() == nil {
		next := retryFirst
		k.t.guarded(func() {
			ttl, err := k.resolve(ctx)
			if err == nil {
				failures, next = 0, ttl
				return
			}
			failures++
			next = backoff(failures, retryMost)
		})
		if next == 0 {
			<-ctx.Done()
			return
		}
		pause(ctx, jitter(next), nil)
	}
}

// resolve looks for the trunk's ways. What failed to be found stays as it was; ttl is when to look again, 0 for never.
func (k *keeper) resolve(ctx context.Context) (ttl time.Duration, err error) {
	var hops []sip.Hop
	for _, address := range k.own.Addresses() {
		look, cancel := context.WithTimeoutCause(ctx, resolveTime, errNoDNS)
		found, holds, lookErr := resolve(look, k.t.cfg.DNS, k.own, address)
		cancel()
		if lookErr != nil {
			err = errors.Join(err, lookErr)
			continue
		}
		hops = append(hops, found...)
		if holds > 0 && (ttl == 0 || holds < ttl) {
			ttl = holds
		}
	}
	switch {
	case ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		k.t.metrics.lookups.WithLabelValues(string(resultFailed)).Inc()
		k.log.Warn("trunk not found by name", "err", err)
	case ttl > 0:
		k.t.metrics.lookups.WithLabelValues(string(resultOK)).Inc()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fault = err
	if err != nil { // keep what was found before beside what is found now
		for _, w := range k.ways {
			if !slices.Contains(hops, w.hop) {
				hops = append(hops, w.hop)
			}
		}
	}
	k.setWaysLocked(ctx, hops)
	k.noteLocked()
	return ttl, err
}

// setWaysLocked starts and ends probers; ways that stay keep their condition.
func (k *keeper) setWaysLocked(ctx context.Context, hops []sip.Hop) {
	var ways []*way
	for _, hop := range hops {
		if slices.ContainsFunc(ways, func(w *way) bool { return w.hop == hop }) {
			continue
		}
		if i := slices.IndexFunc(k.ways, func(w *way) bool { return w.hop == hop }); i >= 0 {
			ways = append(ways, k.ways[i])
			continue
		}
		w := &way{hop: hop, condition: Unknown, poke: make(chan struct{}, 1)}
		probing, stop := context.WithCancel(ctx)
		w.stop = stop
		ways = append(ways, w)
		k.wait.Go(func() { k.probe(probing, w) }) // ends with ctx or the way
	}
	for _, w := range k.ways {
		if !slices.Contains(ways, w) {
			w.stop()
		}
	}
	grew := len(k.ways) == 0 && len(ways) > 0
	k.ways = ways
	if grew && k.reg != nil {
		k.reg.again()
	}
}

// inOrderLocked are the ways in the order in which calls try them.
func (k *keeper) inOrderLocked() []*way {
	rank := func(w *way) int {
		switch {
		case w.condition == Down:
			return 2
		case k.reg != nil && k.reg.aliveLocked() && k.reg.state.Way == w.hop:
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(k.ways), func(a, b *way) int { return rank(a) - rank(b) })
}

// set notes how a way stands.
func (k *keeper) set(w *way, c Condition, no trouble) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.setLocked(w, c, no)
}

func (k *keeper) setLocked(w *way, c Condition, no trouble) {
	if w.condition != c {
		w.since = time.Now()
		k.log.Info("way to a trunk", "way", w.hop.String(), "state", string(c), "why", no.why)
	}
	w.condition, w.no = c, no
	k.noteLocked()
}

// failed is told of a call that a way did not take.
func (k *keeper) failed(hop sip.Hop, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.ways {
		if w.hop != hop {
			continue
		}
		k.setLocked(w, Down, trouble{causeOf(err), "a call failed: " + inWords(err)})
		select {
		case w.poke <- struct{}{}:
		default: // asked already
		}
	}
}

// registeredBy says whether the trunk holds a registration that was made by this way.
func (k *keeper) registeredBy(w *way) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.reg != nil && k.reg.aliveLocked() && k.reg.state.Way == w.hop
}

// pause waits, no longer than ctx lasts or poke is quiet.
func pause(ctx context.Context, d time.Duration, poke <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-poke:
	case <-ctx.Done():
	}
}

// backoff is how long to wait after the nth failure in a row.
func backoff(n int, most time.Duration) time.Duration {
	return min(retryFirst<<min(n-1, 10), most)
}

// jitter takes up to a tenth off, so that those who fail together do not come back together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(mathrand.Int64N(int64(d)/10+1))
}
