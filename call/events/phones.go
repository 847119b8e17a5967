package events

import (
	"maps"
	"slices"
	"sync"

	"passerelle/sip"
)

// Phones tells whose a phone is. A nil Phones means that every phone is its owner's.
type Phones interface {
	// UserOf returns the AOR of the user of the phone with that digest user name: a guest, or the owner. ok is false when it
	// is the owner's as ever. It must not wait.
	UserOf(username string) (aor sip.AOR, ok bool)
}

// lineOf returns the line that a subscription is to show: its user's where it asks about the phone's own line.
func lineOf(phones Phones, s *sip.Subscription) (sip.AOR, bool) {
	aor, ok := s.ResourceAOR()
	if ok && phones != nil && aor == s.AOR() {
		if user, is := phones.UserOf(s.Username()); is {
			return user, true
		}
	}
	return aor, ok
}

// shown is an index of what phones show, by the lines that are shown and by the phones.
type shown[W comparable] struct {
	mu      sync.Mutex
	lines   map[W][]sip.AOR
	phones  map[W]string
	byLine  map[sip.AOR]map[W]struct{}
	byPhone map[string]map[W]struct{}
}

func newShown[W comparable]() *shown[W] {
	return &shown[W]{
		lines: make(map[W][]sip.AOR), phones: make(map[W]string),
		byLine: make(map[sip.AOR]map[W]struct{}), byPhone: make(map[string]map[W]struct{}),
	}
}

// put notes which lines a phone shows.
func (x *shown[W]) put(w W, username string, lines ...sip.AOR) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.putLocked(w, username, lines)
}

// again notes which lines a phone shows instead of those before, unless it is gone.
func (x *shown[W]) again(w W, lines ...sip.AOR) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if username, there := x.phones[w]; there {
		x.removeLocked(w)
		x.putLocked(w, username, lines)
	}
}

func (x *shown[W]) putLocked(w W, username string, lines []sip.AOR) {
	x.lines[w], x.phones[w] = lines, username
	add(x.byPhone, username, w)
	for _, aor := range lines {
		add(x.byLine, aor, w)
	}
}

func (x *shown[W]) remove(w W) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeLocked(w)
}

func (x *shown[W]) removeLocked(w W) {
	if username, there := x.phones[w]; there {
		take(x.byPhone, username, w)
	}
	for _, aor := range x.lines[w] {
		take(x.byLine, aor, w)
	}
	delete(x.lines, w)
	delete(x.phones, w)
}

// of returns those that show a line.
func (x *shown[W]) of(aor sip.AOR) []W {
	x.mu.Lock()
	defer x.mu.Unlock()
	return members(x.byLine[aor])
}

// on returns those of a phone.
func (x *shown[W]) on(username string) []W {
	x.mu.Lock()
	defer x.mu.Unlock()
	return members(x.byPhone[username])
}

// all returns all of them.
func (x *shown[W]) all() []W {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.phones))
}

func add[K, W comparable](m map[K]map[W]struct{}, k K, w W) {
	if m[k] == nil {
		m[k] = make(map[W]struct{})
	}
	m[k][w] = struct{}{}
}

func take[K, W comparable](m map[K]map[W]struct{}, k K, w W) {
	delete(m[k], w)
	if len(m[k]) == 0 {
		delete(m, k)
	}
}

func members[W comparable](set map[W]struct{}) []W {
	return slices.Collect(maps.Keys(set))
}

// afterAll returns a function that calls f once it was called n times; f at once when n is zero.
func afterAll(n int, f func()) func() {
	if f == nil {
		return func() {}
	}
	if n == 0 {
		f()
		return func() {}
	}
	var mu sync.Mutex
	return func() {
		mu.Lock()
		n--
		last := n == 0
		mu.Unlock()
		if last {
			f()
		}
	}
}
