package account

import (
	"context"

	"passerelle/directory"
)

// Principal is somebody who is signed in, as the directory knows them at this request.
type Principal struct {
	Account directory.Account
	Name    string
	Email   string
	User    *directory.User // nil for the owner
}

// Owns says whether the principal administers the whole enterprise.
func (p *Principal) Owns() bool { return p.User == nil || p.User.HasRole(directory.EnterpriseAdmin) }

// Staff says whether the principal has pages of the administrator's portal to see.
func (p *Principal) Staff() bool {
	return p.Owns() || p.User.HasRole(directory.SiteAdmin) || p.User.HasRole(directory.HelpDesk)
}

// Sees says whether the principal sees the site in the administrator's portal.
func (p *Principal) Sees(s *directory.Site) bool {
	return p.Owns() || p.Staff() && p.User.Site.Domain == s.Domain
}

// Changes says whether the principal may change the site and see its space IDs, which open its spaces.
func (p *Principal) Changes(s *directory.Site) bool {
	return p.Owns() || p.User.HasRole(directory.SiteAdmin) && p.User.Site.Domain == s.Domain
}

// Sites gives the sites that the principal sees, in the directory's order.
func (p *Principal) Sites(dir *directory.Directory) []*directory.Site {
	var seen []*directory.Site
	for _, s := range dir.Sites() {
		if p.Sees(s) {
			seen = append(seen, s)
		}
	}
	return seen
}

// String names the principal in logs.
func (p *Principal) String() string { return p.Account.ID }

type principalKey struct{}

// Of gives who is signed in, nil when nobody is.
func Of(ctx context.Context) *Principal {
	p, _ := ctx.Value(principalKey{}).(*Principal)
	return p
}

// With gives a context in which p is signed in.
func With(ctx context.Context, p *Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}
