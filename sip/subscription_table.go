package sip

import (
	"math/rand/v2"
	"sync"
	"time"
)

// subscriptions are those that live, by dialog and by all that may end them.
type subscriptions struct {
	cfg      SubscriptionConfig
	packages map[string]EventPackage // by name in lower case; not changed once the server runs
	wait     sync.WaitGroup          // owners at work
	notices  turns                   // what trunks tell

	mu      sync.Mutex // guards all below
	byID    map[DialogID]*Subscription
	byPhone map[phoneKey]*Subscription
	byFlow  map[FlowID]map[*Subscription]struct{}
	perLine map[AOR]int
	closed  bool
	idle    chan struct{} // closed when closed and none is left
}

// phoneKey is what a phone that starts anew has in common with the subscription it has forgotten: the same line of the same
// phone asks for the same events of the same resource.
type phoneKey struct {
	username, device, event, id, resource string
}

func newSubscriptions(cfg SubscriptionConfig) *subscriptions {
	t := &subscriptions{
		cfg: cfg.withDefaults(), packages: make(map[string]EventPackage),
		byID: make(map[DialogID]*Subscription), byPhone: make(map[phoneKey]*Subscription),
		byFlow: make(map[FlowID]map[*Subscription]struct{}), perLine: make(map[AOR]int), idle: make(chan struct{}),
	}
	t.notices.wait = &t.wait
	return t
}

// add makes a subscription known, and returns the one that its phone has forgotten. A time means that there is no room:
// when to come back.
func (t *subscriptions) add(s *Subscription) (forgotten *Subscription, later time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	forgotten = t.byPhone[s.key]
	all, line := len(t.byID), t.perLine[s.AOR()]
	if forgotten != nil {
		all, line = all-1, line-1
	}
	switch {
	case t.closed:
		return nil, comeBack()
	case all >= t.cfg.Max || line >= t.cfg.MaxPerLine:
		return nil, t.cfg.MinExpires
	}
	if forgotten != nil {
		t.removeLocked(forgotten)
	}
	t.byID[s.id] = s
	t.byPhone[s.key] = s
	t.perLine[s.AOR()]++
	t.onFlowLocked(s, s.peer)
	return forgotten, 0
}

// moved tells that a subscription's SUBSCRIBEs come by another flow now.
func (t *subscriptions) moved(s *Subscription, to Source) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.offFlowLocked(s)
	if t.byID[s.id] == s {
		t.onFlowLocked(s, to)
	}
}

func (t *subscriptions) onFlowLocked(s *Subscription, src Source) {
	if !reliable(src.Transport) {
		return // a socket of ours, which does not end
	}
	if t.byFlow[src.Flow] == nil {
		t.byFlow[src.Flow] = make(map[*Subscription]struct{})
	}
	t.byFlow[src.Flow][s] = struct{}{}
	s.onFlow = src.Flow
}

func (t *subscriptions) offFlowLocked(s *Subscription) {
	delete(t.byFlow[s.onFlow], s)
	if len(t.byFlow[s.onFlow]) == 0 {
		delete(t.byFlow, s.onFlow)
	}
	s.onFlow = 0
}

func (t *subscriptions) remove(s *Subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.removeLocked(s)
	if t.closed && len(t.byID) == 0 {
		t.idleLocked()
	}
}

func (t *subscriptions) removeLocked(s *Subscription) {
	t.offFlowLocked(s)
	if t.byID[s.id] != s {
		return
	}
	delete(t.byID, s.id)
	if t.byPhone[s.key] == s {
		delete(t.byPhone, s.key)
	}
	if t.perLine[s.AOR()]--; t.perLine[s.AOR()] == 0 {
		delete(t.perLine, s.AOR())
	}
}

func (t *subscriptions) idleLocked() {
	select {
	case <-t.idle:
	default:
		close(t.idle)
	}
}

func (t *subscriptions) find(id DialogID) *Subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// list returns all that match.
func (t *subscriptions) list(match func(*Subscription) bool) []*Subscription {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []*Subscription
	for _, s := range t.byID {
		if match == nil || match(s) {
			all = append(all, s)
		}
	}
	return all
}

// flowClosed ends the subscriptions whose connection is gone: it is not dialled, and the phone subscribes again when it is
// back (RFC 5626 §4.5).
func (t *subscriptions) flowClosed(id FlowID) {
	t.mu.Lock()
	var lost []*Subscription
	for s := range t.byFlow[id] {
		lost = append(lost, s)
	}
	t.mu.Unlock()
	for _, s := range lost {
		s.post(func() {
			if s.peer.Flow == id {
				s.over(ErrFlowGone)
			}
		})
	}
}

// farewell tells all subscribers to come back, so that no lamp shows what was true before a restart. shutdown follows.
func (t *subscriptions) farewell() {
	t.mu.Lock()
	t.closed = true
	if len(t.byID) == 0 {
		t.idleLocked()
	}
	t.mu.Unlock()
	for _, s := range t.list(nil) {
		s.post(func() { s.end(EndProbation, comeBack(), ErrShutdown) })
	}
}

// shutdown waits up to limit until the last NOTIFYs are answered, and ends what is left.
func (t *subscriptions) shutdown(limit time.Duration) {
	select {
	case <-t.idle:
	case <-time.After(limit):
	}
	for _, s := range t.list(nil) {
		s.post(func() { s.over(ErrShutdown) })
	}
	t.notices.close()
}

// comeBack spreads the phones that subscribe again after a restart.
func comeBack() time.Duration { return 5*time.Second + rand.N(25*time.Second) }

// Subscriptions returns how many subscriptions are alive.
func (s *Server) Subscriptions() int {
	s.subs.mu.Lock()
	defer s.subs.mu.Unlock()
	return len(s.subs.byID)
}

// EndSubscriptions ends all subscriptions that match, such as those of a line that left the directory, and returns how
// many these are. match is called with a lock held: it must not wait, nor end subscriptions itself.
func (s *Server) EndSubscriptions(match func(*Subscription) bool, reason EndReason) int {
	list := s.subs.list(match)
	for _, sub := range list {
		sub.Terminate(reason, 0)
	}
	return len(list)
}
