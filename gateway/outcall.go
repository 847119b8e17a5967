package gateway

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/directory"
	"passerelle/party"
	"passerelle/sip"
)

// Dialer makes the calls of spaces; call.Root satisfies it.
type Dialer interface {
	// Check says why a line that pays may not have a space call a target now, nil if it may.
	Check(payer *directory.User, target string) error
	// DialOut calls a target for a space and returns a party in the lobby when somebody has answered. The callee has no
	// User when it is not a phone of ours. progress is told of provisional answers. ctx cancels until the answer.
	DialOut(ctx context.Context, space *directory.Space, payer *directory.User, target string, progress func(code int)) (*party.Party, directory.Caller, error)
}

// OutcallState is how far a call of a space is.
type OutcallState string

const (
	OutcallCalling    OutcallState = "calling"    // nothing came back yet
	OutcallRinging    OutcallState = "ringing"    // a phone rings
	OutcallConfirming OutcallState = "confirming" // answered outside; the key that enters has not been pressed
	OutcallIn         OutcallState = "in"         // the callee is on the bridge
	OutcallEnded      OutcallState = "ended"      // the callee was on the bridge and is gone
	OutcallFailed     OutcallState = "failed"     // Code and Reason tell why
	OutcallCancelled  OutcallState = "cancelled"  // before the callee was in
)

// OutcallInfo is a snapshot of one call of a space.
type OutcallInfo struct {
	ID          string // unique on this server while it runs
	Space       string // ref
	To          string // as asked for
	State       OutcallState
	Code        int    // SIP status of a failure, else 0
	Reason      string // of a failure, for people
	Participant string // ID of the seat that is kept for the callee, empty once it is over
	Since       time.Time
	Ended       time.Time // zero before
}

// Over says whether the call has ended, one way or the other.
func (i OutcallInfo) Over() bool { return !i.Ended.IsZero() }

// outcall is one call of a space.
type outcall struct {
	space  *directory.Space
	payer  *directory.User
	cancel context.CancelCauseFunc
	// told is told of each change of state; it may be nil and must not wait.
	told func(OutcallInfo)
	done chan struct{} // closed when the call is over and its seat is free

	mu   sync.Mutex
	info OutcallInfo
	err  error // why the callee never was in
}

// failure is why the callee never was in.
func (o *outcall) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// state gives a snapshot.
func (o *outcall) state() OutcallInfo {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.info
}

// change changes the state and tells of it.
func (o *outcall) change(f func(*OutcallInfo)) {
	o.mu.Lock()
	f(&o.info)
	info := o.info
	o.mu.Unlock()
	if o.told != nil {
		o.told(info)
	}
}

// rings notes a provisional answer.
func (o *outcall) rings(code int) {
	if code < 180 {
		return
	}
	o.change(func(i *OutcallInfo) {
		if i.State == OutcallCalling {
			i.State = OutcallRinging
		}
	})
}

// over notes the end of the call: err is nil when the callee was in.
func (o *outcall) over(err error) {
	o.change(func(i *OutcallInfo) {
		o.err = err
		i.Ended, i.Participant = time.Now(), ""
		switch {
		case err == nil:
			i.State = OutcallEnded
		case errors.Is(err, errCancelled):
			i.State = OutcallCancelled
		default:
			i.State = OutcallFailed
			i.Code, i.Reason = sip.StatusOf(err)
		}
	})
}

// outcalls are the calls of spaces, those that are over for a while too. The zero value is ready.
type outcalls struct {
	last atomic.Uint64
	wg   sync.WaitGroup // of their goroutines

	mu  sync.Mutex
	all []*outcall // the oldest first
}

const (
	outcallMemory = 10 * time.Minute // how long a call that is over can be asked for
	outcallsKept  = 1000             // of those that are over
)

// add numbers a call and remembers it.
func (os *outcalls) add(o *outcall) {
	o.info.ID = strconv.FormatUint(os.last.Add(1), 10)
	os.mu.Lock()
	defer os.mu.Unlock()
	os.pruneLocked()
	os.all = append(os.all, o)
}

// pruneLocked forgets what is over for long, and the oldest when there are too many.
func (os *outcalls) pruneLocked() {
	over := 0
	for _, o := range os.all {
		if o.state().Over() {
			over++
		}
	}
	now := time.Now()
	os.all = slices.DeleteFunc(os.all, func(o *outcall) bool {
		i := o.state()
		if !i.Over() || over <= outcallsKept && now.Sub(i.Ended) < outcallMemory {
			return false
		}
		over--
		return true
	})
}

// of gives those of a space, the oldest first.
func (os *outcalls) of(space string) []*outcall {
	os.mu.Lock()
	defer os.mu.Unlock()
	os.pruneLocked()
	var all []*outcall
	for _, o := range os.all {
		if o.space.Ref == space {
			all = append(all, o)
		}
	}
	return all
}

// find gives one call of a space, nil if there is none with that ID.
func (os *outcalls) find(space, id string) *outcall {
	for _, o := range os.of(space) {
		if o.info.ID == id { // does not change
			return o
		}
	}
	return nil
}

// cancelWaiting ends the calls that are meant and whose callees are not in yet, and gives them.
func (os *outcalls) cancelWaiting(cause error, meant func(OutcallInfo) bool) []*outcall {
	os.mu.Lock()
	all := slices.Clone(os.all)
	os.mu.Unlock()
	return slices.DeleteFunc(all, func(o *outcall) bool {
		i := o.state()
		if i.Over() || i.State == OutcallIn || !meant(i) {
			return true
		}
		o.cancel(cause)
		return false
	})
}
