package gateway

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"passerelle/directory"
)

// bridges are the live bridges by the ref of their space.
type bridges struct {
	mu   sync.Mutex
	live map[string]*Bridge
	wg   sync.WaitGroup // of the bridges' run
}

// take reserves a seat on the space's bridge, which begins with its first seat.
func (bs *bridges) take(ctx context.Context, space *directory.Space, who Who, open func() *Bridge) (*Participant, error) {
	for {
		b, first := bs.at(space.Ref, who, open)
		if first != nil {
			return first, nil
		}
		p, err := b.take(ctx, who)
		if errors.Is(err, errBridgeEnded) {
			continue // its last one left just now; done is closed after the registry forgot it
		}
		return p, err
	}
}

// at returns the live bridge of a space, or opens one with a first seat.
func (bs *bridges) at(ref string, who Who, open func() *Bridge) (*Bridge, *Participant) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	if b := bs.live[ref]; b != nil {
		return b, nil
	}
	if bs.live == nil {
		bs.live = make(map[string]*Bridge)
	}
	b := open()
	first := b.seat(who)
	bs.live[ref] = b
	bs.wg.Go(func() { // ends when the bridge's last seat is free
		b.run(func() {
			bs.mu.Lock()
			defer bs.mu.Unlock()
			delete(bs.live, ref)
		})
	})
	return b, first
}

// find returns the live bridge of a space, nil if there is none.
func (bs *bridges) find(ref string) *Bridge {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	return bs.live[ref]
}

// all returns the live bridges by ref.
func (bs *bridges) all() []*Bridge {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	var all []*Bridge
	for _, b := range bs.live {
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b *Bridge) int { return strings.Compare(a.space.Ref, b.space.Ref) })
	return all
}
