package sip

import (
	"context"
	"testing"
	"testing/synctest"

	"passerelle/sip/siptest"
)

// TestCallForHelpByName: a phone may call for help by what it wants instead of by a number (RFC 5031, RFC 6881 §8).
func TestCallForHelpByName(t *testing.T) {
	for _, c := range []struct{ uri, user string }{
		{"urn:service:sos", "service:sos"},
		{"urn:service:sos.fire", "service:sos.fire"},
		{"URN:Service:SOS.Ambulance", "service:sos.ambulance"},
		{"urn:service:sosx", ""},
		{"urn:service:sos.", ""},
		{"urn:service:counseling", ""},
		{"urn:isbn:9", ""},
		{"urn:", ""},
	} {
		t.Run(c.uri, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				legs := make(chan *Leg, 1)
				w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
					legs <- leg
					return leg.Answer(ctx, []byte("v=0\r\n"))
				}))
				call := w.trunk(t).NewCall(c.uri)
				call.Request("INVITE", siptest.Offer)
				if c.user == "" {
					call.Want(416, "INVITE")
					return
				}
				call.Want(200, "INVITE")
				if u := (<-legs).Invite().RequestURI; u.Scheme != "urn" || u.User != c.user || u.Host != "" {
					t.Errorf("%+v", u)
				}
				call.Request("ACK")
				m := call.WantRequest("BYE")
				if from := m.URI("From"); from != c.uri && from != "urn:"+c.uri[4:] {
					t.Errorf("From %q", from)
				}
				call.Answer(m, "200 OK", "")
				wantLegs(t, w, 0)
			})
		})
	}
}
