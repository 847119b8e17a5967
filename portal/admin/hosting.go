package admin

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// Desk is who is signed in on which host phone; package hoteling satisfies it.
type Desk interface {
	// On gives who is on a host.
	On(host uint64) (hoteling.Association, bool)
	// SignOut frees a host and says whether somebody was there.
	SignOut(ctx context.Context, host uint64, by hoteling.Source) (bool, error)
	// Refusals gives the latest refusals, the newest first.
	Refusals() []hoteling.Refusal
}

// hostingPage is the hosts with their guests, and the latest refusals.
type hostingPage struct {
	Sites    []*directory.Site
	Site     string
	List     page.List[hostRow]
	Refusals []refusalRow
	Zone     *time.Location
}

// hostRow is a host phone.
type hostRow struct {
	Host    *directory.User
	Guest   *directory.User // nil: free
	Since   time.Time
	Until   time.Time // zero: no limit
	Release bool      // whether who looks may send the guest away
}

// refusalRow is a refused sign-in.
type refusalRow struct {
	At          time.Time
	Host, Guest string
	Text        string
}

// maxRefusals is how many of the latest refusals the page shows.
const maxRefusals = 20

func (p *Portal) hosting(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	dir := p.cfg.Directory.Current()
	q := page.ReadQuery(r, "name", "guest", "until")
	rows := []hostRow{}
	for _, s := range sites {
		for u := range s.Everyone() {
			if u.Phone == nil || u.Phone.Host == nil {
				continue
			}
			row := hostRow{Host: u, Release: true} // the help desk too
			guest := ""
			if a, taken := p.cfg.Desk.On(u.Ref); taken {
				row.Guest, _ = dir.UserByRef(a.Guest)
				row.Since, row.Until = a.Since, a.Until
				if row.Guest != nil {
					guest = row.Guest.Name
				}
			}
			if q.Matches(u.Name, string(u.Number), u.Extension, guest) {
				rows = append(rows, row)
			}
		}
	}
	list := page.Cut(q, rows, func(a, b hostRow) int {
		first := 0
		switch q.Sort {
		case "guest":
			first = cmp.Compare(nameOf(a.Guest), nameOf(b.Guest))
		case "until":
			first = a.Until.Compare(b.Until)
		}
		return cmp.Or(first, byName(a.Host, b.Host))
	})
	p.view.Render(w, r, pages, "hosting", http.StatusOK, page.Frame{Title: p.text(r, "hosting.title"), Area: "hosting",
		Trail: []page.Crumb{{Text: p.text(r, "nav.services"), Href: "/services"}, {Text: p.text(r, "hosting.title")}},
		Data:  hostingPage{Sites: all, Site: strings.ToLower(r.URL.Query().Get("site")), List: list, Refusals: p.refusals(r, dir), Zone: p.view.Zone(r)}})
}

// refusals are the latest that concern a host or a guest of the sites of who looks.
func (p *Portal) refusals(r *http.Request, dir *directory.Directory) []refusalRow {
	who, lang := account.Of(r.Context()), p.view.Printer(r).Language()
	var rows []refusalRow
	for _, no := range p.cfg.Desk.Refusals() {
		host, _ := dir.UserByRef(no.Host)
		guest, _ := dir.UserByRef(no.Guest)
		if (host == nil || !who.Sees(host.Site)) && (guest == nil || !who.Sees(guest.Site)) {
			continue
		}
		d := &hoteling.Denial{Cause: no.Cause}
		if host != nil && host.Phone != nil && host.Phone.Host != nil {
			d.HostHours = host.Phone.Host.LimitHours
		}
		if guest != nil {
			d.GuestHours = guest.Guest.LimitHours
		}
		rows = append(rows, refusalRow{At: no.At, Host: nameOf(host), Guest: nameOf(guest), Text: d.Text(lang)})
		if len(rows) == maxRefusals {
			break
		}
	}
	return rows
}

func nameOf(u *directory.User) string {
	if u == nil {
		return ""
	}
	return u.Name
}

// release sends a guest away from a host. A call that is up goes on.
func (p *Portal) release(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	ref, err := strconv.ParseUint(r.PathValue("ref"), 10, 64)
	host, ok := p.cfg.Directory.Current().UserByRef(ref)
	if err != nil || !ok || !account.Of(r.Context()).Sees(host.Site) {
		p.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	was, err := p.cfg.Desk.SignOut(r.Context(), ref, hoteling.ByPortal)
	switch {
	case err != nil:
		p.view.Fail(w, r, "release a host", err)
	case !was:
		p.view.Note(w, r, "/services/hoteling", page.Note{Key: "hosts.free_already", Args: []any{host.Name}})
	default:
		p.audit(r.Context(), "host released", "host", host.Line(), "site", host.Site.Domain)
		p.view.Note(w, r, "/services/hoteling", page.Note{Key: "hosts.released", Args: []any{host.Name}})
	}
}
