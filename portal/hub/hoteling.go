package hub

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/portal/page"
)

// hotelingForm is the section Hébergement: what is set, or what was chosen and refused.
type hotelingForm struct {
	Allowed bool // by the administrator; else the section explains itself
	Enabled bool
	Limited bool
	Hours   string
	Most    int    // of the site, in hours
	Query   string // of the search for hosts
	Chosen  uint64 // Ref of the host
	Hosts   []hostChoice
	Fault   string

	// Where the user is a guest now; nil is whereabouts.
	Now *whereabouts
}

// whereabouts is the host that the user is signed in on.
type whereabouts struct {
	Host  *directory.User
	Since time.Time
	Until time.Time // zero: no limit
}

// hostChoice is a host that the user could sign in on.
type hostChoice struct {
	Host   *directory.User
	Limit  int // hours, zero: none is enforced
	Chosen bool
}

// maxHosts is how many hosts a search shows.
const maxHosts = 20

// hotelingOf is the section as it is now.
func (h *Hub) hotelingOf(r *http.Request, u *directory.User) hotelingForm {
	f := hotelingForm{Allowed: u.Guest.Allowed, Enabled: u.Guest.Enabled, Limited: u.Guest.LimitHours > 0, Most: u.Site.Hoteling.MaxGuestHours, Query: r.FormValue("q")}
	if f.Limited {
		f.Hours = strconv.Itoa(u.Guest.LimitHours)
	}
	if !f.Allowed {
		return f
	}
	if a, in := h.cfg.Desk.Of(u.Ref); in {
		if host, ok := h.cfg.Directory.Current().UserByRef(a.Host); ok {
			f.Now, f.Chosen = &whereabouts{host, a.Since, a.Until}, host.Ref
		}
	}
	f.Hosts = h.hostsFor(r, u, f.Query, f.Chosen)
	return f
}

// hostsFor gives the hosts that the user could sign in on and the query finds, the chosen one first: those that are free, or
// the user's already, and in the host's scope.
func (h *Hub) hostsFor(r *http.Request, u *directory.User, query string, chosen uint64) []hostChoice {
	q := page.ReadQuery(r)
	var found []hostChoice
	for _, s := range h.cfg.Directory.Current().Sites() {
		for host := range s.Everyone() {
			if host == u || host.Phone == nil || host.Phone.Host == nil || !host.Phone.Host.Enabled ||
				host.Phone.Host.Scope != directory.ScopeEnterprise && s != u.Site {
				continue
			}
			if a, taken := h.cfg.Desk.On(host.Ref); taken && a.Guest != u.Ref {
				continue
			}
			if host.Ref != chosen && query != "" && !q.Matches(host.Name, string(host.Number), host.Extension) {
				continue
			}
			c := hostChoice{Host: host, Chosen: host.Ref == chosen}
			if host.Phone.Host.EnforceLimit {
				c.Limit = host.Phone.Host.LimitHours
			}
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b hostChoice) int {
		if a.Chosen != b.Chosen {
			return map[bool]int{true: -1, false: 1}[a.Chosen]
		}
		return strings.Compare(a.Host.Name, b.Host.Name)
	})
	return found[:min(len(found), maxHosts)]
}

