package trunks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/sip"
)

const (
	nameWait = 3 * time.Second // that a call waits for name servers
	mostKept = 1000            // names
)

// names are the places outside that are no trunks, such as mailboxes, as they were found last. The zero value is ready.
type names struct {
	mu   sync.Mutex
	kept map[string]*place
}

// place is where a name leads to.
type place struct {
	hops   []sip.Hop
	until  time.Time
	asking bool // somebody looks it up anew
}

var _ call.Names = (*Trunks)(nil)

// Find implements call.Names. What has been found holds for its TTL, and after that until name servers say something else: only a
// name that was never found has its call wait for them, for three seconds at most.
func (t *Trunks) Find(ctx context.Context, transport directory.Transport, address string) ([]sip.Hop, error) {
	key := string(transport) + " " + address
	t.names.mu.Lock()
	p := t.names.kept[key]
	if p == nil {
		t.names.mu.Unlock()
		return t.lookUp(ctx, key, transport, address)
	}
	hops := slices.Clone(p.hops)
	if !p.until.IsZero() && time.Now().After(p.until) && !p.asking {
		p.asking = true
		go t.guarded(func() { // ends with the answer, or with nameWait
			_, err := t.lookUp(context.WithoutCancel(ctx), key, transport, address)
			if err != nil {
				t.cfg.Log.WarnContext(ctx, "name not found again", "name", address, "err", err)
			}
		})
	}
	t.names.mu.Unlock()
	return hops, nil
}

// lookUp asks name servers, and keeps what they say.
func (t *Trunks) lookUp(ctx context.Context, key string, transport directory.Transport, address string) ([]sip.Hop, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, nameWait, errNameWait)
	defer cancel()
	hops, ttl, err := resolve(ctx, t.cfg.DNS, &directory.Trunk{Transport: transport, Address: address}, address)
	if err == nil && len(hops) == 0 {
		err = fmt.Errorf("resolve %s: %w", address, ErrNoRecords)
	}
	t.names.mu.Lock()
	defer t.names.mu.Unlock()
	if err != nil {
		if p := t.names.kept[key]; p != nil {
			p.asking, p.until = false, time.Now().Add(leastTTL)
		}
		return nil, err
	}
	p := &place{hops: hops}
	if ttl > 0 {
		p.until = time.Now().Add(ttl)
	}
	if t.names.kept == nil || len(t.names.kept) >= mostKept {
		t.names.kept = make(map[string]*place) // they are found again
	}
	t.names.kept[key] = p
	return slices.Clone(hops), nil
}

var errNameWait = errors.New("no name server answers in time")
