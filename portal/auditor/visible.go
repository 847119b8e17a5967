package auditor

import (
	"errors"
	"slices"
	"strings"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
)

// ErrForbidden means that who asks sees the entry and may not take it back.
var ErrForbidden = errors.New("it takes another role, or another scope, to take this back")

// Viewer is who looks at the journal.
type Viewer struct {
	// All says that the viewer administers the whole enterprise.
	All bool
	// Sees says which sites the viewer sees, by SIP domain.
	Sees func(domain string) bool
	// Users and Sites say whether the viewer may change users of such a site, and the site itself.
	Users, Sites func(domain string) bool
}

// ViewerOf is somebody who is signed in.
func ViewerOf(who *account.Principal, dir *directory.Directory) Viewer {
	of := func(may func(*directory.Site) bool) func(string) bool {
		return func(domain string) bool {
			s, ok := dir.SiteByDomain(domain)
			return ok && may(s)
		}
	}
	return Viewer{All: who.Owns(), Sees: of(who.Sees), Users: of(who.Changes), Sites: of(who.Changes)}
}

// Visible gives what somebody may see of an entry; false when that is nothing. An administrator of the enterprise sees all,
// the others what concerns their site; what is left out counts as More.
func (v Viewer) Visible(e audit.Entry) (audit.Entry, bool) {
	if v.All {
		return e, true
	}
	all := len(e.Changes)
	e.Changes = slices.DeleteFunc(slices.Clone(e.Changes), func(c audit.Change) bool { return !v.Sees(c.Site) })
	if len(e.Changes) == 0 && (e.Site == "" || !v.Sees(e.Site)) {
		return audit.Entry{}, false
	}
	if e.Site != "" && !v.Sees(e.Site) {
		e.Subject, e.Site = "", ""
	}
	e.More += all - len(e.Changes)
	return e, true
}

// userFields and siteFields are what an administrator of a site may change of a user and of the site, so may put back too.
var (
	userFields = []string{
		"pack", "space_id", "pin", "collaboration", "video", "guest", "forwards", "dnd", "clir", "reject_anonymous", "call_waiting", "voicemail",
		"voicemail_retrieval", "mailbox", "monitored", "phone.host", "calling_plan", "pickup_group",
	}
	siteFields = []string{"gateway.number", "hold_music"}
)

// MayUndo says whether somebody may take an entry back: audit.ErrNotFound for who does not see it, ErrForbidden for who does.
func (v Viewer) MayUndo(e *audit.Entry) error {
	if _, ok := v.Visible(*e); !ok {
		return audit.ErrNotFound
	}
	for _, c := range e.Changes {
		may, fields := v.Sites, siteFields
		if c.User != 0 {
			may, fields = v.Users, userFields
		}
		if !may(c.Site) || !v.All && !slices.ContainsFunc(fields, func(f string) bool { return c.Field == f || strings.HasPrefix(c.Field, f+".") }) {
			return ErrForbidden
		}
	}
	return nil
}
