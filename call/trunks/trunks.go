package trunks

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/netip"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/sip"
)

// Requests sends requests of ours; sip.Server satisfies it.
type Requests interface {
	Request(ctx context.Context, r sip.Request) (*sip.Response, error)
}

// Config is what Trunks stand on.
type Config struct {
	Directory *directory.Live
	Requests  Requests
	DNS       DNS                   // nil means the system's name servers
	Log       *slog.Logger          // nil discards
	Metrics   prometheus.Registerer // nil means a registry of its own
}

// Trunks watches the trunks of the directory. See the package comment.
type Trunks struct {
	cfg     Config
	metrics *metrics
	changed chan struct{}

	mu     sync.RWMutex // guards byName; held for look-ups only
	byName map[string]*keeper

	names names
}

var (
	_ call.Ways   = (*Trunks)(nil)
	_ call.Health = (*Trunks)(nil)
)

// New watches nothing yet; Run does.
func New(cfg Config) *Trunks {
	if cfg.DNS == nil {
		cfg.DNS = NewDNS()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	t := &Trunks{cfg: cfg, changed: make(chan struct{}, 1), byName: make(map[string]*keeper)}
	t.metrics = newMetrics(cfg.Metrics, t)
	return t
}

// Changed tells that the directory has another snapshot. It never waits.
func (t *Trunks) Changed() {
	select {
	case t.changed <- struct{}{}:
	default: // the next look sees this change too
	}
}

// Run keeps a keeper per trunk until ctx is done, then ends the registrations and returns when all keepers have ended.
func (t *Trunks) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for {
		t.reconcile(ctx, &all)
		select {
		case <-t.changed:
		case <-ctx.Done():
			all.Wait() // the keepers end with ctx
			return nil
		}
	}
}

// reconcile ends the keepers of trunks that are gone or changed, and starts those that are missing.
func (t *Trunks) reconcile(ctx context.Context, all *sync.WaitGroup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := make(map[string]*directory.Trunk)
	for _, s := range t.cfg.Directory.Current().Sites() {
		for _, tr := range s.Trunks {
			wanted[call.TrunkName(tr)] = tr
		}
	}
	former := make(map[string]*keeper)
	for name, k := range t.byName {
		if now := wanted[name]; now != nil && sameSettings(k.own, now) {
			k.follow(now)
			delete(wanted, name)
			continue
		}
		k.stop()
		former[name] = k
		delete(t.byName, name)
	}
	for name, tr := range wanted {
		k := newKeeper(t, name, tr, former[name])
		t.byName[name] = k
		all.Go(func() { k.run(ctx) }) // ends with ctx, or by stop
	}
}

// sameSettings compares what a keeper depends on.
func sameSettings(a, b *directory.Trunk) bool {
	x, y := *a, *b
	x.Site, y.Site = nil, nil
	return a.Site.Domain == b.Site.Domain && reflect.DeepEqual(x, y)
}

func (t *Trunks) keeper(tr *directory.Trunk) *keeper {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byName[call.TrunkName(tr)]
}

// keepers are all of them, by name.
func (t *Trunks) keepers() []*keeper {
	t.mu.RLock()
	defer t.mu.RUnlock()
	all := make([]*keeper, 0, len(t.byName))
	for _, k := range t.byName {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *keeper) int { return strings.Compare(a.name, b.name) })
	return all
}

// Up implements call.Health.
func (t *Trunks) Up(tr *directory.Trunk) bool {
	k := t.keeper(tr)
	if k == nil {
		return true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	c, _ := k.conditionLocked()
	return c != Down
}

// Hops implements call.Ways: the way that we are registered by first, then those that answer, then the others. Of a trunk
// that has no keeper yet they are its addresses that need no look-up.
func (t *Trunks) Hops(tr *directory.Trunk) []sip.Hop {
	k := t.keeper(tr)
	if k == nil {
		return numeric(tr)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.ways) == 0 {
		return numeric(tr)
	}
	var hops []sip.Hop
	for _, w := range k.inOrderLocked() {
		hops = append(hops, w.hop)
	}
	return hops
}

// numeric are the ways to a trunk's addresses that are no names.
func numeric(tr *directory.Trunk) []sip.Hop {
	var all []sip.Hop
	for _, address := range tr.Addresses() {
		host, _, err := directory.SplitAddress(address)
		if err != nil {
			continue
		}
		if _, err := netip.ParseAddr(host); err != nil {
			continue
		}
		hops, _, _ := resolve(context.Background(), nil, tr, address) // asks nobody
		all = append(all, hops...)
	}
	return all
}

// Failed implements call.Ways: the way is asked at once, and goes behind the others until it answers.
func (t *Trunks) Failed(tr *directory.Trunk, hop sip.Hop, err error) {
	if code, _ := sip.StatusOf(err); code != 408 && code != 503 {
		return // it answered
	}
	if k := t.keeper(tr); k != nil {
		k.failed(hop, err)
	}
}

// BySource finds the trunk whose registration leads a source to us: we registered with that very address. It is for
// requests that no Contact is in; see TrunkOf.
func (t *Trunks) BySource(src netip.AddrPort) (name string, ok bool) {
	return t.TrunkOf(sip.Source{Remote: src}, sip.URI{})
}

// TrunkOf implements sip.TrunkFinder for the trunks that we register with: a request of theirs comes from where we
// registered, or from the same host to the Contact that only the registrar was told. Of several at one address the Contact
// tells which, else the account's name.
func (t *Trunks) TrunkOf(src sip.Source, target sip.URI) (name string, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	best := 0
	for _, k := range t.byName {
		if k.own.Auth != directory.AuthRegister {
			continue
		}
		if rank := k.knows(src, target); rank > best || rank > 0 && rank == best && k.name < name {
			best, name = rank, k.name
		}
	}
	return name, best > 0
}

// knows ranks how surely a request is the trunk's; 0 is not at all.
func (k *keeper) knows(src sip.Source, target sip.URI) (rank int) {
	line := target.Params["line"]
	ours := line != "" && subtle.ConstantTimeCompare([]byte(line), []byte(k.line)) == 1
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.ways {
		at, from := w.hop.Addr, netip.AddrPortFrom(src.Remote.Addr().Unmap(), src.Remote.Port())
		switch {
		case at.Addr() != from.Addr():
		case ours:
			return 3
		case at == from && line == "" && target.User == k.own.Username:
			rank = max(rank, 2)
		case at == from:
			rank = max(rank, 1)
		}
	}
	return rank
}

// guarded runs a step of a keeper and survives its panic.
func (t *Trunks) guarded(f func()) {
	defer func() {
		if p := recover(); p != nil {
			t.metrics.panics.WithLabelValues("call_trunk").Inc()
			t.cfg.Log.Error("panic", "owner", "call_trunk", "err", p, "stack", string(debug.Stack()))
		}
	}()
	f()
}
