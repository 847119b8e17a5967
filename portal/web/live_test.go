package web_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/gateway"
)

func TestLivePageIsHeldToTheSite(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	ref := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	w.as(t, "alice").get("/live").want(t, 200, "1 session en cours, 3 participants", "Espace de Alice Martin", "Bruno Keller", "+33 6 12 34 56 78", "parle", "en attente",
		"Terminer la session", "Retirer", "3 participants sur 15 possibles", "moyenne")
	desk := w.as(t, "bruno") // the help desk looks on
	desk.get("/live").want(t, 200, "Bruno Keller")
	desk.get("/live").without(t, "Terminer la session", "/remove", "/mute", "/lock")
	away := w.as(t, "dana")
	away.get("/live").without(t, "Alice", "space-")
	for who, want := range map[*browser][2]int{desk: {http.StatusForbidden, http.StatusForbidden}, away: {http.StatusNotFound, http.StatusOK}} {
		if got := who.get("/live/" + ref + "/end"); got.code != want[0] {
			t.Errorf("asks to end: %d, want %d", got.code, want[0])
		}
		for _, path := range []string{"/live/" + ref + "/end", "/live/" + ref + "/lock", "/live/" + ref + "/participants/1/remove", "/live/" + ref + "/participants/1/mute"} {
			if got := who.post(path); got.code != want[1] {
				t.Errorf("%s: %d, want %d", path, got.code, want[1])
			}
		}
	}
	if len(w.live.ended) != 0 {
		t.Error("ended by those who may not:", w.live.ended)
	}
}

func TestEndAndRemove(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	ref := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	b := w.as(t, "alice")
	b.post("/live/"+ref+"/participants/2/remove").want(t, 200, "Bruno Keller a été retiré de la session.", "2 participants")
	b.post("/live/"+ref+"/participants/2/remove").want(t, 200, "Le participant est parti entre-temps.")
	b.get("/live/"+ref+"/end").want(t, 200, "Terminer la session de Alice Martin ?", "2 participants seront déconnectés.")
	b.post("/live/"+ref+"/end").want(t, 200, "La session de Alice Martin est terminée.", "Aucune session n’est en cours.")
	b.post("/live/"+ref+"/end").want(t, 200, "La session s’est terminée entre-temps.")
	if got := strings.Join(w.live.ended, " "); got != ref+"/2 "+ref {
		t.Error("ended", got)
	}
}

func TestLockAndMute(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	ref := directory.SpaceRef(w.user(t, "alice@acme.test").Ref)
	b := w.as(t, "alice")
	b.post("/live/"+ref+"/lock", "on", "true").want(t, 200, "La session de Alice Martin est verrouillée", "Déverrouiller")
	b.post("/live/"+ref+"/lock", "on", "false").want(t, 200, "La session de Alice Martin est de nouveau ouverte.", "Verrouiller")
	b.post("/live/"+ref+"/participants/2/mute", "on", "true").want(t, 200, "Le micro de Bruno Keller est coupé.", "micro coupé", "Rétablir le micro")
	b.post("/live/"+ref+"/participants/2/mute", "on", "false").want(t, 200, "Le micro de Bruno Keller est rétabli.")
	b.get("/live").without(t, "Rétablir", "micro coupé")
	b.post("/live/"+ref+"/participants/9/mute", "on", "true").want(t, 200, "Le participant est parti entre-temps.")
	b.post("/live/space-99/lock", "on", "true").want(t, 200, "La session s’est terminée entre-temps.")
	if got := strings.Join(w.live.ended, ", "); got != ref+" locked true, "+ref+" locked false, "+ref+"/2 muted true, "+ref+"/2 muted false" {
		t.Error("changed", got)
	}
}

// events opens the live page's stream.
func (b *browser) events(ctx context.Context) (res *http.Response, next func() string) {
	b.t.Helper()
	return b.stream(ctx, "/live/events")
}

// stream opens a stream of events. next gives the data of its next event, each line with its end; empty when it has ended.
func (b *browser) stream(ctx context.Context, path string) (res *http.Response, next func() string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", b.lang)
	if res, err = b.client.Do(r); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { res.Body.Close() })
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	return res, func() string {
		b.t.Helper()
		var data strings.Builder
		for lines.Scan() {
			line, isData := strings.CutPrefix(lines.Text(), "data:")
			switch {
			case isData:
				data.WriteString(strings.TrimPrefix(line, " ") + "\n")
			case line == "" && data.Len() > 0:
				return data.String()
			}
		}
		return ""
	}
}

func TestLiveEventsFollow(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	res, next := b.events(t.Context())
	if kind := res.Header.Get("Content-Type"); res.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatal(res.StatusCode, kind)
	}
	if first := text(next()); !strings.Contains(first, "Aucune session n’est en cours.") {
		t.Fatal(first)
	}
	busy(t, w)
	second := next()
	if seen := text(second); !strings.Contains(seen, "Espace de Alice Martin") || strings.Contains(second, "<html") {
		t.Error(seen)
	}
	// A name from a phone is text, whatever it looks like.
	w.live.set(gateway.BridgeInfo{Space: "space-1", Owner: "Alice Martin", Site: paris, Since: time.Now(), Participants: []gateway.ParticipantInfo{
		{ID: "9", Name: "<img src=x onerror=alert(1)>\ndata: </div><script>", Since: time.Now()},
	}})
	third := next()
	if !strings.Contains(third, "&lt;img src=x") || strings.Contains(third, "<img") || strings.Contains(third, "<script") {
		t.Error(third)
	}
}

func TestLiveEventsAreForTheStaff(t *testing.T) {
	w := newWorld(t)
	if res, _ := w.as(t, "camille").events(t.Context()); res.StatusCode != http.StatusForbidden {
		t.Error("a user:", res.StatusCode)
	}
	if res, _ := w.browser(t).events(t.Context()); res.Header.Get("Content-Type") == "text/event-stream" {
		t.Error("a stranger hears them")
	}
}

func TestLiveEventsHaveAnEnd(t *testing.T) {
	w := newWorld(t)
	b := w.as(t, "alice")
	for range 64 {
		if res, next := b.events(t.Context()); res.StatusCode != 200 || next() == "" {
			t.Fatal(res.StatusCode)
		}
	}
	if res, _ := b.events(t.Context()); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Error("one more:", res.StatusCode)
	}
}
