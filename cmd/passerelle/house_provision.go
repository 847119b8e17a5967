package main

import (
	"passerelle/portal/account"
	"passerelle/provision"
)

// openPhones makes what phones configure themselves by, and joins it to the registrar, before anything runs.
func (h *house) openPhones() {
	h.phones = provision.New(provision.Config{
		Directory: h.cfg.live, Store: h.cfg.phones, Reports: h.cfg.reportsDir, TLS: len(h.cfg.listeners.tls) > 0, Secure: account.Secure,
		Registrations: h.registrar, Notices: h.server, Fetched: h.cfg.logFetch, Log: h.cfg.log,
	})
	h.registrar.OnChange(h.phones.Registered)
}
