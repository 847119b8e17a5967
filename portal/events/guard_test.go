package events_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"passerelle/portal/events"
	"passerelle/portal/events/eventstest"
)

// TestGuardOfTheNetwork sends over real connections to an address of this machine, by a name, with and without leave.
func TestGuardOfTheNetwork(t *testing.T) {
	elsewhere := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	defer other.Close()
	hit := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hit++
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		}
	}))
	defer server.Close()
	byName := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		networks []netip.Prefix
		path     string
		fault    string
	}{
		{nil, "/", events.ErrForbiddenAddress.Error()},
		{loopback, "/", ""},
		{loopback, "/redirect", "answered 307, a redirect, which is not followed"},
	} {
		store := &eventstest.Memory{}
		log := events.NewLog(events.Config{Store: store})
		if err := log.Open(t.Context()); err != nil {
			t.Fatal(err)
		}
		hooks := events.NewWebhooks(events.WebhooksConfig{Events: log, Store: store, Networks: c.networks})
		s, err := hooks.Create(t.Context(), events.Webhook{URL: byName + c.path, Active: true}, "")
		if err != nil {
			t.Fatal(err)
		}
		before := hit
		err = hooks.Test(t.Context(), s.ID)
		switch {
		case c.fault == "" && (err != nil || hit != before+1):
			t.Errorf("%s with leave: %v, hit %d times", c.path, err, hit-before)
		case c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)):
			t.Errorf("%s: %v, want %q", c.path, err, c.fault)
		case c.networks == nil && hit != before:
			t.Error("the server was reached without leave")
		}
	}
	if elsewhere > 0 {
		t.Error("a redirect was followed")
	}
}
