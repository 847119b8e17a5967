package sip

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Wrong is a source that sends wrong credentials for a line, again and again: a phone with an old password, or a guesser.
type Wrong struct {
	Source netip.Addr // IPv4 address, or the first one of an IPv6 /64
	// Username is that of a line of the directory.
	Username    string
	Tries       int
	First, Last time.Time
}

const (
	// wrongMemory is how long wrong credentials are remembered after the last ones.
	wrongMemory = 10 * time.Minute
	// maxWrongs bounds the memory; beyond it the stalest go.
	maxWrongs = 1024
	// wrongsShown is how many tries make a fault of what may be a mistake.
	wrongsShown = 3
)

type wrongKey struct {
	addr netip.Addr
	user string
}

// wrongs remembers who sends wrong credentials for lines that there are. The zero value is ready.
type wrongs struct {
	mu    sync.Mutex // guards all below
	byKey map[wrongKey]*Wrong
}

// noteWrong remembers wrong credentials, if there is a line with that name: names that nobody has are no phone's.
func (a *Authenticator) noteWrong(src Source, username string, now time.Time) {
	if _, known := a.lines.Line(username); known {
		a.wrongs.add(src.Remote.Addr(), username, now)
	}
}

func (w *wrongs) add(addr netip.Addr, username string, now time.Time) {
	k := wrongKey{sourceOf(addr), username}
	w.mu.Lock()
	defer w.mu.Unlock()
	e := w.byKey[k]
	if e == nil {
		if len(w.byKey) >= maxWrongs {
			w.forgetLocked(now)
		}
		if w.byKey == nil {
			w.byKey = make(map[wrongKey]*Wrong)
		}
		e = &Wrong{Source: k.addr, Username: username, First: now}
		w.byKey[k] = e
	}
	e.Tries++
	e.Last = now
}

// forgetLocked makes room for a quarter more.
func (w *wrongs) forgetLocked(now time.Time) {
	all := make([]*Wrong, 0, len(w.byKey))
	for _, e := range w.byKey {
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b *Wrong) int { return a.Last.Compare(b.Last) })
	for i, e := range all {
		if i < maxWrongs/4 || now.Sub(e.Last) > wrongMemory {
			delete(w.byKey, wrongKey{e.Source, e.Username})
		}
	}
}

// proven forgets a source that has sent the right ones.
func (w *wrongs) proven(addr netip.Addr, username string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.byKey) > 0 {
		delete(w.byKey, wrongKey{sourceOf(addr), username})
	}
}

// Wrongs gives those who sent wrong credentials three times or more and no right ones since, within the last ten minutes,
// by user name.
func (a *Authenticator) Wrongs() []Wrong {
	now := time.Now()
	w := &a.wrongs
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []Wrong
	for _, e := range w.byKey {
		if e.Tries >= wrongsShown && now.Sub(e.Last) <= wrongMemory {
			all = append(all, *e)
		}
	}
	slices.SortFunc(all, func(a, b Wrong) int {
		return cmp.Or(cmp.Compare(a.Username, b.Username), a.Source.Compare(b.Source))
	})
	return all
}
