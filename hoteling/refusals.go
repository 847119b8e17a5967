package hoteling

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// Refusal is an attempt to sign in that was refused.
type Refusal struct {
	At    time.Time
	Host  uint64 // Ref
	Guest uint64 // Ref, 0 when nobody was meant who exists
	By    Source
	Cause Cause
}

// refusalsKept is how many refusals are remembered.
const refusalsKept = 200

// refusals are the latest. The zero value is none.
type refusals struct {
	mu   sync.Mutex
	list []Refusal
}

func (r *refusals) add(x Refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.list) >= refusalsKept {
		r.list = slices.Delete(r.list, 0, len(r.list)-refusalsKept+1)
	}
	r.list = append(r.list, x)
}

// Refusals gives the latest refusals, the newest first. They are forgotten when the server ends.
func (d *Desk) Refusals() []Refusal {
	d.refused.mu.Lock()
	defer d.refused.mu.Unlock()
	list := slices.Clone(d.refused.list)
	slices.Reverse(list)
	return list
}

// asDenial gives the denial that an error of the desk's own is, nil for nil.
func asDenial(err error) *Denial {
	if err == nil {
		return nil
	}
	if no, ok := errors.AsType[*Denial](err); ok {
		return no
	}
	return &Denial{Cause: NotKept, Err: err}
}
