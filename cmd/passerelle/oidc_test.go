package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOIDCFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("word\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const issuer, public = "https://id.acme.test", "https://portal.acme.test"
	for name, c := range map[string]struct {
		flags  oidcFlags
		public string
		there  bool
		fault  string
	}{
		"none":              {},
		"whole":             {flags: oidcFlags{Issuer: issuer, ClientID: "passerelle", Secret: "word"}, public: public, there: true},
		"secret of a file":  {flags: oidcFlags{Issuer: issuer, ClientID: "passerelle", SecretFile: file}, public: public, there: true},
		"no issuer":         {flags: oidcFlags{ClientID: "passerelle"}, public: public, fault: "--oidc-issuer is missing"},
		"no public URL":     {flags: oidcFlags{Issuer: issuer, ClientID: "passerelle"}, fault: "--public-url"},
		"no client ID":      {flags: oidcFlags{Issuer: issuer}, public: public, fault: "client ID is missing"},
		"plain issuer":      {flags: oidcFlags{Issuer: "http://id.acme.test", ClientID: "passerelle"}, public: public, fault: "want an https URL"},
		"two secrets":       {flags: oidcFlags{Issuer: issuer, ClientID: "passerelle", Secret: "word", SecretFile: file}, public: public, fault: "give one of"},
		"secret of no file": {flags: oidcFlags{Issuer: issuer, ClientID: "passerelle", SecretFile: file + "x"}, public: public, fault: "--oidc-client-secret-file"},
	} {
		p, err := c.flags.provider(c.public)
		if (p != nil) != c.there || (err != nil) != (c.fault != "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
		if err != nil && strings.Contains(err.Error(), "word") {
			t.Errorf("%s: the error tells the secret", name)
		}
	}
}
