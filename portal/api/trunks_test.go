package api

import (
	"net/netip"
	"testing"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/sip"
)

type fakeTrunks []trunks.State

func (f fakeTrunks) States() []trunks.State { return f }

// callsByChannels says that every channel of a trunk is in use.
type callsByChannels struct{}

func (callsByChannels) Calls(t *directory.Trunk) int { return t.Channels }

func TestTrunks(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	hop := sip.Hop{Transport: "TLS", Addr: netip.MustParseAddrPort("192.0.2.1:5061"), Name: "carrier.test"}
	w := newWorld(t, func(w *world) {
		paris, lyon := w.dir.Current().Sites()[0], w.dir.Current().Sites()[1]
		one := &directory.Trunk{Site: paris, Name: "carrier", Auth: directory.AuthRegister, Channels: 2, Password: "t0p-s3cret"}
		w.trunks = fakeTrunks{
			{Trunk: &directory.Trunk{Site: lyon, Name: "never asked", Auth: directory.AuthIP}, Condition: trunks.Unknown, Since: since},
			{
				Trunk: one, Condition: trunks.Down, Why: "not registered: 403 Forbidden", Since: since,
				Ways:         []trunks.WayState{{Hop: hop, Condition: trunks.Up, Since: since}, {Hop: hop, Condition: trunks.Unknown}},
				Registration: &trunks.RegistrationState{Why: "403 Forbidden", Since: since, Expires: since, Way: hop},
			},
		}
	})
	list := get[Page[Trunk]](t, w, "/api/v1/trunks?site=PARIS.acme.test", readToken)
	if len(list.Items) != 1 {
		t.Fatalf("%+v", list.Items)
	}
	got := list.Items[0]
	if got.Name != "carrier" || got.Site != "paris.acme.test" || got.Auth != "register" || got.State != "down" || got.Why != "not registered: 403 Forbidden" ||
		!got.Since.Equal(since) || got.Calls != 2 || got.Channels != 2 {
		t.Errorf("%+v", got)
	}
	if len(got.Ways) != 2 || got.Ways[0].Address != "192.0.2.1:5061" || got.Ways[0].Transport != "TLS" || got.Ways[0].State != "up" || got.Ways[1].Since != nil {
		t.Errorf("ways %+v", got.Ways)
	}
	if r := got.Registration; r == nil || r.Registered || r.Why != "403 Forbidden" || r.Expires != nil || r.Address != "" {
		t.Errorf("registration %+v", r)
	}
	if all := get[Page[Trunk]](t, w, "/api/v1/trunks", readToken); len(all.Items) != 2 || all.Items[0].Registration != nil {
		t.Errorf("%+v", all.Items)
	}
}
