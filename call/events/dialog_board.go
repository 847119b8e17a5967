package events

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"passerelle/sip"
)

// board knows the calls of all lines. Lines without calls cost nothing.
type board struct {
	mu    sync.Mutex
	last  uint64 // counts changes
	lines map[sip.AOR]*boardLine
}

// boardLine are the calls of one line.
type boardLine struct {
	live  map[string]entry
	ended []entry // the latest, for those who have not been told yet
}

// entry is a call with the number of its latest change.
type entry struct {
	Dialog
	change uint64
	order  uint64    // number of its first change
	at     time.Time // of its end
}

const (
	endedKept = 8                // ended calls of a line that are kept
	endedTime = 40 * time.Second // and how long: a NOTIFY under way takes 32 s at most
)

func newBoard() *board { return &board{lines: make(map[sip.AOR]*boardLine)} }

// post notes a call as it is now and reports whether that is news.
func (b *board) post(aor sip.AOR, d Dialog) bool {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	line := b.lines[aor]
	if line == nil {
		line = &boardLine{live: make(map[string]entry)}
	}
	old, known := line.live[d.ID]
	if d.State == Terminated && !known || known && old.Dialog == d {
		return false
	}
	b.last++
	e := entry{Dialog: d, change: b.last, order: b.last}
	if known {
		e.order = old.order
	}
	line.ended = slices.DeleteFunc(line.ended, func(o entry) bool { return now.Sub(o.at) > endedTime })
	if d.State == Terminated {
		e.at = now
		delete(line.live, d.ID)
		if line.ended = append(line.ended, e); len(line.ended) > endedKept {
			line.ended = slices.Delete(line.ended, 0, 1)
		}
	} else {
		line.live[d.ID] = e
	}
	b.lines[aor] = line
	return true
}

// sweep forgets lines that rest.
func (b *board) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for aor, line := range b.lines {
		line.ended = slices.DeleteFunc(line.ended, func(o entry) bool { return now.Sub(o.at) > endedTime })
		if len(line.live)+len(line.ended) == 0 {
			delete(b.lines, aor)
		}
	}
}

// of returns the live calls of a line, the oldest first, and those that ended lately.
func (b *board) of(aor sip.AOR) (live, ended []entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	line := b.lines[aor]
	if line == nil {
		return nil, nil
	}
	for _, e := range line.live {
		live = append(live, e)
	}
	slices.SortFunc(live, func(x, y entry) int { return cmp.Compare(x.order, y.order) })
	return live, slices.Clone(line.ended)
}

// view is what a watcher of a line has been told.
type view struct {
	known map[string]entry
}

// all returns the calls of a line and notes that they are told.
func (v *view) all(b *board, aor sip.AOR, pass func(*Dialog) bool) []Dialog {
	live, _ := b.of(aor)
	v.known = nil
	var list []Dialog
	for _, e := range live {
		if pass(&e.Dialog) {
			list = append(list, e.Dialog)
			v.note(e)
		}
	}
	return list
}

// news returns the calls that changed since, those that ended among them, and notes that they are told.
func (v *view) news(b *board, aor sip.AOR, pass func(*Dialog) bool) []Dialog {
	live, ended := b.of(aor)
	var list []Dialog
	now := make(map[string]struct{}, len(live))
	for _, e := range live {
		now[e.ID] = struct{}{}
	}
	for id, was := range v.known {
		if _, lives := now[id]; lives {
			continue
		}
		gone := was.Dialog
		gone.State = Terminated
		for _, e := range ended {
			if e.ID == id {
				gone = e.Dialog
			}
		}
		list = append(list, gone)
		delete(v.known, id)
	}
	slices.SortFunc(list, func(x, y Dialog) int { return cmp.Compare(x.ID, y.ID) })
	for _, e := range live {
		if pass(&e.Dialog) && v.known[e.ID].change != e.change {
			list = append(list, e.Dialog)
			v.note(e)
		}
	}
	return list
}

func (v *view) note(e entry) {
	if v.known == nil {
		v.known = make(map[string]entry)
	}
	v.known[e.ID] = e
}
