package web_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/sip"
)

// fakeCalls are calls of spaces that come as far as a test says.
type fakeCalls struct {
	mu   sync.Mutex
	all  []gateway.OutcallInfo
	fail error
}

func (f *fakeCalls) Call(_ context.Context, space, to string) (gateway.OutcallInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return gateway.OutcallInfo{}, f.fail
	}
	if to == "" {
		to = "the owner"
	}
	i := gateway.OutcallInfo{ID: strconv.Itoa(len(f.all) + 1), Space: space, To: to, State: gateway.OutcallRinging, Since: time.Now()}
	f.all = append(f.all, i)
	return i, nil
}

func (f *fakeCalls) Outcalls(space string) []gateway.OutcallInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.all), func(i gateway.OutcallInfo) bool { return i.Space != space })
}

func (f *fakeCalls) EndOutcall(_ context.Context, space, id string) error {
	return f.end(space, id, gateway.OutcallCancelled, 0)
}

// end ends a call in a state.
func (f *fakeCalls) end(space, id string, state gateway.OutcallState, code int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.all {
		if o := &f.all[i]; o.Space == space && o.ID == id {
			o.State, o.Code, o.Ended = state, code, time.Now()
			return nil
		}
	}
	return gateway.ErrNoOutcall
}

func (f *fakeCalls) RetryOutcall(ctx context.Context, space, id string) (gateway.OutcallInfo, error) {
	for _, o := range f.Outcalls(space) {
		if o.ID == id {
			return f.Call(ctx, space, o.To)
		}
	}
	return gateway.OutcallInfo{}, gateway.ErrNoOutcall
}

// TestCallsAreLaunchedFromMySpace is what "My Space" is for: the user is called into it, brings others in, sees how far the calls are,
// takes one back and makes one again.
func TestCallsAreLaunchedFromMySpace(t *testing.T) {
	w := newWorld(t)
	a := w.as(t, "alice")
	space := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	a.get("/hub").want(t, 200, "Lancer un appel", "M’appeler dans mon espace", "Ajouter un participant")
	a.post("/hub/space/calls", "me", "1").want(t, 200, "L’appel est lancé.", "the owner", "sonne", "Annuler")
	a.post("/hub/space/calls", "to", "06 12 34 56 78").want(t, 200, "0612345678")
	page := a.get("/hub/space/calls")
	page.want(t, 200, "0612345678", "sonne")
	if strings.Contains(page.body, "<html") || !strings.Contains(page.body, `hx-trigger="every 2s"`) {
		t.Errorf("a page that looks again gets\n%s", page.body)
	}
	a.post("/hub/space/calls/1/end").want(t, 200, "L’appel est terminé.", "annulé", "Rappeler")
	if err := w.outs.end(space, "2", gateway.OutcallFailed, 486); err != nil {
		t.Fatal(err)
	}
	page = a.get("/hub/space/calls")
	page.want(t, 200, "sans succès", "occupé")
	if strings.Contains(page.body, "hx-trigger") {
		t.Error("the page looks again when all calls are over")
	}
	a.post("/hub/space/calls/2/retry").want(t, 200, "L’appel est lancé.", "sonne")
	if all := w.outs.Outcalls(space); len(all) != 3 || all[2].To != "0612345678" {
		t.Errorf("%+v", all)
	}
	a.post("/hub/space/calls").want(t, 200, "Indiquez qui appeler.")
	b := w.as(t, "bruno")
	b.post("/hub/space/calls/1/end").want(t, 200, "Cet appel n’est plus là.") // another user's
}

// TestLaunchRefusalsAreTold says in the user's words why nobody is called.
func TestLaunchRefusalsAreTold(t *testing.T) {
	w := newWorld(t)
	a := w.as(t, "alice")
	for _, c := range []struct {
		fail error
		want string
	}{
		{gateway.ErrSpaceFull, "Toutes les places de votre espace sont prises."},
		{gateway.ErrDraining, "Le service s’arrête."},
		{&call.LimitError{Limit: call.LimitPerMinute}, "Votre limite d’appels externes est atteinte."},
		{&sip.StatusError{Code: 403, Reason: "Not In Calling Plan"}, "Votre plan d’appel ne permet pas cet appel."},
		{&sip.StatusError{Code: 484}, "Ce numéro n’existe pas, ou il n’est pas complet."},
	} {
		w.outs.fail = c.fail
		a.post("/hub/space/calls", "to", "0033").want(t, 200, c.want)
	}
	if err := w.AssignGateway(t.Context(), paris, "", nil); err != nil {
		t.Fatal(err)
	}
	w.outs.fail = gateway.ErrUnassigned
	if page := a.get("/hub"); strings.Contains(page.body, "Lancer un appel") {
		t.Error("calls are offered without a gateway number")
	}
	a.post("/hub/space/calls", "me", "1").want(t, 200, "appel")
	if c := w.as(t, "camille"); strings.Contains(c.get("/hub").body, "Lancer un appel") {
		t.Error("calls are offered to somebody without a space")
	}
}
