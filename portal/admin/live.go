package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/gateway"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// livePage is the live bridges that somebody sees.
type livePage struct {
	Bridges      []bridgeView
	Participants int
	Zone         *time.Location
}

// bridgeView is a live bridge, and whether who looks may end it.
type bridgeView struct {
	gateway.BridgeInfo
	SiteName string
	Changes  bool
	Seats    []seatView
	Most     int
}

// seatView is a participant.
type seatView struct {
	gateway.ParticipantInfo
	Quality int // 1 to 3 bars
}

func (p *Portal) live(w http.ResponseWriter, r *http.Request) {
	p.view.Render(w, r, pages, "live", http.StatusOK, page.Frame{Title: p.text(r, "nav.live"), Area: "live", Data: p.liveOf(r)})
}

// liveOf is what the request's principal sees, the oldest bridge first.
func (p *Portal) liveOf(r *http.Request) livePage {
	who, dir, now := account.Of(r.Context()), p.cfg.Directory.Current(), time.Now()
	l := livePage{Zone: p.view.Zone(r)}
	for _, b := range p.cfg.Bridges.Bridges() {
		site, ok := dir.SiteByDomain(b.Site)
		if !ok || !who.Sees(site) {
			continue
		}
		v := bridgeView{BridgeInfo: b, SiteName: site.Name, Changes: who.Changes(site), Most: directory.MaxParticipants}
		for _, s := range b.Participants {
			v.Seats = append(v.Seats, seatView{s, quality(s, now)})
		}
		l.Bridges = append(l.Bridges, v)
		l.Participants += len(b.Participants)
	}
	slices.SortFunc(l.Bridges, func(a, b bridgeView) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Space, b.Space)) })
	return l
}

// quality rates the way from a participant to us: three bars up to 1 % loss and 100 ms of jitter buffer, two up to 5 % and
// 250 ms, as far as speech goes well.
func quality(s gateway.ParticipantInfo, now time.Time) int {
	const perSecond = 50 // packets of 20 ms
	sent := max(now.Sub(s.Since).Seconds(), 1) * perSecond
	loss := float64(s.Lost) / sent
	switch {
	case loss <= .01 && s.Delay <= 100*time.Millisecond:
		return 3
	case loss <= .05 && s.Delay <= 250*time.Millisecond:
		return 2
	default:
		return 1
	}
}

// liveEvery is how often the live page is looked at anew.
const liveEvery = time.Second

// liveEvents sends the live page's bridges whenever they changed.
func (p *Portal) liveEvents(w http.ResponseWriter, r *http.Request) {
	p.follow(w, r, liveEvery, "bridges", func() (string, error) { return p.view.Part(r, pages, "live", "bridges", p.liveOf(r)) })
}

// bridge is the live bridge that a path names, for those who may change its site. Without one the request is answered.
func (p *Portal) bridge(w http.ResponseWriter, r *http.Request) (bridgeView, bool) {
	for _, b := range p.liveOf(r).Bridges {
		if b.Space != r.PathValue("space") {
			continue
		}
		if !b.Changes {
			p.view.Refuse(w, r, http.StatusForbidden)
		}
		return b, b.Changes
	}
	if r.Method == http.MethodPost { // it ended before the button was pressed
		p.view.Note(w, r, "/live", page.Note{Key: "live.ended_already"})
	} else {
		p.view.Refuse(w, r, http.StatusNotFound)
	}
	return bridgeView{}, false
}

// endForm asks before everybody is sent away.
func (p *Portal) endForm(w http.ResponseWriter, r *http.Request) {
	if b, ok := p.bridge(w, r); ok {
		p.view.Render(w, r, pages, "end", http.StatusOK, page.Frame{Title: p.text(r, "end.title", b.Owner), Area: "live", Data: b,
			Trail: []page.Crumb{{Text: p.text(r, "nav.live"), Href: "/live"}, {Text: b.Owner}}})
	}
}

func (p *Portal) end(w http.ResponseWriter, r *http.Request) {
	if b, ok := p.bridge(w, r); ok {
		err := p.cfg.Bridges.EndBridge(r.Context(), b.Space)
		p.changed(w, r, err, page.Note{Key: "live.ended", Args: []any{b.Owner}}, "bridge ended", "space", b.Space)
	}
}

func (p *Portal) remove(w http.ResponseWriter, r *http.Request) {
	b, ok := p.bridge(w, r)
	if !ok {
		return
	}
	id := r.PathValue("id")
	i := slices.IndexFunc(b.Seats, func(s seatView) bool { return s.ID == id })
	if i < 0 {
		p.view.Note(w, r, "/live", page.Note{Key: "live.left_already"})
		return
	}
	err := p.cfg.Bridges.Remove(r.Context(), b.Space, id)
	p.changed(w, r, err, page.Note{Key: "live.removed", Args: []any{b.Seats[i].Name}}, "participant removed", "space", b.Space, "participant", id)
}

// changed answers a request that changed or ended something live; that it had ended by itself is as good.
func (p *Portal) changed(w http.ResponseWriter, r *http.Request, err error, done page.Note, what string, args ...any) {
	switch {
	case errors.Is(err, gateway.ErrNoBridge), errors.Is(err, gateway.ErrNoParticipant):
		done = page.Note{Key: "live.left_already"}
	case errors.Is(err, context.Canceled):
		return
	case err != nil:
		p.view.Fail(w, r, what, err)
		return
	default:
		p.audit(r.Context(), what, args...)
	}
	p.view.Note(w, r, "/live", done)
}
