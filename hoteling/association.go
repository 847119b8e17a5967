package hoteling

import (
	"context"
	"sync"
	"time"
)

// Association is a guest on a host phone.
type Association struct {
	Host  uint64 // Ref of the user or workspace whose primary phone it is
	Guest uint64 // Ref of the user who is signed in there
	Since time.Time
	// Until is when the desk ends the association; zero means no limit. It is absolute, so that a restart extends nothing.
	Until  time.Time
	Source Source
}

// Left is how long the association lasts from now on; zero means no limit.
func (a Association) Left() time.Duration {
	if a.Until.IsZero() {
		return 0
	}
	return max(time.Until(a.Until), 1)
}

// Source is the road by which a guest came, or an association ended.
type Source string

// The roads.
const (
	ByPhone    Source = "phone"    // the keys of the host phone
	ByCode     Source = "code"     // the feature code, from any phone
	ByAPI      Source = "api"      // an administrator
	ByPortal   Source = "portal"   // the portal: the guest, or an administrator
	ByLimit    Source = "limit"    // the association limit was reached
	ByMove     Source = "move"     // the guest signed in on another host
	BySettings Source = "settings" // host or guest may no longer
)

// Store keeps associations. Each call is one transaction: a crash leaves all of it or nothing.
type Store interface {
	// LoadAssociations gives every association, in any order.
	LoadAssociations(ctx context.Context) ([]Association, error)
	// ChangeAssociations frees hosts, then seats guests; a guest who is seated leaves every other host.
	ChangeAssociations(ctx context.Context, free []uint64, seat []Association) error
}

// seats is who is where, for everybody who asks. The zero value is nobody anywhere.
type seats struct {
	mu      sync.RWMutex // guards both maps; nothing is called while held
	byHost  map[uint64]Association
	byGuest map[uint64]uint64 // host
}

// on gives the association on a host.
func (s *seats) on(host uint64) (Association, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	a, ok := s.byHost[host]
	return a, ok
}

// of gives the association of a guest.
func (s *seats) of(guest uint64) (Association, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	host, ok := s.byGuest[guest]
	return s.byHost[host], ok
}

// change frees hosts and seats a guest in one step, so that nobody sees a guest in two places or in none.
func (s *seats) change(free []uint64, seat []Association) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, host := range free {
		s.freeLocked(host)
	}
	for _, a := range seat {
		if former, away := s.byGuest[a.Guest]; away {
			s.freeLocked(former)
		}
		s.freeLocked(a.Host)
		if s.byHost == nil {
			s.byHost, s.byGuest = make(map[uint64]Association), make(map[uint64]uint64)
		}
		s.byHost[a.Host], s.byGuest[a.Guest] = a, a.Host
	}
}

func (s *seats) freeLocked(host uint64) {
	if a, taken := s.byHost[host]; taken {
		delete(s.byHost, host)
		delete(s.byGuest, a.Guest)
	}
}

// all gives every association, in any order.
func (s *seats) all() []Association {
	s.mu.RLock()
	defer s.mu.RUnlock()
	list := make([]Association, 0, len(s.byHost))
	for _, a := range s.byHost {
		list = append(list, a)
	}
	return list
}

func (s *seats) count() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.byHost)
}
