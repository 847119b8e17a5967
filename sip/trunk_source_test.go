package sip

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/icholy/digest"

	"passerelle/sip/siptest"
)

// sources knows a trunk by address, one by registration, and the credentials of a third.
type sources struct{ trunkLines }

func (sources) Line(username string) (Line, bool) {
	return Line{Username: "account", Password: "secret", Realm: "site.test", Trunk: "by digest"}, username == "account"
}

func (sources) TrunkOf(_ Source, target URI) (string, bool) {
	return "by registration", target.Params["line"] == "known"
}

// TestWhoseTrunk has the registration and the digest go before the address.
func TestWhoseTrunk(t *testing.T) {
	for _, tt := range []struct {
		name, at, uri string
		proves        bool
		want          string
	}{
		{"the address", trunkAddr, "sip:8000@site.test", false, "carrier"},
		{"the registration, from anywhere", "10.0.0.9:5060", "sip:8000@site.test;line=known", false, "by registration"},
		{"the registration, at another trunk's address", trunkAddr, "sip:8000@site.test;line=known", false, "by registration"},
		{"the digest, from anywhere", "10.0.0.9:5060", "sip:8000@site.test", true, "by digest"},
		{"the digest, at another trunk's address", trunkAddr, "sip:8000@site.test", true, "by digest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				legs := make(chan Identity, 1)
				h := HandlerFunc(func(_ context.Context, leg *Leg) error {
					legs <- leg.Invite().Identity
					return nil
				})
				auth := NewAuthenticator(AuthConfig{}, sources{})
				w := newWorldOf(t, ServerConfig{}, auth, nil, sources{}, h)
				p := siptest.NewPeer(t, w.Network, tt.at, serverAddr)
				call := p.NewCall(tt.uri)
				if tt.proves {
					// A challenge is to be had by a request that no address vouches for.
					q := siptest.NewPeer(t, w.Network, "10.0.0.8:5060", serverAddr).NewCall(tt.uri)
					q.Request("INVITE", siptest.Offer)
					m := q.Want(401, "INVITE")
					q.RefusalACK(m)
					call.Request("INVITE", "Authorization: "+proof(t, m, tt.uri), siptest.Offer)
				} else {
					call.Request("INVITE", siptest.Offer)
				}
				call.RefusalACK(call.Want(480, "INVITE"))
				if who := <-legs; who != (Identity{Trunk: tt.want}) {
					t.Errorf("%+v, want trunk %q", who, tt.want)
				}
			})
		})
	}
}

// proof answers a challenge with the account's credentials.
func proof(t *testing.T, m siptest.Message, uri string) string {
	t.Helper()
	ch, err := digest.ParseChallenge(m.Header("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := digest.Digest(ch, digest.Options{Method: "INVITE", URI: uri, Username: "account", Password: "secret", Count: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c.String()
}

// TestTrunkOnlyCalls refuses whatever else a trunk's password is shown for.
func TestTrunkOnlyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := NewAuthenticator(AuthConfig{}, sources{})
		w := newWorldOf(t, ServerConfig{}, auth, NewRegistrar(RegistrarConfig{}, nil), sources{}, answering)
		call := siptest.NewPeer(t, w.Network, "10.0.0.9:5060", serverAddr).NewCall("sip:site.test")
		call.Request("REGISTER")
		m := call.Want(401, "REGISTER")
		ch, err := digest.ParseChallenge(m.Header("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		c, err := digest.Digest(ch, digest.Options{Method: "REGISTER", URI: "sip:site.test", Username: "account", Password: "secret", Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		call.Request("REGISTER", "Authorization: "+c.String())
		call.Want(403, "REGISTER")
	})
}
