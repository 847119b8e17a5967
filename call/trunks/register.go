package trunks

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"time"

	"passerelle/call"
	"passerelle/sip"
)

const (
	registerTime    = 8 * time.Second // for an answer of one way
	unregisterTime  = 2 * time.Second // at the end
	registerMost    = 5 * time.Minute // between attempts after a failure, and of what a Retry-After may ask
	registerRefused = 5 * time.Minute // before what was refused is tried again
	registerLongest = 24 * time.Hour  // of what a 423 may ask
	registerFresh   = 30              // CSeqs that a request without answer may have used
)

// registration keeps us registered with one trunk (RFC 3261 §10.2). Its run is the only one to send; what others look at is
// guarded by the keeper's mu.
type registration struct {
	k      *keeper
	callID string
	poke   chan struct{} // asks to register now

	// ---- owned by run ----
	cseq     uint32
	seconds  int // that are asked for
	failures int

	// ---- guarded by k.mu ----
	state      RegistrationState
	connection uint64 // that the registrar knows us by
	tried      bool   // there was an answer, or none in time
}

func newRegistration(k *keeper) *registration {
	return &registration{
		k: k, callID: rand.Text() + "@" + k.own.Site.Domain, cseq: 1, seconds: k.own.RegisterSeconds, poke: make(chan struct{}, 1),
	}
}

// aliveLocked says whether the registrar holds our registration, as far as we know.
func (r *registration) aliveLocked() bool { return time.Now().Before(r.state.Expires) }

// again asks for a registration now. It never waits.
func (r *registration) again() {
	select {
	case r.poke <- struct{}{}:
	default:
	}
}

// seen is told by which connection a way is reached. Another one than we registered by means that calls to us would go to
// one that is gone (RFC 5626 §4.4).
func (r *registration) seen(hop sip.Hop, connection uint64) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	if connection != 0 && r.aliveLocked() && r.state.Way == hop && r.connection != connection {
		r.connection = connection
		r.again()
	}
}

// run registers, and again before the registration ends, until ctx is done; then it unregisters.
func (r *registration) run(ctx context.Context) {
	for ctx.Err() == nil {
		next := retryFirst
		r.k.t.guarded(func() { next = r.round(ctx) })
		pause(ctx, next, r.poke)
	}
	r.k.t.guarded(func() { r.unregister(context.WithoutCancel(ctx)) })
}

// outcome is how an attempt to register ended.
type outcome struct {
	granted time.Duration
	err     error
	final   bool          // the registrar itself says no: another way would not help
	wait    time.Duration // least time before the next attempt by this way
}

// round tries each way once, until one takes the registration, and says when to come back.
func (r *registration) round(ctx context.Context) (next time.Duration) {
	hops := r.hops()
	if len(hops) == 0 {
		return retryFirst // it is told when there are some
	}
	var fault error
	var wait time.Duration
	for _, hop := range hops {
		o := r.register(ctx, hop)
		switch {
		case ctx.Err() != nil:
			return 0
		case o.err == nil:
			r.failures = 0
			return refreshIn(o.granted)
		case o.final:
			r.fail(o.err)
			return max(o.wait, jitter(registerRefused))
		}
		if fault = o.err; wait == 0 || o.wait < wait {
			wait = o.wait
		}
	}
	r.fail(fault)
	r.failures++
	return max(wait, jitter(backoff(r.failures, registerMost)))
}

// hops begins a round: the ways to try, where we are registered first, then as calls do.
func (r *registration) hops() []sip.Hop {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	select {
	case <-r.poke: // this round serves whoever asked, all under the lock
	default:
	}
	var all []sip.Hop
	for _, w := range r.k.inOrderLocked() {
		all = append(all, w.hop)
	}
	return all
}

// refreshIn leaves a fifth of a registration's life for attempts that fail, and at least a few seconds between two.
func refreshIn(granted time.Duration) time.Duration {
	return max(jitter(granted*8/10), min(granted/2, retryFirst), time.Second)
}

