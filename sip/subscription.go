package sip

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Subscription is our side of one subscription, the notifier's (RFC 6665 §4.2), in a dialog of its own.
//
// Its NOTIFYs leave one after the other, each when the one before was answered. No method waits for anything; all may be
// called from anywhere, but State, OnRefresh and Require, which are for EventPackage.Subscribe.
type Subscription struct {
	s     *Server
	log   *slog.Logger
	pkg   EventPackage
	id    DialogID
	facts subscriberFacts
	key   phoneKey

	ctx    context.Context // ends with the subscription
	cancel context.CancelCauseFunc
	turns  turns
	stale  atomic.Bool // Changed was called and its turn has not come
	onFlow FlowID      // connection it ends with, 0 for none; guarded by subscriptions.mu

	// ---- owned by its turns ----

	stage     subscriptionStage
	state     StateFunc
	onRefresh func(Asked)
	require   []string // option tags for our answers and NOTIFYs
	expires   time.Time
	expiry    *time.Timer

	held     bool // a SUBSCRIBE is being worked off: nothing leaves
	leaving  bool // it ends the subscription
	queue    []notification
	whenSent []func()
	outgoing *notifyCall
	pause    *time.Timer // until the peer's Retry-After is over, nil when nothing keeps us

	flow      flow
	peer      Source            // where the peer's latest SUBSCRIBE came from
	target    sipmsg.Uri        // remote target (RFC 3261 §12.2.1.1)
	routes    []sipmsg.Uri      // route set
	local     sipmsg.FromHeader // our address with our tag
	remote    sipmsg.ToHeader   // the peer's with its tag
	firstSeq  uint32            // of our CSeqs; none was used while localSeq is the same
	localSeq  uint32
	remoteSeq uint32
	sessionID sessionID
}

// subscriptionStage is how far a subscription has come.
type subscriptionStage int

const (
	subscriptionNew    subscriptionStage = iota // not answered yet
	subscriptionActive                          // answered with 200
	subscriptionEnding                          // the last NOTIFY is queued or under way
	subscriptionOver                            // nothing left to do
)

// subscriberFacts is what the first SUBSCRIBE tells; it does not change.
type subscriberFacts struct {
	line      Line // proven
	event     string
	eventID   string
	params    map[string]string
	resource  URI
	aor       AOR // of the resource, empty if it is nobody's
	accept    []string
	supported []string
	contact   string
	userAgent string
	device    string
	first     Asked
}

// Asked is what one SUBSCRIBE asks for.
type Asked struct {
	First       bool          // it made the dialog
	Expires     time.Duration // granted; 0 ends the subscription, or in a first one only fetches the state
	ContentType string        // as the peer wrote it, empty without a body
	Body        []byte        // nil if there is none
	Source      Source        // the way it came
}

// StateFunc returns the body of a NOTIFY when it is about to leave. full asks for the whole state: in the first NOTIFY,
// after a refresh, after Resend and in the last one; else what changed since the call before will do. A NOTIFY with
// nothing to tell is not sent unless it is a full one. It must not wait.
type StateFunc func(full bool) (contentType string, body []byte)

// ID returns the dialog's identity.
func (s *Subscription) ID() DialogID { return s.id }

// Username returns the digest user name that was proven.
func (s *Subscription) Username() string { return s.facts.line.Username }

// AOR returns the canonical AOR of the subscriber's line.
func (s *Subscription) AOR() AOR { return s.facts.line.AOR }

// Event returns the event type as the peer wrote it, without its parameters.
func (s *Subscription) Event() string { return s.facts.event }

// EventID returns the id parameter of the Event header, empty if absent.
func (s *Subscription) EventID() string { return s.facts.eventID }

// EventParam returns a parameter of the Event header.
func (s *Subscription) EventParam(name string) (value string, ok bool) {
	value, ok = s.facts.params[strings.ToLower(name)]
	return value, ok
}

// Resource returns the URI that is subscribed to: the Request-URI, or that of To where the Request-URI names no user, as
// desk phones send it.
func (s *Subscription) Resource() URI { return s.facts.resource }

// ResourceAOR returns the AOR of the line that the resource is; ok is false when it is no line.
func (s *Subscription) ResourceAOR() (aor AOR, ok bool) { return s.facts.aor, s.facts.aor != "" }

// Own reports whether the subscriber asks about its own line, or one it may register.
func (s *Subscription) Own() bool {
	return s.facts.aor != "" && (s.facts.aor == s.facts.line.AOR || slices.Contains(s.facts.line.AORs, s.facts.aor))
}

// First returns what the SUBSCRIBE asked that made the dialog.
func (s *Subscription) First() Asked { return s.facts.first }

