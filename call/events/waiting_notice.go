package events

import (
	"context"
	"errors"
	"sync"
	"time"

	"passerelle/sip"
)

// Notices sends NOTIFYs outside subscriptions to the phones of a line.
type Notices interface {
	Bindings(aor sip.AOR) []sip.Binding
	Notify(ctx context.Context, n sip.Notice) error
}

// notice asks for a lamp to be lit on a phone that does not subscribe.
type notice struct {
	binding sip.Binding
	only    bool // only when something waits: a fresh phone shows nothing as it is
}

const (
	noticeQueue   = 4096            // notices waiting; more are dropped and counted
	noticesAtOnce = 64              // phones told at the same time
	noticeGrace   = 5 * time.Second // in which a phone that has registered may subscribe
	noticeLimit   = 35 * time.Second
)

// Run lights the lamps of phones that do not subscribe until ctx is done. Without it only subscribers are told.
func (m *MessageWaiting) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	defer wait.Wait()
	room := make(chan struct{}, noticesAtOnce)
	for {
		select {
		case n := <-m.notices:
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			wait.Go(func() { // ends with the phone's answer, or ctx; Run waits
				defer func() { <-room }()
				m.light(ctx, n)
			})
		case <-ctx.Done():
			return nil
		}
	}
}

// Registered lights the lamp of a phone that has registered and does not subscribe within a few seconds. It is an observer
// of the registrar.
func (m *MessageWaiting) Registered(c sip.Change) {
	if c.Kind != sip.Registered || m.cfg.Notices == nil {
		return
	}
	time.AfterFunc(noticeGrace, func() { m.queue(notice{binding: c.Binding, only: true}) })
}

// Light shows a phone that does not subscribe the mailbox of its user, who is another now. It never waits.
func (m *MessageWaiting) Light(b sip.Binding) {
	if m.cfg.Notices != nil {
		m.queue(notice{binding: b})
	}
}

// tellOthers lights the lamps of a line's phones that do not subscribe.
func (m *MessageWaiting) tellOthers(aor sip.AOR) {
	if m.cfg.Notices == nil {
		return
	}
	for _, b := range m.cfg.Notices.Bindings(aor) {
		m.queue(notice{binding: b})
	}
}

func (m *MessageWaiting) queue(n notice) {
	if m.subscribes(&n.binding) || n.only && !m.cfg.Mailboxes.Summary(m.userOf(&n.binding)).Waiting {
		return
	}
	select {
	case m.notices <- n:
	default:
		m.metrics.notices.WithLabelValues(string(noticeDropped)).Inc()
	}
}

// subscribes reports whether a phone gets its NOTIFYs in a subscription.
func (m *MessageWaiting) subscribes(b *sip.Binding) bool {
	for _, s := range m.shown.on(b.Username) {
		if s.Device() == b.Instance || s.Contact() == b.Contact {
			return true
		}
	}
	return false
}

// userOf returns the line whose mailbox a phone shows.
func (m *MessageWaiting) userOf(b *sip.Binding) sip.AOR {
	if m.cfg.Phones != nil {
		if user, ok := m.cfg.Phones.UserOf(b.Username); ok {
			return user
		}
	}
	return b.AOR
}

// light tells one phone.
func (m *MessageWaiting) light(ctx context.Context, n notice) {
	b := &n.binding
	if m.subscribes(b) || !b.Reachable() {
		return
	}
	aor := m.userOf(b)
	ctx, cancel := context.WithTimeout(ctx, noticeLimit)
	defer cancel()
	err := m.cfg.Notices.Notify(ctx, sip.Notice{
		Target: b.Target(), To: b.AOR.URI(), Event: m.Name(), ContentType: SummaryType, Body: m.cfg.Mailboxes.Summary(aor).Body(aor.URI()),
	})
	outcome := noticeTaken
	if err != nil {
		outcome = noticeRefused
		if se, ok := errors.AsType[*sip.StatusError](err); !ok || se.Code == 408 {
			outcome = noticeLost
		}
		m.log.DebugContext(ctx, "message waiting not told", "aor", b.AOR, "remote", b.Source.Remote, "err", err)
	}
	m.metrics.notices.WithLabelValues(string(outcome)).Inc()
}
