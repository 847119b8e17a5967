package call

import (
	"context"
	"testing"
	"testing/synctest"

	"passerelle/directory"
	"passerelle/sip"
)

func TestChannels(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := func(e *directory.Enterprise) { e.Sites[0].Trunks[0].Channels = 2 }
		carrier := group(t, limit).Sites()[0].Trunks[0]
		c := NewChannels(nil)
		first, ok := c.Take(t.Context(), carrier, ClassNational)
		if !ok {
			t.Fatal("the first channel is taken")
		}
		ctx, end := context.WithCancel(t.Context())
		if _, ok := c.Take(ctx, carrier, ClassInternal); !ok { // one that comes in
			t.Fatal("the second channel is taken")
		}
		again := group(t, limit).Sites()[0].Trunks[0] // the same trunk in another snapshot
		if _, ok := c.Take(t.Context(), again, ClassNational); ok || c.Calls(again) != 2 {
			t.Errorf("a third call on two channels, %d are up", c.Calls(again))
		}
		help, ok := c.Take(t.Context(), carrier, ClassEmergency)
		if !ok || c.Calls(carrier) != 3 {
			t.Errorf("no channel for help, %d are up", c.Calls(carrier))
		}
		if _, ok := c.Take(t.Context(), group(t).Sites()[0].Trunks[1], ClassNational); !ok {
			t.Error("another trunk is full as well")
		}
		help()
		end()
		synctest.Wait()
		if _, ok := c.Take(t.Context(), carrier, ClassNational); !ok {
			t.Error("the channel of an ended call is not free")
		}
		first()
		first()
		if c.Calls(carrier) != 1 {
			t.Errorf("%d are up", c.Calls(carrier))
		}
	})
}

type down map[string]bool

func (d down) Up(t *directory.Trunk) bool { return !d[t.Name] }

func TestInOrder(t *testing.T) {
	dir := group(t)
	r := Plan(dir, callerOf(t, dir, "+33170001202"), uriOf("+442079460123"))
	for _, tt := range []struct {
		health Health
		want   string
	}{
		{nil, "britain north any"},
		{down{}, "britain north any"},
		{down{"britain": true}, "north any britain"},
		{down{"britain": true, "north": true}, "any britain north"},
		{down{"britain": true, "north": true, "any": true}, "britain north any"},
	} {
		if got := namesOf(r.InOrder(tt.health)); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.health, got, tt.want)
		}
	}
	if code, _ := sip.StatusOf(ErrNoChannel); code != 503 {
		t.Errorf("full trunks are answered %d", code)
	}
}
