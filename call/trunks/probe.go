package trunks

import (
	"context"
	"time"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/sip"
)

const (
	probeTime    = 4 * time.Second  // for an answer; by UDP the request has left four times by then
	probeMost    = 2 * time.Minute  // between probes of a way that is down
	restTime     = 30 * time.Second // that a way counts as down which is never probed
	mostPutOff   = 5 * time.Minute  // of what a Retry-After asks
	sipOptions   = "OPTIONS"
	acceptedBody = "application/sdp"
)

// probe asks one way again and again whether it answers, until ctx is done.
func (k *keeper) probe(ctx context.Context, w *way) {
	failures := 0
	for ctx.Err() == nil {
		next := retryFirst
		k.t.guarded(func() { next = k.probeOnce(ctx, w, &failures) })
		pause(ctx, jitter(next), w.poke)
	}
}

// probeOnce asks once and says when to ask again.
func (k *keeper) probeOnce(ctx context.Context, w *way, failures *int) (next time.Duration) {
	k.mu.Lock()
	condition, since, answered := w.condition, w.since, w.answered
	k.mu.Unlock()
	tr := k.own
	if tr.NoProbe {
		if condition == Down && time.Since(since) >= restTime {
			k.set(w, Unknown, trouble{})
		}
		return restTime
	}
	interval := time.Duration(tr.ProbeSeconds) * time.Second
	res, err := k.ask(ctx, tr, w.hop)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		k.t.metrics.probes.WithLabelValues(string(resultFailed)).Inc()
	case res.Code == 408 || res.Code == 503:
		k.t.metrics.probes.WithLabelValues(string(resultRefused)).Inc()
		err = &sip.StatusError{Code: res.Code, Reason: res.Reason}
	default: // whatever it says, it is there to say it
		k.t.metrics.probes.WithLabelValues(string(resultOK)).Inc()
		*failures = 0
		k.mu.Lock()
		w.answered = true
		k.setLocked(w, Up, trouble{})
		k.mu.Unlock()
		if k.reg != nil {
			k.reg.seen(w.hop, res.Connection)
		}
		return interval
	}
	*failures++
	if res == nil && !answered && k.registeredBy(w) {
		return interval // it takes registrations and knows no OPTIONS
	}
	k.set(w, Down, troubleOf(err))
	next = min(backoff(*failures, probeMost), max(interval, retryFirst))
	if res != nil {
		if wait, asked := res.RetryAfter(); asked {
			next = max(next, min(wait, mostPutOff))
		}
	}
	return next
}

// ask sends OPTIONS to one way (RFC 3261 §11.1).
func (k *keeper) ask(ctx context.Context, tr *directory.Trunk, hop sip.Hop) (*sip.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, probeTime, silence(probeTime))
	defer cancel()
	from := "sip:" + tr.Site.Domain
	if tr.Auth == directory.AuthRegister {
		from = call.AccountURI(tr)
	}
	return k.t.cfg.Requests.Request(ctx, sip.Request{
		Method: sipOptions, Target: hop.Target(call.RegistrarURI(tr)), From: from,
		Headers: []sip.Header{{Name: "Accept", Value: acceptedBody}}, Credentials: call.TrunkCredentials(tr),
	})
}
