package token

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/api"
)

// records keeps tokens in memory, or fails.
type records struct {
	mu    sync.Mutex
	kept  map[string]directory.APIToken
	puts  int
	fails error
}

func (r *records) APITokens(context.Context) (all []directory.APIToken, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range r.kept {
		all = append(all, t)
	}
	return all, r.fails
}

func (r *records) KeepAPIToken(_ context.Context, t directory.APIToken) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails == nil {
		r.kept[t.ID] = t
		r.puts++
	}
	return r.fails
}

func (r *records) ForgetAPIToken(_ context.Context, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails == nil {
		delete(r.kept, id)
	}
	return r.fails
}

// people are the accounts there are.
type people map[string]*account.Principal

func (p people) ByID(_ context.Context, id string) (*account.Principal, error) { return p[id], nil }

func at(domain string, roles ...directory.Role) *account.Principal {
	return &account.Principal{User: &directory.User{Site: &directory.Site{Domain: domain}, Roles: roles}}
}

func opened(t *testing.T, r *records, p people) *Keeper {
	t.Helper()
	k, err := Open(t.Context(), r, p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *Keeper) who(t *testing.T, secret string) (api.Identity, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/status", nil)
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	return k.Identify(r)
}

// TestTokensLetWhatTheirAccountMay follows an account through its roles: the token lets no more than it at any moment.
func TestTokensLetWhatTheirAccountMay(t *testing.T) {
	all := []string{string(api.ScopeRead), string(api.ScopeHoteling), string(api.ScopeUsers)}
	for _, c := range []struct {
		name   string
		who    *account.Principal
		scopes []string
		site   string
		want   []api.Scope // none is a token that is nobody's
		sees   string
	}{
		{"owner", &account.Principal{}, all, "", []api.Scope{api.ScopeRead, api.ScopeRelease, api.ScopeHoteling, api.ScopeUsers}, ""},
		{"owner, for one site", &account.Principal{}, all, "lyon.acme.test", []api.Scope{api.ScopeRead, api.ScopeRelease, api.ScopeHoteling, api.ScopeUsers}, "lyon.acme.test"},
		{"enterprise", at("paris.acme.test", directory.EnterpriseAdmin), []string{"admin"}, "", api.Scopes(), ""},
		{"site", at("paris.acme.test", directory.SiteAdmin), []string{"admin"}, "", api.Scopes(), "paris.acme.test"},
		{"site, moved since", at("lyon.acme.test", directory.SiteAdmin), all, "paris.acme.test", nil, ""},
		{"help desk", at("paris.acme.test", directory.HelpDesk), []string{"admin"}, "",
			[]api.Scope{api.ScopeRead, api.ScopeEvents, api.ScopeRelease, api.ScopeResync}, "paris.acme.test"},
		{"help desk with less", at("paris.acme.test", directory.HelpDesk), []string{string(api.ScopeUsers), string(api.ScopeHoteling)}, "",
			[]api.Scope{api.ScopeRelease}, "paris.acme.test"},
		{"help desk with nothing that it may", at("paris.acme.test", directory.HelpDesk), []string{string(api.ScopeUsers)}, "", nil, ""},
		{"nobody of these", at("paris.acme.test"), all, "", nil, ""},
		{"gone", nil, all, "", nil, ""},
	} {
		p := people{"user-7": at("paris.acme.test", directory.EnterpriseAdmin)}
		k := opened(t, &records{kept: map[string]directory.APIToken{}}, p)
		secret, _, err := k.Make(t.Context(), directory.APIToken{Account: "user-7", Scopes: c.scopes, Site: c.site, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		p["user-7"] = c.who
		id, err := k.who(t, secret.Reveal())
		if c.want == nil {
			if !errors.Is(err, api.ErrUnknownToken) {
				t.Errorf("%s: %+v, %v", c.name, id, err)
			}
			continue
		}
		if err != nil || !slices.Equal(id.Scopes, c.want) || id.Site != c.sees || id.Account != "user-7" {
			t.Errorf("%s: %+v, %v", c.name, id, err)
		}
	}
}

func TestLifeOfATokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &records{kept: map[string]directory.APIToken{}}
		k := opened(t, r, nil)
		secret, kept, err := k.Make(t.Context(), directory.APIToken{Name: "backup", Scopes: []string{"read"}, Expires: time.Now().Add(24 * time.Hour)})
		if err != nil || !strings.HasPrefix(secret.Reveal(), "psl_") || len(secret.Reveal()) < 30 {
			t.Fatalf("%v, %d characters", err, len(secret.Reveal()))
		}
		if text := strings.ToLower(kept.Hash + kept.ID + kept.Name); strings.Contains(text, secret.Reveal()[4:]) {
			t.Error("the token itself is kept")
		}
		again := opened(t, r, nil) // after a restart
		for range 3 {
			if id, err := again.who(t, secret.Reveal()); err != nil || id.Name != kept.ID || !id.May(api.ScopeRead) || id.May(api.ScopeUsers) {
				t.Errorf("%+v, %v", id, err)
			}
		}
		if r.puts != 2 { // made, used first
			t.Errorf("%d writes for three uses", r.puts)
		}
		for _, wrong := range []string{"psl_x", secret.Reveal() + "x", secret.Reveal()[:20], kept.Hash, kept.ID} {
			if _, err := again.who(t, wrong); !errors.Is(err, api.ErrUnknownToken) {
				t.Errorf("%v for a wrong token", err)
			}
		}
		if _, err := again.who(t, ""); !errors.Is(err, api.ErrNoToken) {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		if _, err := again.who(t, secret.Reveal()); !errors.Is(err, api.ErrUnknownToken) {
			t.Errorf("expired: %v", err)
		}
	})
}

func TestTokensAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &records{kept: map[string]directory.APIToken{}}
		k := opened(t, r, nil)
		make := func(account string) (directory.APIToken, error) {
			_, kept, err := k.Make(t.Context(), directory.APIToken{Account: account, Expires: time.Now().Add(time.Hour)})
			return kept, err
		}
		var last directory.APIToken
		for range MaxOfAccount {
			var err error
			if last, err = make("user-7"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := make("user-7"); !errors.Is(err, api.ErrTooManyTokens) {
			t.Error(err)
		}
		if _, err := make("user-8"); err != nil {
			t.Error("another account is shut out:", err)
		}
		if err := k.Revoke(t.Context(), last.ID); err != nil {
			t.Error(err)
		}
		if err := k.Revoke(t.Context(), last.ID); !errors.Is(err, api.ErrNoSuchToken) {
			t.Error(err)
		}
		if _, err := make("user-7"); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Hour)
		if _, err := make("user-7"); err != nil || len(r.kept) != 1 || len(k.Tokens()) != 1 {
			t.Errorf("%v; %d are kept of those that have expired", err, len(r.kept))
		}
	})
}

func TestTroubleOfTheStore(t *testing.T) {
	r := &records{kept: map[string]directory.APIToken{}}
	k := opened(t, r, nil)
	secret, kept, err := k.Make(t.Context(), directory.APIToken{Scopes: []string{"read"}, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	r.fails = errors.New("disk on fire")
	if _, _, err := k.Make(t.Context(), directory.APIToken{Expires: time.Now().Add(time.Hour)}); !errors.Is(err, r.fails) || len(k.Tokens()) != 1 {
		t.Errorf("made: %v, %d tokens", err, len(k.Tokens()))
	}
	if err := k.Revoke(t.Context(), kept.ID); !errors.Is(err, r.fails) {
		t.Errorf("revoked: %v", err)
	}
	if _, err := k.who(t, secret.Reveal()); err != nil { // its use is not noted, and it works
		t.Error(err)
	}
}
