package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Editor changes what is configured.
type Editor interface {
	// Edit has change alter the enterprise, a copy of its own, in one transaction that no other change comes between, and
	// puts it in use. With an error of change, or of the directory's rules, nothing has changed.
	Edit(ctx context.Context, change func(*directory.Enterprise) error) error
}

// IfMatch makes a change depend on what the caller has seen. Embedded in an input it must be exported to be filled.
type IfMatch struct {
	IfMatch string `header:"If-Match" maxLength:"256" doc:"ETag of what is to be changed: 412 if somebody else was faster. Absent changes it whatever it is."`
}

// check gives ErrChanged unless the record with that tag is the one that was seen (RFC 9110 §13.1.1).
func (m IfMatch) check(tag string) error {
	if m.IfMatch == "" || m.IfMatch == "*" {
		return nil
	}
	for seen := range strings.SplitSeq(m.IfMatch, ",") {
		if strings.TrimSpace(seen) == tag {
			return nil
		}
	}
	return ErrChanged
}

// userTag tells one state of a user's record from another.
func userTag(u *directory.User) string { return fmt.Sprintf(`"user-%d-%d"`, u.Ref, u.Revision) }

// siteTag tells one state of a site's own record from another.
func siteTag(s *directory.Site) string { return fmt.Sprintf(`"site-%s-%d"`, s.Domain, s.Revision) }

// findUser gives a user of an enterprise and the path of its record.
func findUser(e *directory.Enterprise, ref uint64) (u *directory.User, path string) {
	for i, s := range e.Sites {
		for kind, all := range map[string][]*directory.User{"users": s.Users, "workspaces": s.Workspaces} {
			if j := slices.IndexFunc(all, func(u *directory.User) bool { return u.Ref == ref }); j >= 0 {
				return all[j], fmt.Sprintf("sites[%d].%s[%d]", i, kind, j)
			}
		}
	}
	return nil, ""
}

// findSite gives a site of an enterprise and the path of its record.
func findSite(e *directory.Enterprise, domain string) (s *directory.Site, path string) {
	i := slices.IndexFunc(e.Sites, func(s *directory.Site) bool { return sameDomain(s.Domain, domain) })
	if i < 0 {
		return nil, ""
	}
	return e.Sites[i], fmt.Sprintf("sites[%d]", i)
}

// editUser changes a user and gives it as it is then.
func (a *API) editUser(ctx context.Context, u *directory.User, seen IfMatch, deed string, change func(*directory.User) error) (*directory.User, error) {
	var path string
	err := a.cfg.Editor.Edit(ctx, func(e *directory.Enterprise) error {
		var now *directory.User
		if now, path = findUser(e, u.Ref); now == nil {
			return errNoUser
		}
		if err := seen.check(userTag(now)); err != nil {
			return err
		}
		return change(now)
	})
	if err != nil {
		return nil, a.editFault(ctx, deed, path, err)
	}
	a.audit(ctx, deed, "line", u.Line(), "site", u.Site.Domain)
	now, ok := a.cfg.Directory.Current().UserByRef(u.Ref)
	if !ok {
		return nil, errNoUser // somebody else has removed it since
	}
	return now, nil
}

// always makes an edit of a change that cannot be refused by itself.
func always(change func(*directory.User)) func(*directory.User) error {
	return func(u *directory.User) error {
		change(u)
		return nil
	}
}

// editFault answers an edit that was refused. What is at fault in the record at path is told as a field of the body.
func (a *API) editFault(ctx context.Context, deed, path string, err error) error {
	var details []error
	for _, f := range directory.Faults(err) {
		details = append(details, bodyFault(f, path))
	}
	if len(details) > 0 {
		return huma.Error422UnprocessableEntity("the directory does not allow it", details...)
	}
	return a.fail(ctx, deed, err)
}

// bodyFault is a fault in the words of who sent the record at path.
func bodyFault(f *directory.Fault, path string) error {
	if field, own := strings.CutPrefix(f.Path, path); own && path != "" {
		return &huma.ErrorDetail{Location: "body" + field, Message: f.Cause}
	}
	if f.First != nil { // the record came first in the order of the sites
		if field, own := strings.CutPrefix(f.First.Path, path); own && path != "" {
			return &huma.ErrorDetail{Location: "body" + field, Message: "does not go with " + f.Path + ": " + f.Cause}
		}
	}
	return &huma.ErrorDetail{Location: f.Path, Message: f.Error()}
}

var errNoUser = huma.Error404NotFound("nobody has this id")
