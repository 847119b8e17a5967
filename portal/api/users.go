package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// UserPath names a user or workspace.
type UserPath struct {
	ID string `path:"id" maxLength:"20" doc:"The id." example:"7"`
}

// LineQuery chooses users or workspaces. Embedded in an input it must be exported to be filled.
type LineQuery struct {
	Site   string `query:"site" maxLength:"255" doc:"Only those of the site with this SIP domain."`
	Search string `query:"search" maxLength:"255" doc:"Only those whose name holds this, or whose number or extension begins with it, or whose e-mail address it is."`
}

func userID(u *directory.User) string { return strconv.FormatUint(u.Ref, 10) }

// userByID finds a user or a workspace that the caller sees.
func (a *API) userByID(ctx context.Context, kind directory.UserKind, id string) (*directory.User, error) {
	ref, err := strconv.ParseUint(id, 10, 64)
	u, ok := a.cfg.Directory.Current().UserByRef(ref)
	if err != nil || !ok || u.Kind != kind || !sees(ctx, "", u.Site.Domain) {
		return nil, errNoUser
	}
	return u, nil
}

// record is a user or workspace as its operations answer.
type record[T any] struct {
	ETag     string `header:"ETag" doc:"Of the record: for If-Match of a change."`
	Location string `header:"Location" doc:"Of what was created."`
	Body     T
}

// lines are the operations on users or on workspaces: T is what they answer, I and P what creates and changes one.
type lines[T any] struct {
	api        *API
	kind       directory.UserKind
	path, noun string
	show       func(*directory.Directory, *directory.User) (T, error)
}

func (a *API) registerUsers() {
	registerLines[User, struct {
		UserFields
		UserSecrets
	}](lines[User]{a, directory.Person, "/users", "user", newUser})
	registerLines[Place, LineFields](lines[Place]{a, directory.Workspace, "/workspaces", "workspace", newPlace})
}

