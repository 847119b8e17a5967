package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"passerelle/directory"
)

// Config is a provider and this server's registration with it.
type Config struct {
	// Issuer is the provider's URL, as its tokens say it; https, but on this machine.
	Issuer string
	// ClientID and ClientSecret are what the provider has registered this server by; without a secret PKCE alone proves it.
	ClientID     string
	ClientSecret directory.Secret
	// Redirect is the URL to which the provider sends browsers back.
	Redirect string
	// Name is what people call the provider; empty means its host.
	Name string
	// Client asks the provider; nil means one that gives up after ten seconds.
	Client *http.Client
}

// Provider signs people in. It is safe for concurrent use.
type Provider struct {
	cfg Config

	mu     sync.Mutex // held while the provider is asked who it is
	known  *known     // nil until it has answered
	failed time.Time  // when it last did not
	why    error
}

// known is what a provider says of itself.
type known struct {
	oauth    oauth2.Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
}

// New checks the configuration; the provider is asked when somebody signs in.
func New(cfg Config) (*Provider, error) {
	u, err := url.Parse(cfg.Issuer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("issuer: %w", err)
	case u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())):
		return nil, errors.New("issuer: want an https URL such as https://id.acme.test/realms/acme")
	case cfg.ClientID == "":
		return nil, errors.New("the client ID is missing")
	}
	if cfg.Name == "" {
		cfg.Name = u.Hostname()
	}
	if cfg.Client == nil {
		cfg.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &Provider{cfg: cfg}, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Name is what people call the provider.
func (p *Provider) Name() string { return p.cfg.Name }

// failurePause is how long a provider that did not answer is not asked again, so that those who wait do not pile up.
const failurePause = 5 * time.Second

// discover asks the provider who it is (OpenID Connect Discovery 1.0 §4), once.
func (p *Provider) discover(ctx context.Context) (*known, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	if p.why != nil && time.Since(p.failed) < failurePause {
		return nil, p.why
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.cfg.Client), p.cfg.Issuer)
	if err != nil {
		p.failed, p.why = time.Now(), fmt.Errorf("%w: %w", ErrUnavailable, err)
		return nil, p.why
	}
	p.known = &known{
		oauth: oauth2.Config{
			ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret.Reveal(), Endpoint: found.Endpoint(), RedirectURL: p.cfg.Redirect,
			Scopes: []string{oidc.ScopeOpenID, "email"},
		},
		provider: found,
		verifier: found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID}),
	}
	return p.known, nil
}
