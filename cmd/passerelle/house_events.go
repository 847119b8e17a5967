package main

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"passerelle/call"
	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/sip"
)

// houseEvents are the event packages that phones subscribe to.
type houseEvents struct {
	waiting *events.MessageWaiting
	dialogs *events.Dialogs
	keys    *events.FeatureKeys
}

// openEvents makes the event packages and joins them to the server, the registrar and the calls, before anything runs.
func (h *house) openEvents(root *call.Root) {
	phones := occupants{h.cfg.live, h.desk}
	h.events = houseEvents{
		waiting: events.NewMessageWaiting(events.MessageWaitingConfig{
			Mailboxes: h.cfg.mailboxes, LineOf: lines{h.cfg.live}.mailbox, Notices: notices{h.registrar, h.server, h.cfg.live, h.desk}, Phones: phones, Log: h.cfg.log, Metrics: h.cfg.metrics,
		}),
		dialogs: events.NewDialogs(events.DialogsConfig{Phones: phones, Lists: monitored{h.cfg.live}, Log: h.cfg.log}),
		keys: events.NewFeatureKeys(events.FeatureKeysConfig{
			Store: features{h.cfg.live, h.cfg.settings}, Phones: phones, Log: h.cfg.log, Metrics: h.cfg.metrics,
		}),
	}
	h.server.Handle(h.events.waiting)
	h.server.Handle(h.events.dialogs)
	h.server.Handle(h.events.keys)
	h.registrar.OnChange(h.events.waiting.Registered)
	root.Watch(lamps{h.events.dialogs})
}

// run keeps the event packages going until ctx is done.
func (e *houseEvents) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.waiting.Run(ctx) })
	g.Go(func() error { return e.dialogs.Run(ctx) })
	return g.Wait()
}

// changed shows phones what a new directory has made different.
func (h *house) changed() {
	h.phones.Changed() // first: it knows phones by registrations that end now
	h.prune()
	h.trunks.Changed()
	h.music.load()
	h.desk.Reexamine()
	h.events.keys.AllChanged()
	h.events.dialogs.ListsChanged()
}

// endSubscriptions ends the subscriptions of lines that left the directory, and those to lines that left it.
func (h *house) endSubscriptions() (ended int) {
	l := lines{h.cfg.live}
	ended = h.server.EndSubscriptions(func(s *sip.Subscription) bool {
		line, ok := l.Line(s.Username())
		return !ok || !slices.Contains(line.AORs, s.AOR())
	}, sip.EndRejected)
	return ended + h.server.EndSubscriptions(func(s *sip.Subscription) bool {
		aor, isLine := s.ResourceAOR()
		_, there := l.AOR(aor.User(), aor.Domain())
		return isLine && !there
	}, sip.EndNoResource)
}

// notices sends NOTIFYs outside subscriptions to the phones of a line.
type notices struct {
	*sip.Registrar
	server *sip.Server
	live   *directory.Live
	desk   *hoteling.Desk
}

// Bindings implements events.Notices: the phones of a line, and the one on which its user is a guest.
func (n notices) Bindings(aor sip.AOR) []sip.Binding {
	all := n.Registrar.Bindings(aor)
	dir := n.live.Current()
	u, ok := userOf(dir, aor.User(), aor.Domain())
	if !ok {
		return all
	}
	if host := n.desk.HostOf(dir, u); host != nil {
		all = append(all, bindingsOf(n.Registrar, host)...)
	}
	return all
}

// bindingsOf are the registrations of a phone under its own line.
func bindingsOf(r *sip.Registrar, dev *directory.Device) (own []sip.Binding) {
	for _, b := range r.Bindings(sip.NewAOR(dev.User.Line(), dev.User.Site.Domain)) {
		if b.Username == dev.Username {
			own = append(own, b)
		}
	}
	return own
}

// Notify implements events.Notices.
func (n notices) Notify(ctx context.Context, notice sip.Notice) error {
	return n.server.Notify(ctx, notice)
}

// lamps shows the calls of lines to those who watch them.
type lamps struct{ dialogs *events.Dialogs }

var _ call.Watcher = lamps{}

// LineCall implements call.Watcher.
func (l lamps) LineCall(c call.LineCall) {
	d := events.Dialog{
		ID: c.ID, Direction: events.Recipient, State: lampStates[c.State], Since: c.Since,
		// A watcher knows the dialog as the line's phone has it.
		CallID: c.Dialog.CallID, LocalTag: string(c.Dialog.RemoteTag), RemoteTag: string(c.Dialog.LocalTag),
		Local: events.Participant{URI: c.AOR.URI(), Held: c.State == call.CallParked},
	}
	if c.Outgoing {
		d.Direction = events.Initiator
	}
	if c.Dialog.RemoteTag == "" {
		d.CallID, d.RemoteTag = "", ""
	}
	if c.Number != "" {
		d.Remote = events.Participant{Display: c.Name, URI: sip.NewAOR(c.Number, c.AOR.Domain()).URI()}
	}
	if c.State == call.CallOver {
		d.Event, d.Code = lampEnd(c)
	}
	l.dialogs.Post(c.AOR, d)
}

var lampStates = [...]events.DialogState{
	call.CallTrying: events.Trying, call.CallRinging: events.Early, call.CallUp: events.Confirmed, call.CallParked: events.Confirmed,
	call.CallOver: events.Terminated,
}

// lampEnd is how a call ended as the line's phone would say it (RFC 4235 §3.7.1).
func lampEnd(c call.LineCall) (e events.DialogEvent, code int) {
	switch {
	case c.Answered && c.ByLine:
		return events.LocalBye, 0
	case c.Answered:
		return events.RemoteBye, 0
	case c.Code == 487 || c.Outgoing && c.ByLine:
		return events.Cancelled, 0
	}
	return events.Rejected, c.Code
}
