package directory

import "sync/atomic"

// Live holds the snapshot in use. Readers take Current once per request and stay with it.
type Live struct{ current atomic.Pointer[Directory] }

// NewLive starts with d.
func NewLive(d *Directory) *Live {
	l := &Live{}
	l.current.Store(d)
	return l
}

// Current gives the snapshot in use.
func (l *Live) Current() *Directory { return l.current.Load() }

// Swap puts d in use; requests already under way keep the former snapshot.
func (l *Live) Swap(d *Directory) { l.current.Store(d) }