// register registers by one way.
func (r *registration) register(ctx context.Context, hop sip.Hop) outcome {
	for {
		res, err := r.send(ctx, hop, r.seconds)
		switch {
		case err != nil:
			r.k.t.metrics.registers.WithLabelValues(string(resultFailed)).Inc()
			return outcome{err: err}
		case res.Code >= 200 && res.Code <= 299:
			r.k.t.metrics.registers.WithLabelValues(string(resultOK)).Inc()
			return outcome{granted: r.took(hop, res)}
		}
		r.k.t.metrics.registers.WithLabelValues(string(resultRefused)).Inc()
		least, told := res.LeastExpires()
		if s := int(least / time.Second); res.Code == 423 && told && s > r.seconds && least <= registerLongest {
			r.seconds = s // RFC 3261 §10.2.8
			continue
		}
		o := outcome{err: &sip.StatusError{Code: res.Code, Reason: res.Reason}, final: res.Code != 408 && res.Code < 500}
		if after, asked := res.RetryAfter(); asked {
			o.wait = min(after, registerMost)
		}
		return o
	}
}

// send sends REGISTER (RFC 3261 §10.2.1); seconds is 0 to unregister.
func (r *registration) send(ctx context.Context, hop sip.Hop, seconds int) (*sip.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, registerTime, silence(registerTime))
	defer cancel()
	tr := r.k.own
	res, err := r.k.t.cfg.Requests.Request(ctx, sip.Request{
		Method: "REGISTER", Target: hop.Target(call.RegistrarURI(tr)), To: call.AccountURI(tr), CallID: r.callID, CSeq: r.cseq,
		ContactUser: call.AccountUser(tr), ContactParams: ";line=" + r.k.line,
		Headers:     []sip.Header{{Name: "Expires", Value: strconv.Itoa(seconds)}},
		Credentials: call.TrunkCredentials(tr),
	})
	if err != nil {
		r.cseq += registerFresh
		return nil, err
	}
	r.cseq = res.CSeq + 1
	return res, nil
}

// took notes a registration.
func (r *registration) took(hop sip.Hop, res *sip.Response) (granted time.Duration) {
	granted, ok := res.Granted()
	if !ok || granted <= 0 {
		granted = time.Duration(r.seconds) * time.Second
	}
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	now := time.Now()
	if !r.aliveLocked() || r.state.Way != hop {
		r.state.Since = now
		r.k.log.Info("registered with a trunk", "way", hop.String(), "seconds", int(granted/time.Second))
	}
	r.state.Way, r.state.Expires, r.state.Cause, r.state.Why = hop, now.Add(granted), "", ""
	r.connection, r.tried = res.Connection, true
	if i := slices.IndexFunc(r.k.ways, func(w *way) bool { return w.hop == hop }); i >= 0 {
		r.k.setLocked(r.k.ways[i], Up, trouble{})
	}
	r.k.noteLocked()
	return granted
}

// fail notes why there is no registration; one that is still alive stays.
func (r *registration) fail(err error) {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.tried = true
	r.state.Cause, r.state.Why = causeOf(err), inWords(err)
	if !r.aliveLocked() {
		r.state.Since = time.Now()
	}
	r.k.log.Warn("not registered with a trunk", "registered", r.aliveLocked(), "err", err)
	r.k.noteLocked()
}

// unregister ends a registration (RFC 3261 §10.2.2).
func (r *registration) unregister(ctx context.Context) {
	r.k.mu.Lock()
	alive, hop := r.aliveLocked(), r.state.Way
	r.state.Expires = time.Time{}
	r.k.mu.Unlock()
	if !alive {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, unregisterTime)
	defer cancel()
	if _, err := r.send(ctx, hop, 0); err != nil {
		r.k.log.Info("registration not ended", "err", err)
	}
}