// registerLines registers the operations; I is the body that creates or changes.
func registerLines[T, I any](l lines[T]) {
	a, one := l.api, l.path+"/{id}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, l.path, "list-"+l.noun+"s", "List "+l.noun+"s")), l.list)
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, one, "get-"+l.noun, "Show a "+l.noun, http.StatusNotFound)),
		func(ctx context.Context, in *UserPath) (*record[T], error) {
			u, err := a.userByID(ctx, l.kind, in.ID)
			if err != nil {
				return nil, err
			}
			return l.answer(ctx, u)
		})

	post := operation(ScopeUsers, "Directory", http.MethodPost, l.path, "create-"+l.noun, "Create a "+l.noun,
		http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	post.Description = "The fields are those of the site file; what is absent has its default. Devices without a password get one from nobody: give it."
	post.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, bySite(post), func(ctx context.Context, in *struct {
		Site    string `query:"site" required:"true" minLength:"1" maxLength:"255" doc:"SIP domain of the site." example:"paris.acme.test"`
		Body    I
		RawBody []byte
	}) (*record[T], error) {
		return l.create(ctx, in.Site, in.RawBody)
	})

	patch := operation(ScopeUsers, "Directory", http.MethodPatch, one, "change-"+l.noun, "Change a "+l.noun,
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	patch.Description = "Only what the body names changes (RFC 7396): objects are merged, a list takes the place of the one before. It is in use for the next call."
	huma.Register(a.huma, bySite(patch), func(ctx context.Context, in *struct {
		UserPath
		IfMatch
		Body    I
		RawBody []byte
	}) (*record[T], error) {
		u, err := a.userByID(ctx, l.kind, in.ID)
		if err != nil {
			return nil, err
		}
		if u, err = a.editUser(ctx, u, in.IfMatch, l.noun+" changed", a.fieldsOf(ctx, in.RawBody)); err != nil {
			return nil, err
		}
		return l.answer(ctx, u)
	})

	phone := operation(ScopeUsers, "Directory", http.MethodDelete, one+"/phone", "remove-"+l.noun+"-phone", "Take a "+l.noun+"'s desk phone away",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	huma.Register(a.huma, bySite(phone), func(ctx context.Context, in *struct {
		UserPath
		IfMatch
	}) (*record[T], error) {
		u, err := a.userByID(ctx, l.kind, in.ID)
		if err != nil {
			return nil, err
		}
		if u, err = a.editUser(ctx, u, in.IfMatch, l.noun+" changed", always(func(u *directory.User) { u.Phone = nil })); err != nil {
			return nil, err
		}
		return l.answer(ctx, u)
	})

	remove := operation(ScopeUsers, "Directory", http.MethodDelete, one, "delete-"+l.noun, "Remove a "+l.noun,
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	remove.Description = "With the line go its phones, its space and its settings. A call that is up goes on."
	huma.Register(a.huma, bySite(remove), func(ctx context.Context, in *struct {
		UserPath
		IfMatch
	}) (*struct{}, error) {
		u, err := a.userByID(ctx, l.kind, in.ID)
		if err != nil {
			return nil, err
		}
		return nil, a.removeUser(ctx, u, in.IfMatch)
	})
}

func (l lines[T]) answer(_ context.Context, u *directory.User) (*record[T], error) {
	body, err := l.show(l.api.cfg.Directory.Current(), u)
	return &record[T]{ETag: userTag(u), Body: body}, err
}

func (l lines[T]) list(ctx context.Context, in *struct {
	PageQuery
	LineQuery
}) (*pageOutput[T], error) {
	dir, all := l.api.cfg.Directory.Current(), []*directory.User{}
	for _, s := range dir.Sites() {
		if !sees(ctx, in.Site, s.Domain) {
			continue
		}
		for u := range s.Everyone() {
			if u.Kind == l.kind && (in.Search == "" || searched(u, in.Search) || u.Email == in.Search) {
				all = append(all, u)
			}
		}
	}
	page, err := paginate(in.PageQuery, "/api/v1"+l.path, url.Values{"site": {in.Site}, "search": {in.Search}}, all, func(u *directory.User) string { return sortKey(u.Ref) })
	if err != nil {
		return nil, err
	}
	out := &pageOutput[T]{Link: page.Link, Body: Page[T]{Items: []T{}, NextCursor: page.Body.NextCursor}}
	for _, u := range page.Body.Items {
		shown, err := l.show(dir, u)
		if err != nil {
			return nil, l.api.fail(ctx, "list "+l.noun+"s", err)
		}
		out.Body.Items = append(out.Body.Items, shown)
	}
	return out, nil
}

func (l lines[T]) create(ctx context.Context, domain string, body []byte) (*record[T], error) {
	a := l.api
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	u, path := directory.NewUser(l.kind), ""
	err = a.cfg.Editor.Edit(ctx, func(e *directory.Enterprise) error {
		s, at := findSite(e, site.Domain)
		if s == nil {
			return huma.Error404NotFound("no site has this domain")
		}
		path = at + ".users[" + strconv.Itoa(len(s.Users)) + "]"
		if l.kind == directory.Workspace {
			path = at + ".workspaces[" + strconv.Itoa(len(s.Workspaces)) + "]"
			s.Workspaces = append(s.Workspaces, u)
		} else {
			s.Users = append(s.Users, u)
		}
		return a.fieldsOf(ctx, body)(u)
	})
	if err != nil {
		return nil, a.editFault(ctx, "create a "+l.noun, path, err)
	}
	now, ok := a.cfg.Directory.Current().UserByRef(u.Ref)
	if !ok {
		return nil, errNoUser
	}
	a.audit(ctx, l.noun+" created", "line", now.Line(), "site", site.Domain)
	out, err := l.answer(ctx, now)
	out.Location = "/api/v1" + l.path + "/" + userID(now)
	return out, err
}

func (a *API) removeUser(ctx context.Context, u *directory.User, seen IfMatch) error {
	if err := mayRuleOver(ctx, u); err != nil {
		return err
	}
	path := ""
	err := a.cfg.Editor.Edit(ctx, func(e *directory.Enterprise) error {
		now, at := findUser(e, u.Ref)
		if path = at; now == nil {
			return errNoUser
		}
		if err := seen.check(userTag(now)); err != nil {
			return err
		}
		for _, s := range e.Sites {
			s.Users = slices.DeleteFunc(s.Users, func(u *directory.User) bool { return u == now })
			s.Workspaces = slices.DeleteFunc(s.Workspaces, func(u *directory.User) bool { return u == now })
		}
		return nil
	})
	if err != nil {
		return a.editFault(ctx, "remove a line", path, err)
	}
	a.audit(ctx, "line removed", "line", u.Line(), "site", u.Site.Domain)
	return nil
}
