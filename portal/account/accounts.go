package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/go-webauthn/webauthn/webauthn"

	"passerelle/directory"
)

// Passwords checks and makes password hashes; package store satisfies it.
type Passwords interface {
	// CheckPortalPassword says whether password is that of the user with that Ref.
	CheckPortalPassword(ctx context.Context, ref uint64, password string) (bool, error)
	// CheckPassword says whether password has that hash; with no hash the answer is no and takes as long.
	CheckPassword(ctx context.Context, hash directory.Secret, password string) (bool, error)
	// HashPassword gives the hash of a new password.
	HashPassword(ctx context.Context, password string) (directory.Secret, error)
}

// Records keeps accounts; package store satisfies it.
type Records interface {
	// Account gives what is kept of an account; one of which nothing is kept has its ID only.
	Account(ctx context.Context, id string) (directory.Account, error)
	// EditAccount changes an account in one transaction.
	EditAccount(ctx context.Context, id string, change func(*directory.Account) error) error
}

// Sessions keeps sessions under hashed tokens; package store satisfies it.
type Sessions interface {
	scs.Store
	// Sweep removes the sessions that have expired.
	Sweep(ctx context.Context) (removed int, err error)
}

// Config is what Accounts stands on; all of it is required but Origin and Log.
type Config struct {
	Directory *directory.Live
	Passwords Passwords
	Records   Records
	Sessions  Sessions
	// Origin is where browsers open the portal, such as https://portal.acme.test; empty means what each request says.
	Origin string
	Log    *slog.Logger // nil discards
}

// Accounts knows who is signed in. See the package comment.
type Accounts struct {
	cfg      Config
	log      *slog.Logger
	sessions *scs.SessionManager
	limits   *limiter
	allowed  atomic.Pointer[[]netip.Prefix] // sources that are not blocked; nil for none
	setup    setup

	mu         sync.Mutex                      // guards what follows
	state      map[string]state                // by session token
	ceremonies map[string]webauthn.SessionData // what passkeys were asked, by session token
}

// state is what memory holds of a session.
type state struct {
	seen   time.Time // last request
	proved time.Time // when all that the account asks for was given; zero after a restart of the server
	note   any       // for the next page
}

// New returns accounts nobody has signed in to since the start of this process; sessions of the store go on.
func New(cfg Config) *Accounts {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := scs.New()
	m.Store, m.Lifetime, m.HashTokenInStore = cfg.Sessions, Lifetime, true
	return &Accounts{cfg: cfg, log: cfg.Log, sessions: m, limits: newLimiter(),
		state: make(map[string]state), ceremonies: make(map[string]webauthn.SessionData)}
}

// passwordWait is how long a sign-in waits for its turn to be hashed.
const passwordWait = 5 * time.Second

// authenticate finds the account of an address and checks its password.
func (a *Accounts) authenticate(ctx context.Context, email, password string) (*Principal, error) {
	ctx, cancel := context.WithTimeout(ctx, passwordWait)
	defer cancel()
	owner, err := a.cfg.Records.Account(ctx, directory.OwnerAccount)
	if err != nil {
		return nil, err
	}
	var p *Principal
	var ok bool
	user, known := a.cfg.Directory.Current().UserByEmail(email)
	switch {
	case owner.PasswordHash != "" && strings.EqualFold(owner.Email, email):
		p = &Principal{Account: owner, Name: owner.Name, Email: owner.Email}
		ok, err = a.cfg.Passwords.CheckPassword(ctx, owner.PasswordHash, password)
	case known:
		if p, err = a.ofUser(ctx, user); err == nil {
			ok, err = a.cfg.Passwords.CheckPortalPassword(ctx, user.Ref, password)
		}
	default:
		ok, err = a.cfg.Passwords.CheckPassword(ctx, "", password)
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, ErrBusy
	case err != nil:
		return nil, fmt.Errorf("check a password: %w", err)
	case !ok || p == nil:
		return nil, ErrDenied
	}
	return p, nil
}

// ofUser is a user of the directory with what is kept of the account.
func (a *Accounts) ofUser(ctx context.Context, u *directory.User) (*Principal, error) {
	kept, err := a.cfg.Records.Account(ctx, directory.UserAccount(u.Ref))
	if err != nil {
		return nil, err
	}
	return &Principal{Account: kept, Name: u.Name, Email: u.Email, User: u}, nil
}

// principal is who an account ID means now; nil when that is nobody any more.
func (a *Accounts) principal(ctx context.Context, id string) (*Principal, error) {
	if id == directory.OwnerAccount {
		kept, err := a.cfg.Records.Account(ctx, id)
		if err != nil || kept.PasswordHash == "" {
			return nil, err
		}
		return &Principal{Account: kept, Name: kept.Name, Email: kept.Email}, nil
	}
	ref, _ := directory.UserOfAccount(id)
	u, ok := a.cfg.Directory.Current().UserByRef(ref)
	if !ok || u.Email == "" {
		return nil, nil
	}
	return a.ofUser(ctx, u)
}

// credential tells a changed password from the one that somebody signed in with; empty means that it cannot be told,
// because the password was not hashed yet.
func credential(p *Principal) string {
	hash := p.Account.PasswordHash
	if p.User != nil {
		hash = p.User.PortalPasswordHash
	}
	if hash == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(hash.Reveal()))
	return hex.EncodeToString(sum[:8])
}

// SetLanguage keeps the language of somebody's pages.
func (a *Accounts) SetLanguage(ctx context.Context, p *Principal, l directory.Language) error {
	return a.cfg.Records.EditAccount(ctx, p.Account.ID, func(kept *directory.Account) error {
		kept.Language = l
		return nil
	})
}
