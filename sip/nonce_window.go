package sip

import (
	"sync"
	"time"
)

// nonceUse is the outcome of a use of a nonce.
type nonceUse int

const (
	nonceFresh  nonceUse = iota // a count not seen before
	nonceAgain                  // the very request that used this count, retransmitted
	nonceReplay                 // a count used by another request, or so old that nobody knows
)

// retransmitTime is how long a request may be sent again over UDP: 64*T1 (RFC 3261 §17.1.2.2).
const retransmitTime = 32 * time.Second

// nonceWindow remembers which counts of one nonce were used: the 64 up to top (RFC 7616 §3.4.5 wants them used once;
// requests on different roads may arrive in another order).
type nonceWindow struct {
	top    uint32
	bits   uint64 // bit i is count top-i
	recent [4]recentUse
	next   uint8 // place in recent to overwrite
}

// recentUse is a request that used the nonce lately, so that its retransmission is told from a replay.
type recentUse struct {
	request uint64 // hash of what identifies it
	until   int64  // Unix seconds
}

func (w *nonceWindow) use(count uint32, request uint64, now int64) nonceUse {
	switch {
	case count == 0:
		return nonceReplay
	case count > w.top:
		if shift := count - w.top; shift < 64 {
			w.bits <<= shift
		} else {
			w.bits = 0
		}
		w.bits |= 1
		w.top = count
	default:
		back := w.top - count
		if back >= 64 || w.bits&(1<<back) != 0 {
			for _, r := range w.recent {
				if r.request == request && now <= r.until {
					return nonceAgain
				}
			}
			return nonceReplay
		}
		w.bits |= 1 << back
	}
	w.recent[w.next%4] = recentUse{request: request, until: now + int64(retransmitTime/time.Second)}
	w.next++
	return nonceFresh
}

// nonceUses holds the windows of the nonces in use, bounded in number and time. Only proven requests enter, so that
// strangers cannot fill it. A shard has two generations: what was not used for one whole generation is forgotten, and
// then nonces up to the newest forgotten one count as used up, since nobody knows better.
type nonceUses struct {
	life   time.Duration
	most   int // windows per generation and shard
	shards [nonceShards]nonceShard
}

const nonceShards = 16

type nonceShard struct {
	mu    sync.Mutex // guards all below, held for map operations only
	young map[uint64]*nonceWindow
	old   map[uint64]*nonceWindow
	since time.Time // when young began
	floor uint64    // nonces up to here that are in neither map are used up
}

func newNonceUses(most int, life time.Duration) *nonceUses {
	return &nonceUses{life: life, most: max(most/(2*nonceShards), 1)}
}

// use records that a nonce was used with a count by a request.
func (u *nonceUses) use(seq uint64, count uint32, request uint64, now time.Time) nonceUse {
	s := &u.shards[seq%nonceShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turnLocked(now, u.life, u.most)
	w := s.young[seq]
	if w == nil {
		if w = s.old[seq]; w != nil {
			delete(s.old, seq)
		} else if seq <= s.floor {
			return nonceReplay
		} else {
			w = &nonceWindow{}
		}
		s.young[seq] = w
	}
	return w.use(count, request, now.Unix())
}

// turnLocked begins a new generation when the young one is full or has lasted the life of a nonce.
func (s *nonceShard) turnLocked(now time.Time, life time.Duration, most int) {
	if s.young != nil && len(s.young) < most && now.Sub(s.since) <= life {
		return
	}
	for seq := range s.old {
		s.floor = max(s.floor, seq)
	}
	s.old, s.young, s.since = s.young, make(map[uint64]*nonceWindow), now
}

func (u *nonceUses) len() int {
	n := 0
	for i := range u.shards {
		s := &u.shards[i]
		s.mu.Lock()
		n += len(s.young) + len(s.old)
		s.mu.Unlock()
	}
	return n
}
