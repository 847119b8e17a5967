package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/portal/events"
	"passerelle/portal/events/eventstest"
)

// logEvents runs the world's event log, in memory.
func (w *world) logEvents() {
	w.t.Helper()
	w.events = events.NewLog(events.Config{Store: &eventstest.Memory{}})
	if err := w.events.Open(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // ends after the server
		defer close(ended)
		_ = w.events.Run(ctx)
	}()
	w.t.Cleanup(func() {
		stop()
		<-ended
	})
}

// happened is all that the log has, those of some types if any are given.
func (w *world) happened(types ...events.Type) (all []events.Event) {
	w.t.Helper()
	time.Sleep(time.Second) // of the bubble: the log is written by now
	from, err := w.events.Cursor(events.Oldest, "")
	if err != nil {
		w.t.Fatal(err)
	}
	for {
		p, err := w.events.Read(context.Background(), from, 1000, events.Filter{Types: types})
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, p.Events...)
		if from = p.Next; !p.More {
			return all
		}
	}
}

// dataOf decodes what an event tells.
func dataOf[T any](t *testing.T, e events.Event) (v T) {
	t.Helper()
	if err := json.Unmarshal(e.Data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// typesOf are the types of events, in their order.
func typesOf(list []events.Event) (all []events.Type) {
	for _, e := range list {
		all = append(all, e.Type)
	}
	return all
}

// TestEventsOfASpace follows two who meet in a space.
func TestEventsOfASpace(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.enter(w.alice(), aliceSpace)
		w.participants(1)
		second := w.enter(w.camille(), aliceSpace)
		w.participants(2)
		time.Sleep(2 * time.Second)
		if err := w.house.gateway.Lock(w.t.Context(), w.aliceRef(), true); err != nil {
			t.Fatal(err)
		}
		if err := w.house.gateway.Lock(w.t.Context(), w.aliceRef(), true); err != nil { // told once
			t.Fatal(err)
		}
		w.bye(first)
		w.participants(1)
		time.Sleep(time.Second)
		w.bye(second)
		w.settled()

		got := typesOf(w.happened("call.*", "bridge.*", "participant.*"))
		want := []events.Type{
			events.CallBegan, events.BridgeBegan, events.CallAnswered, events.ParticipantJoined,
			events.CallBegan, events.CallAnswered, events.ParticipantJoined,
			events.BridgeLocked, events.ParticipantLeft, events.CallEnded, events.ParticipantLeft, events.BridgeEnded, events.CallEnded,
		}
		slices.Sort(got) // signalling and media tell side by side
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
		seats := []int{}
		for _, e := range w.happened("participant.*") {
			p := dataOf[events.Participant](t, e)
			seats = append(seats, p.Present)
			if !strings.HasPrefix(p.Space, "space-") || p.Site != "paris.acme.test" || p.Name == "" || p.Codec == "" || p.CallID == "" || !e.Concerns("paris.acme.test") {
				t.Errorf("%s told %+v of sites %v", e.Type, p, e.Sites)
			}
		}
		if !slices.Equal(seats, []int{1, 2, 1, 0}) {
			t.Errorf("who sits after each: %v", seats)
		}
		ended := dataOf[events.Call](t, w.happened(events.CallEnded)[0])
		if ended.Code != 200 || ended.Ended != "peer" || ended.Line != "+33170001201" || ended.Answer == nil || ended.End == nil || ended.Route != "gateway" {
			t.Errorf("the call ended as %+v", ended)
		}
	})
}

// TestEventsOfAChange changes the gateway number and a user's settings.
func TestEventsOfAChange(t *testing.T) {
	inStoredWorld(t, func(w *world) {
		dir := w.live.Current()
		site := dir.Sites()[0]
		before, free := site.Gateway.Number, dir.FreeNumbers(site)
		if err := w.config.AssignGateway(w.t.Context(), site.Domain, free[0], nil); err != nil {
			t.Fatal(err)
		}
		if err := w.config.SetUser(w.t.Context(), site.Users[0].Ref, func(u *directory.User) { u.DND = true }); err != nil {
			t.Fatal(err)
		}
		list := w.happened("gateway_number.*", "user.*", "site.*")
		if len(list) != 2 {
			t.Fatalf("told %v", typesOf(list))
		}
		if n := dataOf[events.GatewayNumber](t, list[0]); n.Number != string(free[0]) || n.Before != string(before) || n.Site != site.Domain {
			t.Errorf("the number: %+v", n)
		}
		if c := dataOf[events.Changed](t, list[1]); list[1].Type != events.UserChanged || !slices.Equal(c.Fields, []string{"dnd"}) || c.Ref != site.Users[0].Ref {
			t.Errorf("the user: %s %+v", list[1].Type, c)
		}
	})
}

// TestEventsOfPhones has a phone register, come anew and go.
func TestEventsOfPhones(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.alice()
		ctx := w.t.Context()
		for range 2 { // the second is a refresh
			if _, err := p.Register(ctx, time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Unregister(ctx); err != nil {
			t.Fatal(err)
		}
		list := w.happened("registration.*")
		if got := typesOf(list); !slices.Equal(got, []events.Type{events.RegistrationAdded, events.RegistrationRemoved}) {
			t.Fatalf("told %v", got)
		}
		if r := dataOf[events.Registration](t, list[1]); r.Cause != "unregistered" || r.AOR != "+33170001201@paris.acme.test" || r.Username != "alice-app" || !list[1].Concerns("paris.acme.test") {
			t.Errorf("the removal: %+v", r)
		}
	})
}
