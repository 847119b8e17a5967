package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/call"
)

func TestLiveCallsPage(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	b.get("/live-calls").want(t, 200, "Aucun appel n’est en cours.")
	busy(t, w)
	b.get("/live-calls").want(t, 200, "Alice Martin", "Bruno Keller", "en attente", "PCMA", "+33 6 12 34 56 78", "Espace de Alice Martin", "PCMU", "sonne", "urgence", "4 résultats")
	b.get("/live-calls?q=keller").want(t, 200, "Bruno Keller", "1 résultat")
	b.get("/live-calls?q=keller").without(t, "Camille", "Espace de")
	desk := w.as(t, "bruno") // the help desk looks on
	desk.get("/live-calls").want(t, 200, "Bruno Keller")
	desk.get("/live-calls").without(t, "/end")
	if got := desk.post("/live-calls/1/end"); got.code != http.StatusForbidden {
		t.Error("the help desk ends a call:", got.code)
	}
	away := w.as(t, "dana")
	away.get("/live-calls").without(t, "Alice", "Keller", "/end")
	if got := away.post("/live-calls/1/end"); got.code != http.StatusNotFound {
		t.Error("another site's administrator ends a call:", got.code)
	}
	if len(w.live.ended) != 0 {
		t.Error("ended by those who may not:", w.live.ended)
	}
}

func TestEndCallPage(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	b := w.as(t, "alice")
	b.get("/live-calls/1/end").want(t, 200, "Terminer cet appel ?", "Alice Martin", "Bruno Keller")
	b.post("/live-calls/1/end").want(t, 200, "L’appel est terminé.", "3 résultats")
	b.post("/live-calls/1/end").want(t, 200, "L’appel s’est terminé entre-temps.")
	if got := b.get("/live-calls/1/end"); got.code != http.StatusNotFound {
		t.Error("a call that is over:", got.code)
	}
	b.post("/live-calls/4/end").want(t, 200, "Un appel d’urgence ne peut pas être terminé d’ici.", "3 résultats")
	if got := strings.Join(w.live.ended, ", "); got != "call 1" {
		t.Error("ended", got)
	}
}

// TestListsFollow reads the streams of the live calls and of the registrations: what their query asks for, and text as text.
func TestListsFollow(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	_, calls := b.stream(t.Context(), "/live-calls/events?q=keller&sort=-since")
	if first := text(calls()); !strings.Contains(first, "Aucun résultat") {
		t.Error(first)
	}
	_, phones := b.stream(t.Context(), "/registrations/events")
	phones()
	busy(t, w)
	rows := calls()
	if !strings.Contains(rows, "Bruno Keller") || strings.Contains(rows, "Camille") || strings.Contains(rows, "<html") || !strings.Contains(rows, `href="/live-calls?q=keller&amp;sort=since"`) {
		t.Error(rows)
	}
	hostile := someCalls(time.Now())[:1]
	hostile[0].Legs[1].Name = "Keller<img src=x onerror=alert(1)>\ndata: </div><script>"
	w.live.setCalls(hostile...)
	if rows := calls(); !strings.Contains(rows, "&lt;img src=x") || strings.Contains(rows, "<img") || strings.Contains(rows, "<script") {
		t.Error(rows)
	}
	w.live.setCalls([]call.LiveCall{}...)
	if last := text(calls()); !strings.Contains(last, "Aucun résultat") {
		t.Error(last)
	}
	if rows := text(phones()); !strings.Contains(rows, "+33170001201@paris.acme.test") || strings.Contains(rows, "montreal") {
		t.Error(rows)
	}
	for path, want := range map[string]int{"/live-calls/events?site=montreal.acme.test": http.StatusNotFound, "/registrations/events?site=montreal.acme.test": http.StatusNotFound} {
		if got := b.get(path); got.code != want {
			t.Errorf("%s: %d, want %d", path, got.code, want)
		}
	}
}
