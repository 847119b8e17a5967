package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/page"
	"passerelle/sip"
)

// userPage is a user or workspace with its devices, and what may be changed.
type userPage struct {
	User     *directory.User
	Person   bool
	Entitled bool
	Changes  bool
	Owns     bool // may give roles
	Space    string
	Contacts []sip.Binding
	Roles    []directory.Role
	PINFault string
	HasPIN   bool
	// SecondFactor says whether the user has one, to those who may take it away.
	SecondFactor bool
}

// Services marks what the form of packs and services shows, to find out whether somebody else has changed it meanwhile.
func (d userPage) Services() string { return servicesMark(d.User) }

// Given marks what the form of roles shows.
func (d userPage) Given() string { return rolesMark(d.User) }

func servicesMark(u *directory.User) string {
	return fmt.Sprint(u.Pack, u.Collaboration, u.Video, u.Guest.Allowed)
}

// Plan marks what the form of the calls that a line may make shows.
func (d userPage) Plan() string { return planMark(d.User) }

func planMark(u *directory.User) string { return fmt.Sprint(u.CallingPlan) }

func rolesMark(u *directory.User) string { return fmt.Sprint(u.Roles) }

// roles are those that a user may be given, the greatest first.
var roles = []directory.Role{directory.EnterpriseAdmin, directory.SiteAdmin, directory.HelpDesk}

// theUser is the user that a path names, if who is signed in sees the site. Without one the request is answered.
func (p *Portal) theUser(w http.ResponseWriter, r *http.Request) (*directory.User, bool) {
	ref, err := strconv.ParseUint(r.PathValue("ref"), 10, 64)
	u, ok := p.cfg.Directory.Current().UserByRef(ref)
	if err != nil || !ok || !account.Of(r.Context()).Sees(u.Site) {
		p.view.Refuse(w, r, http.StatusNotFound)
		return nil, false
	}
	return u, true
}

func (p *Portal) user(w http.ResponseWriter, r *http.Request) {
	if u, ok := p.theUser(w, r); ok {
		p.showUser(w, r, u, http.StatusOK, "")
	}
}

func (p *Portal) showUser(w http.ResponseWriter, r *http.Request, u *directory.User, status int, pinFault string) {
	who := account.Of(r.Context())
	d := userPage{
		User: u, Person: u.Kind == directory.Person, Entitled: u.Entitled(), Changes: who.Changes(u.Site), Owns: who.Owns(), Roles: roles,
		PINFault: pinFault, HasPIN: u.PIN != "",
	}
	if d.Owns && d.Person {
		var err error
		if d.SecondFactor, err = p.cfg.Accounts.HasSecondFactor(r.Context(), u.Ref); err != nil {
			p.view.Fail(w, r, "find a second factor", err)
			return
		}
	}
	if sp, ok := p.cfg.Directory.Current().SpaceOf(u); ok {
		d.Space = sp.Ref
	}
	aor := sip.NewAOR(u.Line(), u.Site.Domain)
	for b := range p.cfg.Registrations.All() {
		if b.AOR == aor {
			d.Contacts = append(d.Contacts, b)
		}
	}
	p.view.Render(w, r, pages, "user", status, page.Frame{Title: u.Name, Area: "users", Data: d,
		Trail: []page.Crumb{{Text: p.text(r, "nav.users"), Href: "/users"}, {Text: u.Name}}})
}

