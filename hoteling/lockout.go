package hoteling

import "time"

// Failed proofs, of one guest or on one host, lock that guest or host for a while. This has nothing to do with the mailbox
// whose PIN it is.
const (
	lockAfter = 5
	lockTime  = 15 * time.Minute // counted from the last failure that counts; failures older than this are forgotten
)

// lockouts counts failures by Ref. The zero value is ready.
type lockouts map[uint64]*failures

type failures struct {
	count int
	last  time.Time
}

// failed counts a failure and says whether it locks.
func (l *lockouts) failed(ref uint64, now time.Time) (locks bool) {
	if *l == nil {
		*l = make(lockouts)
	}
	f := (*l)[ref]
	if f == nil || now.Sub(f.last) >= lockTime {
		f = &failures{}
		(*l)[ref] = f
	}
	f.count++
	f.last = now
	return f.count == lockAfter
}

// locked says whether no proof counts now. What fails while locked is not counted: whoever waits gets in.
func (l lockouts) locked(ref uint64, now time.Time) bool {
	f := l[ref]
	return f != nil && f.count >= lockAfter && now.Sub(f.last) < lockTime
}

// passed forgets the failures of who has proven themselves.
func (l lockouts) passed(ref uint64) { delete(l, ref) }

// sweep forgets what no longer counts.
func (l lockouts) sweep(now time.Time) {
	for ref, f := range l {
		if now.Sub(f.last) >= lockTime {
			delete(l, ref)
		}
	}
}