// Contact returns the URI of the subscriber's phone as its first SUBSCRIBE had it.
func (s *Subscription) Contact() string { return s.facts.contact }

// UserAgent returns the User-Agent of the first SUBSCRIBE.
func (s *Subscription) UserAgent() string { return s.facts.userAgent }

// Device returns what tells the phone from others of its line: its instance, or "mac:…" of its User-Agent, as in
// Binding.Instance; empty if it has neither.
func (s *Subscription) Device() string { return s.facts.device }

// Accepts reports whether the subscriber takes bodies of a media type. One without Accept takes its package's default.
func (s *Subscription) Accepts(mediaType string) bool {
	return len(s.facts.accept) == 0 || accepts(s.facts.accept, strings.ToLower(mediaType))
}

// Supports reports whether the subscriber's Supported header, or Require, has an option tag.
func (s *Subscription) Supports(tag string) bool {
	return slices.ContainsFunc(s.facts.supported, func(t string) bool { return strings.EqualFold(t, tag) })
}

// Done is closed when the subscription has ended; its last NOTIFY may still be under way then.
func (s *Subscription) Done() <-chan struct{} { return s.ctx.Done() }

// Cause returns why the subscription ended, nil while it lives.
func (s *Subscription) Cause() error { return context.Cause(s.ctx) }

// State sets what makes the bodies, and queues a NOTIFY with the full state. Refreshes are answered by the full state
// then, unless OnRefresh is set; so is the end.
func (s *Subscription) State(f StateFunc) {
	s.state = f
	s.enqueue(notification{full: true})
}

// OnRefresh sets what is called for each further SUBSCRIBE of the dialog, on the owner, after its 200 has left. It is
// for the package then to send what the SUBSCRIBE is owed (RFC 6665 §4.2.1.2): Resend as a rule.
func (s *Subscription) OnRefresh(f func(Asked)) { s.onRefresh = f }

// Require puts an option tag into the Require header of our 200s and NOTIFYs, such as "eventlist" (RFC 4662 §4.4).
func (s *Subscription) Require(tag string) { s.require = append(s.require, tag) }

// Changed queues a NOTIFY with what changed, made by the StateFunc when it leaves. While one waits, Changed adds nothing.
func (s *Subscription) Changed() {
	if s.stale.CompareAndSwap(false, true) {
		s.post(func() {
			s.stale.Store(false)
			s.enqueue(notification{})
		})
	}
}

// Resend queues a NOTIFY with the full state, made by the StateFunc when it leaves.
func (s *Subscription) Resend() { s.post(func() { s.enqueue(notification{full: true}) }) }

// Notify queues a NOTIFY with this body; an empty body has no content type. Unlike states, which supersede one another
// while they wait, each of these is sent.
func (s *Subscription) Notify(contentType string, body []byte) {
	s.post(func() { s.enqueue(notification{given: true, contentType: contentType, body: body}) })
}

// WhenSent calls f on the owner once all that is queued has left, or never will because the subscription is over. What is to
// be shown on a phone after this goes there.
func (s *Subscription) WhenSent(f func()) {
	if !s.post(func() { s.whenSent = append(s.whenSent, f); s.pump() }) {
		f()
	}
}

// EndReason is the reason in the Subscription-State of a last NOTIFY (RFC 6665 §4.1.3): it tells the subscriber whether
// to come back.
type EndReason string

// The reasons.
const (
	EndDeactivated EndReason = "deactivated" // subscribe again at once
	EndProbation   EndReason = "probation"   // subscribe again later
	EndRejected    EndReason = "rejected"    // do not come back: no longer allowed
	EndTimeout     EndReason = "timeout"     // not refreshed, or asked for
	EndGiveUp      EndReason = "giveup"      // not authorized in time
	EndNoResource  EndReason = "noresource"  // do not come back: the resource is gone
	EndInvariant   EndReason = "invariant"   // do not come back: the state will not change
)

// Terminate ends the subscription with a last NOTIFY. retryAfter is told the subscriber when positive; it counts for
// EndProbation and EndGiveUp.
func (s *Subscription) Terminate(reason EndReason, retryAfter time.Duration) {
	s.post(func() { s.end(reason, retryAfter, ErrTerminated) })
}

// post gives work to the owner and reports whether it will be done.
func (s *Subscription) post(f func()) bool { return s.turns.post(0, s.guarded(f)) }

// guarded makes work that ends the subscription when it panics.
func (s *Subscription) guarded(f func()) func() {
	return func() {
		defer func() {
			if p := recover(); p != nil {
				s.s.panicked(ownerSubscriber, p)
				s.over(ErrPanic)
			}
		}()
		f()
	}
}
