package sip

import "slices"

// Transactions outlive the legs that they belong to, by 32 seconds as a rule, to answer what is repeated (RFC 3261 §17). They do not keep
// the leg with all that it knows.

// keep makes the leg the owner of an INVITE of its peer.
func (l *Leg) keep(tx *serverTx) {
	tx.leg.Store(l)
	l.took = append(slices.DeleteFunc(l.took, func(tx *serverTx) bool { return isDone(tx.Done()) }), tx)
}

// release parts with all transactions of a leg that has ended.
func (l *Leg) release() {
	for _, tx := range l.took {
		tx.release(l.id.LocalTag)
	}
	for _, tx := range l.sent {
		tx.release()
	}
	l.took, l.sent = nil, nil
}

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
