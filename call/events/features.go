package events

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/sip"
)

// FeatureKeysConfig says where feature keys get their facts.
type FeatureKeysConfig struct {
	Store   FeatureStore
	Phones  Phones // nil means that every phone is its owner's
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// FeatureKeys is the event package as-feature-event: do-not-disturb and forwardings, set on a phone or on the server, are
// the same on both.
type FeatureKeys struct {
	cfg     FeatureKeysConfig
	log     *slog.Logger
	metrics *featureMetrics
	shown   *shown[*keyWatch]
}

var _ sip.EventPackage = (*FeatureKeys)(nil)

// keyWatch is one subscription. All but sub belongs to the subscription's owner.
type keyWatch struct {
	k    *FeatureKeys
	sub  *sip.Subscription
	aor  sip.AOR // line that is shown
	told Features
	owed [docs]bool // asked for by the phone, so told even when it is as before
}

// featureWait bounds a change on its way to the disk.
const featureWait = 5 * time.Second

// NewFeatureKeys makes the package.
func NewFeatureKeys(cfg FeatureKeysConfig) *FeatureKeys {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	return &FeatureKeys{cfg: cfg, log: cfg.Log, metrics: newFeatureMetrics(cfg.Metrics), shown: newShown[*keyWatch]()}
}

// Name implements sip.EventPackage.
func (k *FeatureKeys) Name() string { return "as-feature-event" }

// Subscribe implements sip.EventPackage. A phone has keys for its own line only.
func (k *FeatureKeys) Subscribe(ctx context.Context, s *sip.Subscription) error {
	aor, ok := lineOf(k.cfg.Phones, s)
	if ok && !s.Own() {
		return errForbidden
	}
	if ok {
		_, ok = k.cfg.Store.Features(aor)
	}
	switch {
	case !ok:
		return errNotFound
	case !s.Accepts(FeatureType):
		return errAccept
	}
	w := &keyWatch{k: k, sub: s, aor: aor}
	k.shown.put(w, s.Username(), aor)
	context.AfterFunc(ctx, func() { k.shown.remove(w) })
	s.State(w.show)
	s.OnRefresh(w.refreshed)
	if first := s.First(); len(first.Body) > 0 {
		s.WhenSent(func() { w.refreshed(first) }) // the answer does not wait for the store
	}
	return nil
}

// refreshed takes a SUBSCRIBE of the dialog: with a body a key was pressed, without one it asks for all.
func (w *keyWatch) refreshed(a sip.Asked) {
	if len(a.Body) == 0 {
		w.sub.Resend()
		return
	}
	w.set(a)
	w.sub.Changed()
}

// set does what the phone asks for. What is refused is told by the state as it stays.
func (w *keyWatch) set(a sip.Asked) {
	changes, err := ParseFeatures(a.ContentType, a.Body)
	if err != nil {
		w.k.log.Warn("feature key not understood", "username", w.sub.Username(), "err", err)
		w.k.metrics.sets.WithLabelValues(string(setMalformed)).Inc()
		w.oweAll()
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), featureWait)
	defer cancel()
	for _, c := range changes {
		outcome := setDone
		if err := w.apply(ctx, c); err != nil {
			outcome = setRefused
			w.k.log.WarnContext(ctx, "feature key refused", "aor", w.line(), "username", w.sub.Username(), "err", err)
		}
		w.k.metrics.sets.WithLabelValues(string(outcome)).Inc()
	}
	w.k.Changed(w.line())
}

func (w *keyWatch) apply(ctx context.Context, c FeatureChange) error {
	aor := w.line()
	if c.DoNotDisturb != nil {
		w.owed[docDoNotDisturb] = true
		return w.k.cfg.Store.SetDoNotDisturb(ctx, aor, *c.DoNotDisturb)
	}
	w.owed[docForward+doc(c.Kind)] = true
	f := *c.Forward
	if now, ok := w.k.cfg.Store.Features(aor); ok {
		// A phone that switches a forwarding names its target only where it was changed there.
		f.Target = cmp.Or(f.Target, now.Forwards[c.Kind].Target)
		f.Seconds = cmp.Or(f.Seconds, now.Forwards[c.Kind].Seconds)
	}
	return w.k.cfg.Store.SetForward(ctx, aor, c.Kind, f)
}

func (w *keyWatch) oweAll() {
	for d := range w.owed {
		w.owed[d] = true
	}
}

// line is the line whose keys the phone has now.
func (w *keyWatch) line() sip.AOR {
	aor, _ := lineOf(w.k.cfg.Phones, w.sub)
	return aor
}

// show is the state of the keys, or what of it is news to the phone. It runs on the subscription's owner.
func (w *keyWatch) show(full bool) (string, []byte) {
	if aor := w.line(); aor != w.aor {
		w.aor, full = aor, true // the phone has another user now
	}
	now, _ := w.k.cfg.Store.Features(w.aor)
	var which []doc
	for d := range docs {
		if full || w.owed[d] || d.differs(&w.told, &now) {
			which = append(which, d)
		}
	}
	w.told, w.owed = now, [docs]bool{}
	if len(which) == 0 {
		return FeatureType, nil
	}
	return featureBody(&now, w.aor.User(), which)
}

// Changed tells the phones of a line that its features changed, wherever that was. It never waits.
func (k *FeatureKeys) Changed(aor sip.AOR) {
	for _, w := range k.shown.of(aor) {
		w.sub.Changed()
	}
}

// AllChanged tells all phones what changed of their lines' features, if anything did: the directory is another one now. It
// never waits.
func (k *FeatureKeys) AllChanged() {
	for _, w := range k.shown.all() {
		w.sub.Changed()
	}
}

// OwnerChanged shows another line's features on a phone whose user is another now. It never waits; done, if not nil, is
// called when the phone has been sent all it is to show.
func (k *FeatureKeys) OwnerChanged(username string, done func()) {
	list := k.shown.on(username)
	one := afterAll(len(list), done)
	for _, w := range list {
		k.shown.again(w, w.line())
		w.sub.Resend()
		w.sub.WhenSent(one)
	}
}
