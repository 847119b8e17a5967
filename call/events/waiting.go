package events

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/sip"
)

// MessageWaitingConfig says where message waiting gets its facts, and whom it tells besides its subscribers.
type MessageWaitingConfig struct {
	Mailboxes Mailboxes
	// LineOf names the line that an external mailbox calls so; nil knows lines by their own names only. It must not wait.
	LineOf  func(user, host string) (aor sip.AOR, ok bool)
	Phones  Phones  // nil means that every phone is its owner's
	Notices Notices // nil tells subscribers only
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// MessageWaiting is the event package message-summary (RFC 3842): the lamp for new messages. A line may watch its own
// mailboxes only.
type MessageWaiting struct {
	cfg     MessageWaitingConfig
	log     *slog.Logger
	metrics *waitingMetrics
	shown   *shown[*sip.Subscription]
	notices chan notice
}

var (
	_ sip.EventPackage   = (*MessageWaiting)(nil)
	_ sip.NoticeTaker    = (*MessageWaiting)(nil)
	_ sip.NoticeResolver = (*MessageWaiting)(nil)
)

// NewMessageWaiting makes the package. Run sends what phones get without a subscription.
func NewMessageWaiting(cfg MessageWaitingConfig) *MessageWaiting {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	if cfg.Mailboxes == nil {
		cfg.Mailboxes = NewMemoryMailboxes()
	}
	return &MessageWaiting{
		cfg: cfg, log: cfg.Log, metrics: newWaitingMetrics(cfg.Metrics), shown: newShown[*sip.Subscription](),
		notices: make(chan notice, noticeQueue),
	}
}

// Name implements sip.EventPackage.
func (m *MessageWaiting) Name() string { return "message-summary" }

// Subscribe implements sip.EventPackage.
func (m *MessageWaiting) Subscribe(ctx context.Context, s *sip.Subscription) error {
	switch _, ok := s.ResourceAOR(); {
	case !ok:
		return errNotFound
	case !s.Own():
		return errForbidden
	case !s.Accepts(SummaryType):
		return errAccept
	}
	m.show(s)
	context.AfterFunc(ctx, func() { m.shown.remove(s) })
	s.State(func(bool) (string, []byte) {
		aor, _ := lineOf(m.cfg.Phones, s)
		return SummaryType, m.cfg.Mailboxes.Summary(aor).Body(aor.URI())
	})
	return nil
}

func (m *MessageWaiting) show(s *sip.Subscription) {
	aor, _ := lineOf(m.cfg.Phones, s)
	m.shown.put(s, s.Username(), aor)
}

// Set keeps what waits in the mailbox of a line and lights its lamps.
func (m *MessageWaiting) Set(ctx context.Context, aor sip.AOR, summary Summary) error {
	if err := summary.check(); err != nil {
		return fmt.Errorf("set the mailbox of %s: %w", aor, err)
	}
	if err := m.cfg.Mailboxes.SetSummary(ctx, aor, summary); err != nil {
		return fmt.Errorf("set the mailbox of %s: %w", aor, err)
	}
	m.Changed(aor)
	return nil
}

// Summary returns what waits in the mailbox of a line.
func (m *MessageWaiting) Summary(aor sip.AOR) Summary { return m.cfg.Mailboxes.Summary(aor) }

// Changed lights the lamps of a line as its mailbox is now. It never waits.
func (m *MessageWaiting) Changed(aor sip.AOR) {
	for _, s := range m.shown.of(aor) {
		s.Changed()
	}
	m.tellOthers(aor)
}

// OwnerChanged shows another mailbox on a phone whose user is another now. It never waits; done, if not nil, is called when
// the phone has been sent all it is to show.
func (m *MessageWaiting) OwnerChanged(username string, done func()) {
	list := m.shown.on(username)
	one := afterAll(len(list), done)
	for _, s := range list {
		aor, _ := lineOf(m.cfg.Phones, s)
		m.shown.again(s, aor)
		s.Resend()
		s.WhenSent(one)
	}
}

// AOR implements sip.NoticeResolver.
func (m *MessageWaiting) AOR(user, host string) (sip.AOR, bool) {
	if m.cfg.LineOf == nil {
		return "", false
	}
	return m.cfg.LineOf(user, host)
}

// Take implements sip.NoticeTaker: an external mailbox tells what waits for a line.
func (m *MessageWaiting) Take(r sip.Received) {
	summary, err := ParseSummary(r.Body)
	if err == nil {
		err = m.Set(context.Background(), r.AOR, summary)
	}
	if err != nil {
		m.log.Warn("mailbox not understood", "trunk", r.Trunk, "aor", r.AOR, "err", err)
		return
	}
	m.log.Debug("mailbox told", "trunk", r.Trunk, "aor", r.AOR, "waiting", summary.Waiting)
}
