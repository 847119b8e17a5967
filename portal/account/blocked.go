package account

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Blocked is a source or an account whose tries to sign in are refused unseen.
type Blocked struct {
	// Key names it, for Forgive.
	Key string
	// Source is the address, or IPv6 network, that the tries came from; empty when they came from everywhere.
	Source string
	// Email is the address that was tried; empty when there were many.
	Email string
	// Account is the account whose second factor was tried; empty for passwords.
	Account string
	// Setup says that set-up links were tried.
	Setup bool
	Tries int
	Since time.Time // of the first try that counts
	Until time.Time
}

// limitsOf are the kinds of keys that block, by their first word, with their tries.
var limitsOf = map[string]int{"both": triesOfBoth, "source": triesOfSource, "address": triesOfAddress, "code": codeTries, "setup": triesOfSource}

// Blocked gives those that are refused now, in the order of their keys.
func (a *Accounts) Blocked() []Blocked {
	now := time.Now()
	l := a.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Blocked
	for _, key := range l.tries.Keys(now) {
		kind, rest, _ := strings.Cut(key, " ")
		most, times := limitsOf[kind], l.tries.Recent(key, now)
		if most == 0 || len(times) < most {
			continue
		}
		b := Blocked{Key: key, Tries: len(times), Since: times[0], Until: times[len(times)-most].Add(tryWindow)}
		switch kind {
		case "both":
			b.Source, b.Email, _ = strings.Cut(rest, " ")
		case "address":
			b.Email = rest
		case "code":
			b.Account = rest
		default:
			b.Source, b.Setup = rest, kind == "setup"
		}
		all = append(all, b)
	}
	slices.SortFunc(all, func(a, b Blocked) int { return strings.Compare(a.Key, b.Key) })
	return all
}

// Forgive forgets the tries of a key and says whether there were any.
func (a *Accounts) Forgive(key string) bool {
	l := a.limits
	l.mu.Lock()
	defer l.mu.Unlock()
	had := len(l.tries.Recent(key, time.Now())) > 0
	l.tries.Forget(key)
	return had
}

// Allow gives the ranges that are not blocked as sources, in place of those before: many people sign in behind them. The
// limits of each address that is tried hold for them too.
func (a *Accounts) Allow(ranges []netip.Prefix) { a.allowed.Store(&ranges) }

// unblocked leaves out the limit of a source that is allowed.
func (a *Accounts) unblocked(source string, limits []limit) []limit {
	ranges := a.allowed.Load()
	if ranges == nil || !slices.ContainsFunc(*ranges, func(p netip.Prefix) bool { return holds(p, source) }) {
		return limits
	}
	return slices.DeleteFunc(limits, func(l limit) bool { return l.key == "source "+source })
}

// holds says whether a range has a source, which is an address or a network as Source gives it.
func holds(p netip.Prefix, source string) bool {
	if network, err := netip.ParsePrefix(source); err == nil {
		return p.Bits() <= network.Bits() && p.Contains(network.Addr())
	}
	addr, err := netip.ParseAddr(source)
	return err == nil && p.Contains(addr)
}
