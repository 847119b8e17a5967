package token

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
)

// Records keeps tokens; package store satisfies it.
type Records interface {
	// APITokens gives every token that is kept.
	APITokens(ctx context.Context) ([]directory.APIToken, error)
	// KeepAPIToken keeps a token, in place of one with the same ID.
	KeepAPIToken(ctx context.Context, t directory.APIToken) error
	// ForgetAPIToken removes a token.
	ForgetAPIToken(ctx context.Context, id string) error
}

// Accounts knows whose a token is.
type Accounts interface {
	// ByID is who an account ID means now; nil when that is nobody any more.
	ByID(ctx context.Context, id string) (*account.Principal, error)
}

const (
	// MaxOfAccount is how many tokens an account has at most, MaxOfAll how many there are.
	MaxOfAccount = 50
	MaxOfAll     = 5000
	// prefix tells people, and programs that look for leaked secrets, what a text is.
	prefix = "psl_"
	// usedEvery is how much the time of the last use may lag behind.
	usedEvery = time.Hour
)

// Keeper knows the tokens. See the package comment.
type Keeper struct {
	records  Records
	accounts Accounts
	log      *slog.Logger

	mu     sync.RWMutex // guards byHash; never held while the store works for a request of the network, but for changes
	byHash map[string]directory.APIToken
}

// Open reads the tokens that are kept; a nil log discards.
func Open(ctx context.Context, records Records, accounts Accounts, log *slog.Logger) (*Keeper, error) {
	all, err := records.APITokens(ctx)
	if err != nil {
		return nil, err
	}
	k := &Keeper{records: records, accounts: accounts, log: cmp.Or(log, slog.New(slog.DiscardHandler)), byHash: make(map[string]directory.APIToken)}
	for _, t := range all {
		k.byHash[t.Hash] = t
	}
	return k, nil
}

func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// Identify implements api.Identifier for the tokens that are kept.
func (k *Keeper) Identify(r *http.Request) (api.Identity, error) {
	secret, err := api.Bearer(r)
	if err != nil {
		return api.Identity{}, err
	}
	k.mu.RLock()
	t, known := k.byHash[hashed(secret)]
	k.mu.RUnlock()
	now := time.Now()
	if !known || !now.Before(t.Expires) {
		return api.Identity{}, api.ErrUnknownToken
	}
	id := api.Identity{Name: t.ID, Site: t.Site, Account: t.Account}
	for _, s := range t.Scopes {
		id.Scopes = append(id.Scopes, api.Scope(s))
	}
	if t.Account != "" {
		p, err := k.accounts.ByID(r.Context(), t.Account)
		if err != nil {
			return api.Identity{}, fmt.Errorf("%w: %w", api.ErrUnavailable, err)
		}
		if id, known = within(id, p); !known {
			return api.Identity{}, api.ErrUnknownToken
		}
	}
	k.use(r.Context(), t, now)
	return id, nil
}

// within holds a token to what its account may now; false when that is nothing.
func within(id api.Identity, p *account.Principal) (api.Identity, bool) {
	if p == nil {
		return id, false
	}
	may, site := Allowed(p)
	if site != "" {
		if id.Site != "" && !strings.EqualFold(id.Site, site) {
			return id, false // made when the account was another site's
		}
		id.Site = site
	}
	var scopes []api.Scope
	for _, s := range may {
		if id.May(s) {
			scopes = append(scopes, s)
		}
	}
	id.Scopes = scopes
	return id, len(scopes) > 0
}

// Allowed gives the scopes that tokens of somebody may have, the least first, and the site that they are for, empty for
// the whole enterprise.
func Allowed(p *account.Principal) (scopes []api.Scope, site string) {
	switch {
	case p.Owns():
		return api.Scopes(), ""
	case p.User.HasRole(directory.SiteAdmin):
		return api.Scopes(), p.User.Site.Domain
	case p.User.HasRole(directory.HelpDesk): // what it does in the portal
		return []api.Scope{api.ScopeRead, api.ScopeEvents, api.ScopeRelease, api.ScopeResync}, p.User.Site.Domain
	}
	return nil, ""
}

// use notes that a token is used, now and then.
func (k *Keeper) use(ctx context.Context, t directory.APIToken, now time.Time) {
	if now.Sub(t.Used) < usedEvery {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	kept, known := k.byHash[t.Hash]
	if !known || now.Sub(kept.Used) < usedEvery {
		return
	}
	kept.Used = now.UTC().Truncate(time.Second)
	k.byHash[t.Hash] = kept // also where the store fails: it is a hint for people
	if err := k.records.KeepAPIToken(context.WithoutCancel(ctx), kept); err != nil {
		k.log.WarnContext(ctx, "use of a token not noted", "token", t.ID, "err", err)
	}
}

// Tokens gives every token, the newest first.
func (k *Keeper) Tokens() []directory.APIToken {
	k.mu.RLock()
	defer k.mu.RUnlock()
	all := make([]directory.APIToken, 0, len(k.byHash))
	for _, t := range k.byHash {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b directory.APIToken) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
	})
	return all
}

// Make makes a token with name, account, site, scopes and end of t, and gives it with what is kept of it. Whether its maker
// may is for the caller to know. Tokens that have expired make room.
func (k *Keeper) Make(ctx context.Context, t directory.APIToken) (directory.Secret, directory.APIToken, error) {
	secret := prefix + strings.ToLower(rand.Text())
	now := time.Now().UTC().Truncate(time.Second)
	t.ID, t.Hash, t.Created, t.Used, t.Expires = "tok-"+strings.ToLower(rand.Text()[:10]), hashed(secret), now, time.Time{}, t.Expires.UTC().Truncate(time.Second)
	k.mu.Lock()
	defer k.mu.Unlock()
	own := 0
	for hash, old := range k.byHash {
		switch {
		case !now.Before(old.Expires):
			if err := k.records.ForgetAPIToken(ctx, old.ID); err != nil {
				return "", t, err
			}
			delete(k.byHash, hash)
		case old.Account == t.Account:
			own++
		}
	}
	if own >= MaxOfAccount || len(k.byHash) >= MaxOfAll {
		return "", t, api.ErrTooManyTokens
	}
	if err := k.records.KeepAPIToken(ctx, t); err != nil {
		return "", t, err
	}
	k.byHash[t.Hash] = t
	return directory.Secret(secret), t, nil
}

// Revoke ends a token at once; api.ErrNoSuchToken when it is not there.
func (k *Keeper) Revoke(ctx context.Context, id string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for hash, t := range k.byHash {
		if t.ID == id {
			if err := k.records.ForgetAPIToken(ctx, id); err != nil {
				return err
			}
			delete(k.byHash, hash)
			return nil
		}
	}
	return api.ErrNoSuchToken
}
