package sip

import (
	"sync"
	"time"
)

// registeredFlows knows which AORs have bindings on which connection, so that a closed one is found without a search.
type registeredFlows struct {
	mu     sync.Mutex // guards all below; never held together with a shard's lock
	byFlow map[FlowID]map[AOR]struct{}
	gone   map[FlowID]time.Time // closed lately: a REGISTER still on its way through the mailbox may name it
}

func newRegisteredFlows() *registeredFlows {
	return &registeredFlows{byFlow: make(map[FlowID]map[AOR]struct{}), gone: make(map[FlowID]time.Time)}
}

// add notes that an AOR registers on a flow; false means that the flow is closed already.
func (f *registeredFlows) add(id FlowID, aor AOR) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, closed := f.gone[id]; closed {
		return false
	}
	aors := f.byFlow[id]
	if aors == nil {
		aors = make(map[AOR]struct{}, 1)
		f.byFlow[id] = aors
	}
	aors[aor] = struct{}{}
	return true
}

// closed forgets a flow and returns the AORs that were on it.
func (f *registeredFlows) closed(id FlowID, now time.Time) map[AOR]struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	aors := f.byFlow[id]
	delete(f.byFlow, id)
	f.gone[id] = now
	return aors
}

// sweep forgets flows that were closed so long ago that nothing on them is under way.
func (f *registeredFlows) sweep(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, at := range f.gone {
		if now.Sub(at) > retransmitTime {
			delete(f.gone, id)
		}
	}
}

// isStream reports whether a transport has connections that end.
func isStream(transport string) bool { return transport != "UDP" }
