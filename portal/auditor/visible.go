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
var ErrForbidden = errors.New("not for this role")

// Visible gives what somebody may see of an entry; false when that is nothing. An administrator of the enterprise sees all,
// the others what concerns their site; what is left out counts as More.
func Visible(who *account.Principal, dir *directory.Directory, e audit.Entry) (audit.Entry, bool) {
	if who.Owns() {
		return e, true
	}
	sees := func(domain string) bool {
		s, ok := dir.SiteByDomain(domain)
		return ok && who.Sees(s)
	}
	all := len(e.Changes)
	e.Changes = slices.DeleteFunc(slices.Clone(e.Changes), func(c audit.Change) bool { return !sees(c.Site) })
	if len(e.Changes) == 0 && (e.Site == "" || !sees(e.Site)) {
		return audit.Entry{}, false
	}
	if e.Site != "" && !sees(e.Site) {
		e.Subject, e.Site = "", ""
	}
	e.More += all - len(e.Changes)
	return e, true
}

// ownFields are what an administrator of a site may change of a user and of the site, so may put back too.
var (
	userFields = []string{
		"pack", "space_id", "pin", "collaboration", "video", "guest", "forwards", "dnd", "clir", "reject_anonymous", "call_waiting", "voicemail", "voicemail_retrieval",
		"mailbox", "monitored", "phone.host",
	}
	siteFields = []string{"gateway.number", "hold_music"}
)

// MayUndo says whether somebody may take an entry back: audit.ErrNotFound for who does not see it, ErrForbidden for who does.
func MayUndo(who *account.Principal, dir *directory.Directory, e *audit.Entry) error {
	if _, ok := Visible(who, dir, *e); !ok {
		return audit.ErrNotFound
	}
	if who.Owns() {
		return nil
	}
	for _, c := range e.Changes {
		site, ok := dir.SiteByDomain(c.Site)
		if !ok || !who.Changes(site) {
			return ErrForbidden
		}
		fields := siteFields
		if c.User != 0 {
			fields = userFields
		}
		if !slices.ContainsFunc(fields, func(f string) bool { return c.Field == f || strings.HasPrefix(c.Field, f+".") }) {
			return ErrForbidden
		}
	}
	return nil
}
