package sip

import (
	"slices"
	"time"
)

// record is all the registrar knows of one AOR. It is owned by its shard's lock.
type record struct {
	bound []*bound
	seen  []seenRegister // REGISTERs of the last 32 s that changed something, also when nothing is bound any more
}

// bound is a binding in memory with what is known of its copy in the store.
type bound struct {
	Binding
	stored time.Time // expiry the store knows, zero when it knows none
	dirty  bool      // refreshed since it was stored
}

// seenRegister is a REGISTER that was worked off: its retransmission gets the same answer, an older one that comes late
// changes nothing.
type seenRegister struct {
	callID, branch uint64 // hashes
	cseq           uint32
	at             time.Time
}

const maxSeen = 16 // per AOR; the oldest goes first

// order says how a REGISTER stands to those before it.
type order int

const (
	orderNew   order = iota
	orderAgain       // the same, retransmitted
	orderLate        // older than one that was worked off in the last 32 s
)

// orderOf compares a REGISTER with what was seen of its Call-ID (RFC 3261 §10.3 step 7). Beyond 32 s no message of the
// network can be late any more: then a lower CSeq is a phone that rebooted and counts anew under its old Call-ID.
func (r *record) orderOf(callID, branch uint64, rq *registration, now time.Time) (order, time.Time) {
	r.seen = slices.DeleteFunc(r.seen, func(s seenRegister) bool { return now.Sub(s.at) >= retransmitTime })
	known := false
	for _, s := range r.seen {
		if s.callID != callID {
			continue
		}
		known = true
		if s.cseq == rq.cseq && s.branch == branch {
			return orderAgain, s.at
		}
		if rq.cseq <= s.cseq {
			return orderLate, s.at
		}
	}
	if known {
		return orderNew, now
	}
	for _, b := range r.bound { // loaded from the store, when the memory of requests was lost
		if b.CallID == rq.callID && rq.cseq < b.CSeq && now.Sub(b.Refreshed) < retransmitTime {
			return orderLate, b.Refreshed
		}
	}
	return orderNew, now
}

func (r *record) remember(callID, branch uint64, cseq uint32, now time.Time) {
	for i := range r.seen { // an older one of the same Call-ID says nothing more
		if r.seen[i].callID == callID {
			r.seen = slices.Delete(r.seen, i, i+1)
			break
		}
	}
	if len(r.seen) >= maxSeen {
		r.seen = slices.Delete(r.seen, 0, 1)
	}
	r.seen = append(r.seen, seenRegister{callID: callID, branch: branch, cseq: cseq, at: now})
}

// find returns the binding that a grant refreshes: that of its instance, wherever it was, else that of the same URI.
func (r *record) find(id, device, uri string, regID uint32) *bound {
	for _, b := range r.bound {
		if bindingID(&b.Binding) == id {
			return b
		}
	}
	for _, b := range r.bound {
		if sameContact(b.Contact, uri) && !b.otherFlow(device, regID) {
			return b
		}
	}
	return nil
}

// otherFlow reports whether a binding is another way to the same phone (RFC 5626 §4.2), which may have the same URI.
func (b *bound) otherFlow(device string, regID uint32) bool {
	return regID != 0 && b.RegID != 0 && b.RegID != regID && b.Instance == device
}

// victim returns the binding that has to go for a new one: one that cannot be reached, else one that did not answer, else
// the one that was silent longest. It is none that the present REGISTER made or refreshed: its clock was read before the
// lock was taken, so another phone's may be younger.
func (r *record) victim(rq *registration) *bound {
	var worst *bound
	rank := func(b *bound) int {
		switch {
		case !b.Reachable():
			return 2
		case b.Demoted:
			return 1
		}
		return 0
	}
	for _, b := range r.bound {
		if b.CallID == rq.callID && b.CSeq == rq.cseq {
			continue
		}
		if worst == nil || rank(b) > rank(worst) || rank(b) == rank(worst) && b.Refreshed.Before(worst.Refreshed) {
			worst = b
		}
	}
	return worst
}

func (r *record) remove(b *bound) {
	r.bound = slices.DeleteFunc(r.bound, func(x *bound) bool { return x == b })
}
