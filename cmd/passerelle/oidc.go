package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"passerelle/directory"
	"passerelle/portal/oidc"
	"passerelle/portal/signin"
)

// oidcFlags name the provider by which people may sign in to the portal.
type oidcFlags struct {
	Issuer     string `help:"OpenID provider by which users may sign in, found by their verified e-mail address." placeholder:"URL"`
	ClientID   string `name:"client-id" help:"What the provider knows this server by." placeholder:"ID"`
	Secret     string `name:"client-secret" help:"Secret of that; without one PKCE alone proves the server." placeholder:"SECRET"`
	SecretFile string `name:"client-secret-file" help:"File that holds the secret." placeholder:"F"`
	Name       string `help:"What the button calls the provider; its host without." placeholder:"NAME"`
}

// oidcCallback is where the provider sends browsers back, below the portal's address.
const oidcCallback = "/sign-in/oidc/callback"

// provider gives what the flags name, nil where they name none. publicURL is where browsers open the portal.
func (f oidcFlags) provider(publicURL string) (signin.Provider, error) {
	if f.Issuer == "" {
		if f.ClientID+f.Secret+f.SecretFile+f.Name != "" {
			return nil, errors.New("--oidc-issuer is missing")
		}
		return nil, nil
	}
	if publicURL == "" {
		return nil, fmt.Errorf("--oidc-issuer wants --public-url: the provider must know %s below it", oidcCallback)
	}
	secret := f.Secret
	if f.SecretFile != "" {
		if secret != "" {
			return nil, errors.New("give one of --oidc-client-secret and --oidc-client-secret-file")
		}
		raw, err := os.ReadFile(f.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--oidc-client-secret-file: %w", err)
		}
		secret = strings.TrimSpace(string(raw))
	}
	p, err := oidc.New(oidc.Config{Issuer: f.Issuer, ClientID: f.ClientID, ClientSecret: directory.Secret(secret), Redirect: publicURL + oidcCallback, Name: f.Name})
	if err != nil {
		return nil, fmt.Errorf("--oidc-…: %w", err)
	}
	return p, nil
}
