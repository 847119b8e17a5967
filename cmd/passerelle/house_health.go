package main

import (
	"time"

	"passerelle/call/trunks"
	"passerelle/portal/account"
	"passerelle/portal/health"
	"passerelle/portal/sources"
	"passerelle/sip"
	"passerelle/store"
)

var (
	_ sources.Guard   = (*sip.Guard)(nil)
	_ sources.SignIns = (*account.Accounts)(nil)
	_ sources.Store   = (*store.Store)(nil)
)

// newSources knows who is kept out of the house and of the portal.
func (h *house) newSources(accounts *account.Accounts, st *store.Store) *sources.Sources {
	return sources.New(sources.Config{Directory: h.cfg.live, Registrations: h.registrar, Guard: h.guard, SignIns: accounts, Store: st})
}

// newHealth looks at all parts of the house for what is wrong.
func (h *house) newHealth(st *store.Store, kept *sources.Sources, reloads *reloader, dataDir string) *health.Checker {
	return health.New(health.Config{
		Directory:    h.cfg.live,
		Trunks:       func() []trunks.State { return h.trunks.States() },
		Certificates: h.cfg.listeners.certificates.inForce,
		Disk:         func() (health.Disk, error) { return diskOf(dataDir) },
		Writes:       func() time.Duration { return st.Writes() },
		Behind:       h.registrar.Behind,
		Reload: func() (time.Time, string) {
			if last := reloads.Last(); len(last.Faults) > 0 {
				return last.At, last.Faults[0]
			}
			return time.Time{}, ""
		},
		Ports: func() (used, all int) { return h.cfg.ports.InUse(), h.cfg.ports.Capacity() },
		Stale: h.phones.Stale, Wrongs: h.auth.Wrongs, Blocked: kept.Blocked, Guessed: h.gateway.Guessed, Registrations: h.registrar,
	})
}

// inForce gives the certificates that the server proves itself by, for those who look when they end; none for a nil receiver.
func (c *certificates) inForce() []health.Certificate {
	if c == nil {
		return nil
	}
	set := c.current.Load()
	if set == nil || set.pair.Leaf == nil {
		return nil
	}
	leaf := set.pair.Leaf
	name := leaf.Subject.CommonName
	if len(leaf.DNSNames) > 0 {
		name = leaf.DNSNames[0]
	}
	return []health.Certificate{{Name: name, Ends: leaf.NotAfter}}
}
