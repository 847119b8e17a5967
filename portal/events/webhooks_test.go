package events_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/portal/events"
)

// TestDeadReceiver posts for an hour and more to a receiver that answers nothing for an hour, while the server is restarted
// twice: nothing is lost, and nothing comes in another order.
func TestDeadReceiver(t *testing.T) {
	inWorld(t, func(w *world) {
		v := &receiver{}
		h := hosts{"crm.test": v}
		w.transport = h
		w.open()
		id := w.create(h, "crm.test", events.Webhook{Name: "CRM"}).ID
		n := 0
		post := func(many int, every time.Duration) {
			for range many {
				w.post(n)
				n++
				time.Sleep(every)
			}
		}
		post(100, time.Second)
		w.inOrder(w.notes(v), 0, 99)

		v.fails(true)
		post(300, 4*time.Second)
		if s := w.state(id); s.Condition != events.Retrying || s.Attempts < 5 || s.LastError != "nobody listens" || s.Next.Before(time.Now()) || s.Waiting < 290 {
			t.Errorf("after twenty minutes: %+v", s)
		}
		w.close() // a shutdown while it fails
		w.open()
		post(300, 4*time.Second)
		if s := w.state(id); s.Condition != events.Retrying || time.Since(s.Failing) < 39*time.Minute {
			t.Errorf("after forty minutes and a restart it fails since %v", s.Failing)
		}
		w.close()
		w.open()
		post(300, 4*time.Second)
		w.inOrder(w.notes(v), 0, 99)

		v.fails(false)
		time.Sleep(6 * time.Minute) // the longest pause between two attempts is five
		w.inOrder(w.notes(v), 0, n-1)
		if s := w.state(id); s.Condition != events.Delivering || !s.Failing.IsZero() || s.Waiting != 0 || s.LastError != "" {
			t.Errorf("at the end: %+v", s)
		}
		if len(v.received()) != n {
			t.Errorf("%d deliveries of %d events: some came twice", len(v.received()), n)
		}
	})
}

// TestCrashRepeatsAndLosesNothing ends the server without its last writes.
func TestCrashRepeatsAndLosesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		v := &receiver{}
		h := hosts{"crm.test": v}
		w.transport = h
		w.open()
		w.create(h, "crm.test", events.Webhook{})
		for i := range 500 {
			w.post(i)
			time.Sleep(7 * time.Millisecond)
			if i == 300 {
				time.Sleep(time.Second) // what was posted is in the log
				w.crash()
				w.open()
			}
		}
		time.Sleep(time.Minute)
		w.inOrder(w.notes(v), 0, 499)
	})
}

// TestSlowReceiverHoldsUpItselfOnly has one webhook that never answers beside one that does.
func TestSlowReceiverHoldsUpItselfOnly(t *testing.T) {
	inWorld(t, func(w *world) {
		slow, quick := &receiver{}, &receiver{}
		slow.fails(true)
		h := hosts{"slow.test": slow, "quick.test": quick}
		w.transport = h
		w.open()
		w.create(h, "slow.test", events.Webhook{})
		w.create(h, "quick.test", events.Webhook{Types: []events.Type{"call.*"}, Site: "paris.acme.test"})
		for i := range 10 {
			w.log.Post(events.Draft{Type: events.CallBegan, Data: note{N: i}, Sites: []string{"paris.acme.test"}})
			w.log.Post(events.Draft{Type: events.CallBegan, Data: note{N: 100 + i}, Sites: []string{"lyon.acme.test"}})
			w.log.Post(events.Draft{Type: events.BridgeBegan, Data: note{N: 200 + i}, Sites: []string{"paris.acme.test"}})
		}
		time.Sleep(time.Second)
		w.inOrder(w.notes(quick), 0, 9)
		if len(w.notes(slow)) != 0 {
			t.Error("the other received something")
		}
	})
}

// TestRetriesGrow looks at the times of the attempts, and at what a receiver may ask for.
func TestRetriesGrow(t *testing.T) {
	inWorld(t, func(w *world) {
		v := &receiver{}
		h := hosts{"crm.test": v}
		w.transport = h
		w.open()
		v.fails(true)
		id := w.create(h, "crm.test", events.Webhook{}).ID
		w.post(0)
		time.Sleep(time.Hour)
		var pauses []time.Duration
		for i := range v.times()[1:] {
			pauses = append(pauses, v.times()[i+1].Sub(v.times()[i]))
		}
		if len(pauses) < 15 || len(pauses) > 22 {
			t.Errorf("%d attempts in an hour", len(pauses))
		}
		for i, p := range pauses {
			most := min(time.Second<<min(i, 20), 5*time.Minute)
			if p > most || p < most*9/10 {
				t.Errorf("pause %d is %v, want %v or a little less", i, p, most)
			}
		}

		v.answers(func(*http.Request) (int, http.Header, error) {
			return http.StatusServiceUnavailable, http.Header{"Retry-After": {"1800"}}, nil
		})
		time.Sleep(6 * time.Minute)
		if left := time.Until(w.state(id).Next); left < 24*time.Minute || left > 30*time.Minute {
			t.Errorf("asked for half an hour, the next attempt is in %v", left)
		}
		if e := w.state(id).LastError; e != "answered 503" {
			t.Error("the last error is", e)
		}
	})
}

