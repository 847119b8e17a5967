package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/page"
	"passerelle/provision"
	"passerelle/sip"
)

// Phones knows the phones that configure themselves; provision.Phones satisfies it.
type Phones interface {
	State(mac directory.MAC) (provision.State, error)
	NewSetup(ctx context.Context, mac directory.MAC) (path string, until time.Time, err error)
	Revoke(ctx context.Context, mac directory.MAC) error
	Resync(ctx context.Context, mac directory.MAC) error
}

// phonePage is a desk phone: what it fetched and when, and where it is registered.
type phonePage struct {
	provision.State
	Key      string // of the texts: current, changed, waiting, unknown
	Changes  bool   // whether who looks may make links
	Contacts []sip.Binding
	Link     string // of the first profile, shown once
	Until    time.Time
	NeedsTLS bool // the link names no TLS, and the site wants it
	Now      time.Time
}

// thePhone is the phone that a path names, if who is signed in sees its site. Without one the request is answered.
func (p *Portal) thePhone(w http.ResponseWriter, r *http.Request) (provision.State, bool) {
	var mac directory.MAC
	err := mac.UnmarshalText([]byte(r.PathValue("mac")))
	var s provision.State
	if err == nil {
		s, err = p.cfg.Phones.State(mac)
	}
	if err != nil || !account.Of(r.Context()).Sees(s.Device.User.Site) {
		p.view.Refuse(w, r, http.StatusNotFound)
		return s, false
	}
	return s, true
}

// changeablePhone is thePhone for those who may change its site.
func (p *Portal) changeablePhone(w http.ResponseWriter, r *http.Request) (provision.State, bool) {
	s, ok := p.thePhone(w, r)
	if ok && !account.Of(r.Context()).Changes(s.Device.User.Site) {
		p.view.Refuse(w, r, http.StatusForbidden)
		return s, false
	}
	return s, ok
}

func (p *Portal) phone(w http.ResponseWriter, r *http.Request) {
	if s, ok := p.thePhone(w, r); ok {
		p.showPhone(w, r, phonePage{State: s})
	}
}

func (p *Portal) showPhone(w http.ResponseWriter, r *http.Request, d phonePage) {
	u := d.Device.User
	d.Changes, d.Now = account.Of(r.Context()).Changes(u.Site), time.Now()
	switch {
	case d.Current:
		d.Key = "current"
	case d.Fetch != nil && d.Token != "":
		d.Key = "changed"
	case d.Setup != nil && d.Now.Before(d.Setup.Until):
		d.Key = "waiting"
	default:
		d.Key = "unknown"
	}
	for b := range p.cfg.Registrations.All() {
		if b.Username == d.Device.Username {
			d.Contacts = append(d.Contacts, b)
		}
	}
	title := p.text(r, "phone.title", u.Name)
	p.view.Render(w, r, pages, "phone", http.StatusOK, page.Frame{Title: title, Area: "phones", Data: d,
		Trail: []page.Crumb{{Text: p.text(r, "nav.phones"), Href: "/phones"}, {Text: u.Name}}})
}

// phoneSetup makes the link of a phone's first profile and shows it, once.
func (p *Portal) phoneSetup(w http.ResponseWriter, r *http.Request) {
	s, ok := p.changeablePhone(w, r)
	if !ok {
		return
	}
	path, until, err := p.cfg.Phones.NewSetup(r.Context(), s.Device.MAC)
	if err != nil {
		p.view.Fail(w, r, "make a phone's link", err)
		return
	}
	p.audit(r.Context(), "link of a phone made", "mac", s.Device.MAC)
	base := s.Device.User.Site.Phones.URL
	if base == "" {
		base = "http://" + r.Host
		if account.Secure(r) {
			base = "https://" + r.Host
		}
	}
	if s, ok = p.thePhone(w, r); ok {
		p.showPhone(w, r, phonePage{
			State: s, Link: base + path + "$MA.xml", Until: until, NeedsTLS: strings.HasPrefix(base, "http://") && !s.Device.User.Site.Phones.PlainHTTP,
		})
	}
}

// phoneRevoke ends all links of a phone.
func (p *Portal) phoneRevoke(w http.ResponseWriter, r *http.Request) {
	s, ok := p.changeablePhone(w, r)
	if !ok {
		return
	}
	if err := p.cfg.Phones.Revoke(r.Context(), s.Device.MAC); err != nil {
		p.view.Fail(w, r, "revoke a phone's links", err)
		return
	}
	p.audit(r.Context(), "links of a phone revoked", "mac", s.Device.MAC)
	p.view.Note(w, r, phoneHref(s.Device), page.Note{Key: "phone.revoked"})
}

// phoneResync has a phone fetch its profile; the help desk may, too.
func (p *Portal) phoneResync(w http.ResponseWriter, r *http.Request) {
	s, ok := p.thePhone(w, r)
	if !ok {
		return
	}
	err := p.cfg.Phones.Resync(r.Context(), s.Device.MAC)
	var status *sip.StatusError
	switch {
	case errors.Is(err, provision.ErrNotRegistered):
		p.view.Note(w, r, phoneHref(s.Device), page.Note{Key: "phone.not_registered", Bad: true})
	case errors.As(err, &status):
		p.view.Note(w, r, phoneHref(s.Device), page.Note{Key: "phone.no_answer", Bad: true})
	case err != nil:
		p.view.Fail(w, r, "resync a phone", err)
	default:
		p.audit(r.Context(), "phone told to fetch its profile", "mac", s.Device.MAC)
		p.view.Note(w, r, phoneHref(s.Device), page.Note{Key: "phone.told"})
	}
}

func phoneHref(d *directory.Device) string { return "/phones/" + string(d.MAC) }
