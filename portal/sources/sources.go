package sources

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"net/netip"
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/sip"
)

// Guard screens what comes by SIP; sip.Guard satisfies it.
type Guard interface {
	// Blocked gives the sources that are not heard.
	Blocked() []sip.Blocked
	// Allow gives the ranges that are always heard.
	Allow(ranges []netip.Prefix)
	// Forgive lifts what holds a source back now.
	Forgive(source netip.Prefix) bool
}

// SignIns holds guessers of passwords back; account.Accounts satisfies it.
type SignIns interface {
	// Blocked gives the sources and accounts whose tries are refused.
	Blocked() []account.Blocked
	// Allow gives the ranges that are not blocked as sources.
	Allow(ranges []netip.Prefix)
	// Forgive forgets the tries of a key.
	Forgive(key string) bool
}

// Store keeps the list of those that are never blocked; package store satisfies it.
type Store interface {
	AllowedSources(ctx context.Context) ([]directory.AllowedSource, error)
	AllowSource(ctx context.Context, a directory.AllowedSource) error
	DisallowSource(ctx context.Context, p netip.Prefix) (was bool, err error)
}

// Registrations tells where phones are.
type Registrations interface {
	All() iter.Seq[sip.Binding]
}

// Config is what Sources stands on; all of it is required.
type Config struct {
	Directory     *directory.Live
	Registrations Registrations
	Guard         Guard
	SignIns       SignIns
	Store         Store
}

// Sources is safe for concurrent use.
type Sources struct{ cfg Config }

// New does no work yet; Load puts the kept list in use.
func New(cfg Config) *Sources { return &Sources{cfg: cfg} }

// Kind is what a source is kept from.
type Kind string

// The kinds.
const (
	SIP    Kind = "sip"     // datagrams are not heard
	SignIn Kind = "sign_in" // tries to sign in are refused
)

// Cause is why.
type Cause string

// The causes.
const (
	Banned           Cause = "banned"
	Flooding         Cause = "flooding"
	Malformed        Cause = "malformed"
	WrongPasswords   Cause = "wrong_passwords"    // for one account, from one source
	ManyAccounts     Cause = "many_accounts"      // wrong passwords for many accounts, from one source
	PasswordsFromAll Cause = "passwords_anywhere" // for one account, from everywhere
	WrongCodes       Cause = "wrong_codes"        // of a second factor
	WrongLinks       Cause = "wrong_links"        // to set the server up
)

// Blocked is what is kept out now.
type Blocked struct {
	// ID names it while it lasts.
	ID   string
	Kind Kind
	// Source is the range of addresses; zero when tries came from everywhere.
	Source netip.Prefix
	// Account is the address of the account that was tried; empty for many or none.
	Account string
	Cause   Cause
	Since   time.Time // zero when it is not known
	Until   time.Time // zero: for good
	Count   uint64    // of refused datagrams, or of tries
	// Sites are the SIP domains of the sites that it concerns: whose phones are registered from the source, or whose user the
	// account is.
	Sites []string

	lift func() bool
}

// Name is how people know it: the address or range, or the account.
func (b Blocked) Name() string {
	switch {
	case !b.Source.IsValid():
		return b.Account
	case b.Source.IsSingleIP():
		return b.Source.Addr().String()
	default:
		return b.Source.String()
	}
}

// Blocked gives what is kept out now: SIP first, by address.
func (s *Sources) Blocked() []Blocked {
	var all []Blocked
	for _, b := range s.cfg.Guard.Blocked() {
		all = append(all, Blocked{
			ID: idOf(string(SIP), b.Source.String()), Kind: SIP, Source: b.Source, Cause: Cause(b.Cause), Since: b.Since, Until: b.Until, Count: b.Refused,
			lift: func() bool { return s.cfg.Guard.Forgive(b.Source) },
		})
	}
	for _, b := range s.cfg.SignIns.Blocked() {
		out := Blocked{
			ID: idOf(string(SignIn), b.Key), Kind: SignIn, Source: rangeOf(b.Source), Account: b.Email, Cause: causeOf(b), Since: b.Since, Until: b.Until,
			Count: uint64(b.Tries), lift: func() bool { return s.cfg.SignIns.Forgive(b.Key) },
		}
		if ref, ok := directory.UserOfAccount(b.Account); ok {
			if u, ok := s.cfg.Directory.Current().UserByRef(ref); ok {
				out.Account = u.Email
			}
		}
		all = append(all, out)
	}
	s.locate(all)
	return all
}

// locate finds the sites that the sources concern.
func (s *Sources) locate(all []Blocked) {
	dir := s.cfg.Directory.Current()
	for i := range all {
		if u, ok := dir.UserByEmail(all[i].Account); ok && all[i].Account != "" {
			all[i].Sites = []string{u.Site.Domain}
		}
	}
	if !slices.ContainsFunc(all, func(b Blocked) bool { return b.Kind == SIP }) {
		return
	}
	for b := range s.cfg.Registrations.All() {
		from, domain := b.Source.Remote.Addr().Unmap(), b.AOR.Domain()
		for i := range all {
			if all[i].Kind == SIP && all[i].Source.Contains(from) && !slices.Contains(all[i].Sites, domain) {
				all[i].Sites = append(all[i].Sites, domain)
			}
		}
	}
}

func causeOf(b account.Blocked) Cause {
	switch {
	case b.Account != "":
		return WrongCodes
	case b.Source == "":
		return PasswordsFromAll
	case b.Email != "":
		return WrongPasswords
	case b.Setup:
		return WrongLinks
	default:
		return ManyAccounts
	}
}

// rangeOf is a source of a sign-in, an address or a network; zero for what is none.
func rangeOf(source string) netip.Prefix {
	p, err := directory.ParseRange(source)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// idOf names what is blocked without saying what it is.
func idOf(parts ...string) string {
	sum := sha256.New()
	for _, p := range parts {
		sum.Write([]byte(p + "\x00"))
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// ErrNotBlocked means that nothing of that ID is kept out, or no longer.
var ErrNotBlocked = errors.New("it is not blocked any more")

// Lift lets what is kept out in again, until it gives cause anew. may says whether who asks may; its error is given as it is.
func (s *Sources) Lift(id string, may func(Blocked) error) (Blocked, error) {
	for _, b := range s.Blocked() {
		if b.ID != id {
			continue
		}
		if err := may(b); err != nil {
			return b, err
		}
		b.lift()
		return b, nil
	}
	return Blocked{}, ErrNotBlocked
}
