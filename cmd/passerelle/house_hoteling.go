package main

import (
	"context"

	"passerelle/call"
	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/sip"
)

// openHoteling makes the desk and joins it to the registrar and the phones, before anything runs.
func (h *house) openHoteling() {
	h.desk = hoteling.NewDesk(hoteling.DeskConfig{
		Directory: h.cfg.live, Store: h.cfg.associations, Registrations: h.registrar, Log: h.cfg.log, Metrics: h.cfg.metrics,
	})
	h.server.Handle(hoteling.NewNotifier(hoteling.NotifierConfig{Desk: h.desk, Directory: h.cfg.live, Shown: h.userChanged, Log: h.cfg.log}))
}

// userChanged shows what belongs to its user on a phone that another user has now, one after the other: its mailbox, its
// keys, its calls.
func (h *house) userChanged(username string) {
	if dev, ok := h.cfg.live.Current().DeviceByUsername(username); ok {
		for _, b := range bindingsOf(h.registrar, dev) {
			h.events.waiting.Light(b) // if it does not subscribe
		}
	}
	h.events.waiting.OwnerChanged(username, func() {
		h.events.keys.OwnerChanged(username, func() {
			h.events.dialogs.OwnerChanged(username, nil)
		})
	})
}

// occupants tells the event packages whose a phone is.
type occupants struct {
	live *directory.Live
	desk *hoteling.Desk
}

var _ events.Phones = occupants{}

// UserOf implements events.Phones.
func (o occupants) UserOf(username string) (sip.AOR, bool) {
	dir := o.live.Current()
	dev, ok := dir.DeviceByUsername(username)
	if !ok {
		return "", false
	}
	u := o.desk.EffectiveUser(dir, dev)
	if u == dev.User {
		return "", false
	}
	return sip.NewAOR(u.Line(), u.Site.Domain), true
}

// codes signs guests in and out by the hoteling code.
type codes struct{ desk *hoteling.Desk }

var _ call.Guests = codes{}

// SignIn implements call.Guests.
func (c codes) SignIn(ctx context.Context, host *directory.User, address string, pin directory.Secret) error {
	_, err := c.desk.SignInWithPIN(ctx, host.Ref, address, pin, hoteling.ByCode)
	return err
}

// SignOut implements call.Guests.
func (c codes) SignOut(ctx context.Context, host *directory.User) error {
	_, err := c.desk.SignOut(ctx, host.Ref, hoteling.ByCode)
	return err
}
