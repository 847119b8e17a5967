package main

import (
	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/portal/events"
	"passerelle/provision"
	"passerelle/sip"
)

// What happens in the house goes to the event log from where it happens. Posting never waits; without a log nothing is kept.

// logBridge is told by the gateway.
func (c *houseConfig) logBridge(change gateway.Change) { c.events.Post(events.OfBridge(change)) }

// logFetch is told by the phones' profiles.
func (c *houseConfig) logFetch(d *directory.Device, f provision.Fetch) {
	c.events.Post(events.OfFetch(d, f))
}

// logHouse joins the registrar and the desk to the log, before anything runs.
func (h *house) logHouse() {
	h.registrar.OnChange(func(c sip.Change) {
		if d, news := events.OfRegistration(c); news {
			h.cfg.events.Post(d)
		}
	})
	h.desk.OnChange(func(c hoteling.Change) { h.cfg.events.Post(events.OfGuest(h.cfg.live.Current(), c)) })
}