// changeUser changes what one of the page's forms has.
func (p *Portal) changeUser(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	u, ok := p.theUser(w, r)
	if !ok {
		return
	}
	who := account.Of(r.Context())
	if !who.Changes(u.Site) || u.Kind != directory.Person && r.PostFormValue("what") != "plan" {
		p.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	var change func(*directory.User)
	var mark func(*directory.User) string // nil: whatever was there before, it is replaced
	switch what := r.PostFormValue("what"); {
	case what == "services":
		change, mark = services(r), servicesMark
	case what == "pin":
		pin := r.PostFormValue("pin")
		if err := directory.CheckNewPIN(u, pin); err != nil {
			p.showUser(w, r, u, http.StatusUnprocessableEntity, p.text(r, PINText(err)))
			return
		}
		change = func(u *directory.User) { u.PIN = directory.Secret(pin) }
	case what == "plan":
		change, mark = planOf(r), planMark
	case what == "roles" && who.Owns():
		change, mark = rolesOf(r), rolesMark
	default:
		p.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	before, overtaken := r.PostForm["before"], false
	err := p.cfg.Settings.SetUser(r.Context(), u.Ref, func(u *directory.User) {
		if overtaken = mark != nil && len(before) > 0 && before[0] != mark(u); !overtaken {
			change(u)
		}
	})
	if err != nil {
		if faults := directory.Faults(err); len(faults) > 0 {
			p.view.Note(w, r, r.URL.Path, page.Note{Key: "user.refused", Args: []any{faults[0].Cause}, Bad: true})
			return
		}
		p.view.Fail(w, r, "change a user", err)
		return
	}
	if overtaken {
		p.view.Note(w, r, r.URL.Path, page.Note{Key: "user.changed_meanwhile", Bad: true})
		return
	}
	p.audit(r.Context(), "user changed", "line", u.Line(), "site", u.Site.Domain, "what", r.PostFormValue("what"))
	p.view.Note(w, r, r.URL.Path, page.Note{Key: "user.saved"})
}

// resetSecondFactor takes the second factors away from a user who has lost them.
func (p *Portal) resetSecondFactor(w http.ResponseWriter, r *http.Request) {
	u, ok := p.theUser(w, r)
	if !ok {
		return
	}
	if !account.Of(r.Context()).Owns() || u.Kind != directory.Person {
		p.view.Refuse(w, r, http.StatusForbidden)
		return
	}
	had, err := p.cfg.Accounts.ResetSecondFactor(r.Context(), u.Ref)
	if err != nil {
		p.view.Fail(w, r, "take a second factor away", err)
		return
	}
	if !had {
		audit.Of(r.Context()).Refused()
	} else {
		p.audit(r.Context(), "second factor taken away", "line", u.Line(), "site", u.Site.Domain)
	}
	p.view.Note(w, r, fmt.Sprint("/users/", u.Ref), page.Note{Key: "user.factor_reset"})
}

// services is the change of packs and services that a form asks for. A space that the new packs do not include loses its
// ID with them.
func services(r *http.Request) func(*directory.User) {
	pack := directory.Standard
	if r.PostFormValue("pack") == string(directory.Premium) {
		pack = directory.Premium
	}
	collaboration, video, guest := r.PostFormValue("collaboration") != "", r.PostFormValue("video") != "", r.PostFormValue("guest") != ""
	return func(u *directory.User) {
		u.Pack, u.Collaboration, u.Video, u.Guest.Allowed = pack, collaboration, video, guest
		if !u.Entitled() {
			u.SpaceID = ""
		}
	}
}

// planOf is the change of the calls that a line may make.
func planOf(r *http.Request) func(*directory.User) {
	plan := directory.CallingPlan{
		Internal: r.PostFormValue("internal") != "", National: r.PostFormValue("national") != "",
		International: r.PostFormValue("international") != "", PremiumRate: r.PostFormValue("premium_rate") != "",
	}
	return func(u *directory.User) { u.CallingPlan = plan }
}

// rolesOf is the change of roles that a form asks for.
func rolesOf(r *http.Request) func(*directory.User) {
	var given []directory.Role
	for _, role := range roles {
		if r.PostFormValue(string(role)) != "" {
			given = append(given, role)
		}
	}
	return func(u *directory.User) { u.Roles = given }
}

// PINText is the key of the text that says why a new PIN is refused.
func PINText(err error) string {
	switch {
	case errors.Is(err, directory.ErrPINSequence):
		return "pin.sequence"
	case errors.Is(err, directory.ErrPINNumber):
		return "pin.number"
	default:
		return "pin.length"
	}
}