// hosts answers the search while the user types: the choices alone.
func (h *Hub) hosts(w http.ResponseWriter, r *http.Request, u *directory.User) {
	f := h.hotelingOf(r, u)
	if !f.Allowed {
		h.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	part, err := h.view.Part(r, pages, "call-settings", "hosts", f)
	if err != nil {
		h.view.Fail(w, r, "search hosts", err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(part)) // fails only when the caller has gone
}

// saveHoteling keeps switch and limit, and signs the user in on the host that is chosen. One host only: another one takes
// the place of the former. A refusal changes nothing.
func (h *Hub) saveHoteling(w http.ResponseWriter, r *http.Request, u *directory.User) {
	if !u.Guest.Allowed {
		h.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	f := h.hotelingOf(r, u)
	f.Enabled, f.Limited, f.Hours = r.PostFormValue("enabled") != "", r.PostFormValue("limited") != "", strings.TrimSpace(r.PostFormValue("hours"))
	f.Chosen, _ = strconv.ParseUint(r.PostFormValue("host"), 10, 64)
	f.Hosts = h.hostsFor(r, u, f.Query, f.Chosen)
	hours, ok := 0, true
	if f.Enabled && f.Limited {
		var err error
		hours, err = strconv.Atoi(f.Hours)
		ok = err == nil && hours >= 1
	} else if !f.Enabled {
		hours = u.Guest.LimitHours
	}
	host, known := h.cfg.Directory.Current().UserByRef(f.Chosen)
	refuse := func(text string) {
		f.Fault = text
		h.showSettings(w, r, u, http.StatusUnprocessableEntity, f, forwardsOf(u))
	}
	switch {
	case !ok:
		refuse(h.text(r, "hosting.bad_hours", f.Most))
		return
	case f.Enabled && f.Limited && hours > f.Most:
		refuse(h.text(r, "hosting.above_site", f.Most))
		return
	case f.Enabled && f.Chosen != 0 && (!known || !slices.ContainsFunc(f.Hosts, func(c hostChoice) bool { return c.Host == host })):
		refuse(h.text(r, "hosting.no_host"))
		return
	}
	if f.Enabled && known {
		if no := limitClash(host.Phone.Host, hours); no != nil {
			refuse(no.Text(h.view.Printer(r).Language()))
			return
		}
	}
	if err := h.cfg.Settings.SetUser(r.Context(), u.Ref, func(u *directory.User) { u.Guest.Enabled, u.Guest.LimitHours = f.Enabled, hours }); err != nil {
		h.view.Fail(w, r, "change the hoteling settings", err)
		return
	}
	h.audit(r.Context(), "settings changed", "line", u.Line(), "site", u.Site.Domain, "what", "hoteling")
	note := page.Note{Key: "hosting.off"}
	var err error
	switch {
	case !f.Enabled:
		_, err = h.cfg.Desk.SignOutGuest(r.Context(), u.Ref, hoteling.ByPortal)
	case !known:
		note.Key = "hosting.on"
	default:
		_, err = h.cfg.Desk.SignIn(r.Context(), host.Ref, u.Ref, hoteling.ByPortal)
		note.Key, note.Args = "hosting.signed_in", []any{host.Name}
	}
	h.hostingDone(w, r, err, note)
}

// limitClash says whether the host's limit lets somebody in who has that one; the desk would say the same.
func limitClash(host *directory.Host, hours int) *hoteling.Denial {
	switch {
	case host.EnforceLimit && hours == 0:
		return &hoteling.Denial{Cause: hoteling.LimitMissing, HostHours: host.LimitHours}
	case host.EnforceLimit && hours > host.LimitHours:
		return &hoteling.Denial{Cause: hoteling.LimitTooLong, HostHours: host.LimitHours, GuestHours: hours}
	}
	return nil
}

// signOutGuest takes the user away from the host phone.
func (h *Hub) signOutGuest(w http.ResponseWriter, r *http.Request, u *directory.User) {
	_, err := h.cfg.Desk.SignOutGuest(r.Context(), u.Ref, hoteling.ByPortal)
	h.hostingDone(w, r, err, page.Note{Key: "hosting.signed_out"})
}

// hostingDone answers what the desk was asked; its refusals are told as they are, for the user has proven who they are.
func (h *Hub) hostingDone(w http.ResponseWriter, r *http.Request, err error, note page.Note) {
	if no, denied := errors.AsType[*hoteling.Denial](err); denied {
		note = page.Note{Key: "hosting.denied", Args: []any{no.Text(h.view.Printer(r).Language())}, Bad: true}
	} else if err != nil {
		h.view.Fail(w, r, "ask the hoteling desk", err)
		return
	}
	h.view.Note(w, r, settingsAt, note)
}
