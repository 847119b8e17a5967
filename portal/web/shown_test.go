package web_test

import (
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/gateway"
)

// shownPage is a main page.
type shownPage struct{ name, path string }

// shown are the main pages as Alice, the administrator of Paris, opens them.
func shown(t *testing.T, w *world) []shownPage {
	t.Helper()
	space := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	return []shownPage{
		{"home", "/"},
		{"services", "/services"},
		{"gateway", "/services/gateway"},
		{"space", "/services/gateway/spaces/" + space},
		{"regenerate", "/services/gateway/spaces/" + space + "/regenerate"},
		{"account", "/account"},
		{"hub", "/hub"},
	}
}

// busy is a server on which something happens.
func busy(t *testing.T, w *world) {
	t.Helper()
	since := time.Now().Add(-17 * time.Minute)
	w.live.set(gateway.BridgeInfo{
		Space: directory.SpaceRef(w.user(t, "alice@acme.test").Ref), Owner: "Alice Martin", Site: "paris.acme.test", Since: since,
		Participants: []gateway.ParticipantInfo{
			{ID: "1", Name: "Alice Martin", Number: "+33170001201", Since: since, Codec: "PCMA", Talking: true, Delay: 40 * time.Millisecond},
			{ID: "2", Name: "Bruno Keller", Number: "+33170001202", Since: since.Add(time.Minute), Codec: "PCMA", Delay: 40 * time.Millisecond, Held: true},
			{ID: "3", Name: "+33612345678", Number: "+33612345678", Since: since.Add(3 * time.Minute), Codec: "PCMU", Delay: 180 * time.Millisecond, Lost: 412},
		},
	})
}
