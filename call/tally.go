package call

import (
	"context"
	"sync"
)

// tally counts what is up under a key, by what holds it: nothing is counted that nobody holds any more. The zero value is
// ready.
type tally[K comparable] struct {
	mu sync.Mutex
	up map[K]map[*held]struct{}
}

// held is one thing that is up. It has a size: pointers to empty structs need not differ.
type held struct{ _ byte }

// take adds one under the key unless limit, if positive, are up. It goes when release is called, as often as one likes, and
// at the latest when ctx ends.
func (t *tally[K]) take(ctx context.Context, key K, limit int) (release func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if limit > 0 && len(t.up[key]) >= limit {
		return nil, false
	}
	if t.up == nil {
		t.up = make(map[K]map[*held]struct{})
	}
	if t.up[key] == nil {
		t.up[key] = make(map[*held]struct{})
	}
	h := &held{}
	t.up[key][h] = struct{}{}
	drop := func() { t.drop(key, h) }
	stop := context.AfterFunc(ctx, drop)
	return func() {
		stop()
		drop()
	}, true
}

func (t *tally[K]) drop(key K, h *held) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.up[key], h)
	if len(t.up[key]) == 0 {
		delete(t.up, key)
	}
}

// count gives how many are up under the key.
func (t *tally[K]) count(key K) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.up[key])
}

// total gives how many are up in all.
func (t *tally[K]) total() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, up := range t.up {
		n += len(up)
	}
	return n
}