// TestGivingUp has receivers that want nothing more, or are gone for good. What happened meanwhile comes when they are tried
// again.
func TestGivingUp(t *testing.T) {
	inWorld(t, func(w *world) {
		gone, dead := &receiver{}, &receiver{}
		h := hosts{"gone.test": gone, "dead.test": dead}
		w.transport = h
		w.cfg.Keep = 30 * 24 * time.Hour
		w.open()
		gone.answers(func(*http.Request) (int, http.Header, error) { return http.StatusGone, nil, nil })
		dead.fails(true)
		ids := []string{w.create(h, "gone.test", events.Webhook{}).ID, w.create(h, "dead.test", events.Webhook{}).ID}
		for i := range 10 {
			w.post(i)
			time.Sleep(13 * time.Hour)
		}
		w.close()
		w.open()
		for i, id := range ids {
			s := w.state(id)
			if s.Condition != events.Stopped || s.Disabled == "" || !s.Next.IsZero() {
				t.Errorf("%s: %+v", s.URL, s)
			}
			v := h[[]string{"gone.test", "dead.test"}[i]]
			before := len(v.times())
			time.Sleep(time.Hour)
			if len(v.times()) != before {
				t.Errorf("%s is tried though it is disabled", s.URL)
			}
			v.fails(false)
			if s, err := w.hooks.Change(w.t.Context(), id, "", func(*events.Webhook) error { return nil }); err != nil || s.Condition != events.Delivering {
				t.Errorf("switched on: %+v, %v", s, err)
			}
			time.Sleep(time.Second)
			w.inOrder(w.notes(v), 0, 9)
		}
		if len(gone.times()) != 11 {
			t.Errorf("who wants no more was tried %d times, want once", len(gone.times())-10)
		}
	})
}

// TestGapIsTold drops events before a webhook got them.
func TestGapIsTold(t *testing.T) {
	inWorld(t, func(w *world) {
		v := &receiver{}
		h := hosts{"crm.test": v}
		w.transport = h
		w.cfg.Most = 50
		w.open()
		w.post(0)
		time.Sleep(time.Second)
		w.create(h, "crm.test", events.Webhook{Types: []events.Type{events.CallBegan}})
		v.fails(true)
		w.post(1)
		time.Sleep(500 * time.Millisecond) // it has this one in hand
		for i := range 200 {
			w.post(2 + i)
		}
		time.Sleep(10 * time.Second)
		v.fails(false)
		time.Sleep(time.Minute)
		got := w.notes(v)
		if len(got) < 50 || got[0] != 1 {
			t.Fatalf("received %v", got)
		}
		lost, at := 0, 0
		for i, e := range v.received() {
			if e.Type == events.EventsLost {
				lost, at = int(lostOf(t, e).Count), i
			}
		}
		if lost+len(got) != 201 || lost == 0 {
			t.Errorf("%d received and %d told as lost, want 201", len(got), lost)
		}
		if !slices.IsSorted(got) || at > 0 && noteOf(t, v.received()[at+1]).N != noteOf(t, v.received()[at-1]).N+lost+1 {
			t.Errorf("the gap is told after event %d of %v", at, got)
		}
	})
}

// TestPlaceOfAWebhook switches one off and on, has it repeat, and has it leave out.
func TestPlaceOfAWebhook(t *testing.T) {
	inWorld(t, func(w *world) {
		v := &receiver{}
		h := hosts{"crm.test": v}
		w.transport = h
		w.open()
		id := w.create(h, "crm.test", events.Webhook{}).ID
		change := func(from string, f func(*events.Webhook)) {
			t.Helper()
			if _, err := w.hooks.Change(w.t.Context(), id, from, func(h *events.Webhook) error { f(h); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		off, on := func(h *events.Webhook) { h.Active = false }, func(h *events.Webhook) { h.Active = true }
		post := func(n int) { w.post(n); time.Sleep(time.Second) }
		post(0)
		change("", off)
		post(1)
		if s := w.state(id); s.Condition != events.Off || s.Waiting != 1 {
			t.Errorf("off: %+v", s)
		}
		w.inOrder(w.notes(v), 0, 0)
		change("", on)
		post(2)
		w.inOrder(w.notes(v), 0, 2)
		change(events.Oldest, on)
		time.Sleep(time.Second)
		if len(v.received()) != 6 {
			t.Errorf("%d deliveries, want all three twice", len(v.received()))
		}
		change("", off)
		post(3)
		change(events.Latest, on)
		post(4)
		if got := w.notes(v); !slices.Equal(got, []int{0, 1, 2, 4}) {
			t.Errorf("received %v: 3 was to be left out", got)
		}
		if _, err := w.hooks.Change(w.t.Context(), id, "other-1", func(*events.Webhook) error { return nil }); !errors.Is(err, events.ErrGone) {
			t.Errorf("a cursor of another log: %v", err)
		}
		post(5) // the refused change has not stopped it
		if got := w.notes(v); len(got) != 5 {
			t.Errorf("received %v", got)
		}
		if err := w.hooks.Delete(w.t.Context(), id, func(events.Webhook) error { return nil }); err != nil {
			t.Fatal(err)
		}
		post(6)
		w.close()
		w.open()
		post(7)
		if got := w.notes(v); len(got) != 5 || len(w.hooks.Webhooks()) != 0 {
			t.Errorf("received %v after it was deleted", got)
		}
	})
}

// TestEachWebhookHasAPanicOfItsOwn has a transport fail badly.
func TestEachWebhookHasAPanicOfItsOwn(t *testing.T) {
	inWorld(t, func(w *world) {
		bad, good := &receiver{}, &receiver{}
		h := hosts{"bad.test": bad, "good.test": good}
		w.transport = h
		w.open()
		id := w.create(h, "bad.test", events.Webhook{}).ID
		w.create(h, "good.test", events.Webhook{})
		bad.answers(func(*http.Request) (int, http.Header, error) { panic("of the test") })
		w.post(0)
		time.Sleep(time.Second)
		synctest.Wait()
		w.inOrder(w.notes(good), 0, 0)
		if s := w.state(id); s.Condition != events.Stopped {
			t.Errorf("it stands as %s", s.Condition)
		}
	})
}
