package sip

import (
	"sync"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// legTable are the legs that live, by dialog.
type legTable struct {
	wait sync.WaitGroup // owners and handlers

	mu     sync.Mutex
	byID   map[DialogID]*Leg
	early  map[mergeKey]*Leg // legs whose INVITE is unanswered
	closed bool
	idle   chan struct{} // closed when closed and no leg is left
}

// mergeKey is what a request that came by two paths has in common (RFC 3261 §8.2.2.2).
type mergeKey struct {
	callID string
	tag    RemoteTag
	cseq   uint32
}

func newLegTable() *legTable {
	return &legTable{byID: make(map[DialogID]*Leg), early: make(map[mergeKey]*Leg), idle: make(chan struct{})}
}

func mergeKeyOf(req *sipmsg.Request) mergeKey {
	tag, _ := req.From().Params.Get("tag")
	return mergeKey{callID: req.CallID().Value(), tag: RemoteTag(tag), cseq: req.CSeq().SeqNo}
}

func (t *legTable) merged(req *sipmsg.Request) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.early[mergeKeyOf(req)] != nil
}

// add makes a leg known; false means that the server ends.
func (t *legTable) add(l *Leg) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.byID[l.id] = l
	if !l.calling {
		t.early[l.merge] = l
	}
	t.wait.Add(1) // for the owner; see Leg.own
	return true
}

// settled tells that the INVITE of a leg has its final answer.
func (t *legTable) settled(l *Leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.early[l.merge] == l {
		delete(t.early, l.merge)
	}
}

func (t *legTable) remove(l *Leg) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, l.id)
	if t.early[l.merge] == l {
		delete(t.early, l.merge)
	}
	if t.closed && len(t.byID) == 0 {
		select {
		case <-t.idle:
		default:
			close(t.idle)
		}
	}
}

// find returns the leg of a dialog. A call of ours is known without its remote tag, which the leg checks.
func (t *legTable) find(id DialogID) *Leg {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.byID[id]; l != nil {
		return l
	}
	id.RemoteTag = ""
	if l := t.byID[id]; l != nil && l.calling {
		return l
	}
	return nil
}

func (t *legTable) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// shutdown ends all legs and waits up to limit until their BYEs are answered.
func (t *legTable) shutdown(limit time.Duration) {
	t.mu.Lock()
	t.closed = true
	all := make([]*Leg, 0, len(t.byID))
	for _, l := range t.byID {
		all = append(all, l)
	}
	if len(all) == 0 {
		select {
		case <-t.idle:
		default:
			close(t.idle)
		}
	}
	t.mu.Unlock()
	for _, l := range all {
		l.post(shutdownAsked{})
	}
	select {
	case <-t.idle:
	case <-time.After(limit):
	}
	for _, l := range all {
		l.post(stopNow{})
	}
}
