package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/hoteling"
)

// Hoteling is the desk that signs guests in and out; hosts and guests are named by the Ref of their users.
type Hoteling interface {
	On(host uint64) (hoteling.Association, bool)
	Of(guest uint64) (hoteling.Association, bool)
	Refusals() []hoteling.Refusal
	SignIn(ctx context.Context, host, guest uint64, by hoteling.Source) (hoteling.Association, error)
	SignOut(ctx context.Context, host uint64, by hoteling.Source) (bool, error)
	SignOutGuest(ctx context.Context, guest uint64, by hoteling.Source) (bool, error)
}

// HotelHost is a phone that takes guests.
type HotelHost struct {
	Line         string     `json:"line" doc:"Number of the phone's line, or extension@domain of those without one."`
	Name         string     `json:"name"`
	Site         string     `json:"site" doc:"SIP domain of the site."`
	Enabled      bool       `json:"enabled" doc:"Guests may sign in."`
	EnforceLimit bool       `json:"enforce_limit" doc:"Only guests with a limit that is not longer than the host's may sign in."`
	LimitHours   int        `json:"limit_hours" doc:"The host's limit."`
	Scope        string     `json:"scope" enum:"site,enterprise" doc:"Whose guests the phone takes."`
	Guest        *HotelStay `json:"guest,omitempty" doc:"Who is signed in; absent when the host is free."`

	key string
}

// HotelGuest is a user who may sign in on other people's phones.
type HotelGuest struct {
	Line       string     `json:"line" doc:"Number of the line, or extension@domain of those without one."`
	Name       string     `json:"name"`
	Site       string     `json:"site" doc:"SIP domain of the site."`
	Allowed    bool       `json:"allowed" doc:"The administrator's switch."`
	Enabled    bool       `json:"enabled" doc:"The user's own switch."`
	LimitHours int        `json:"limit_hours" doc:"How long a stay lasts at most; 0 is no limit of the user's own."`
	HasPIN     bool       `json:"has_pin" doc:"Without a PIN nobody signs in at a phone."`
	Host       *HotelStay `json:"host,omitempty" doc:"Where the user is signed in; absent for who is at home."`

	key string
}

// HotelStay is the other side of an association.
type HotelStay struct {
	Line  string     `json:"line" doc:"Of the guest, or of the host."`
	Name  string     `json:"name"`
	Site  string     `json:"site"`
	Since time.Time  `json:"since"`
	Until *time.Time `json:"until,omitempty" doc:"When the stay ends by itself; absent means never."`
	By    string     `json:"by" enum:"phone,code,api,portal" doc:"The road by which the guest came."`
}

// HotelRefusal is an attempt to sign in that was refused. A phone is never told the cause.
type HotelRefusal struct {
	At    time.Time `json:"at"`
	Host  string    `json:"host" doc:"Line of the phone."`
	Guest string    `json:"guest,omitempty" doc:"Line of who was meant; absent when there is nobody."`
	By    string    `json:"by" enum:"phone,code,api,portal"`
	Cause string    `json:"cause" doc:"Such as wrong_pin, guest_unknown, limit_too_long."`
	Text  string    `json:"text" doc:"The same in words, in the language of Accept-Language."`

	key string
}

// lineName is how a user's line is named in answers.
func lineName(u *directory.User) string {
	if u.Number == "" {
		return u.Line() + "@" + u.Site.Domain
	}
	return u.Line()
}

// sortKey orders by Ref.
func sortKey(ref uint64) string { return fmt.Sprintf("%020d", ref) }

// stay describes the side with that Ref of an association.
func stay(dir *directory.Directory, a hoteling.Association, ref uint64) *HotelStay {
	u, ok := dir.UserByRef(ref)
	if !ok {
		return nil
	}
	s := &HotelStay{Line: lineName(u), Name: u.Name, Site: u.Site.Domain, Since: a.Since.UTC(), By: string(a.Source)}
	if !a.Until.IsZero() {
		until := a.Until.UTC()
		s.Until = &until
	}
	return s
}

func (a *API) hotelHost(u *directory.User) HotelHost {
	h := directory.NewHost()
	if u.Phone != nil && u.Phone.Host != nil {
		h = u.Phone.Host
	}
	out := HotelHost{
		Line: lineName(u), Name: u.Name, Site: u.Site.Domain, Enabled: h.Enabled, EnforceLimit: h.EnforceLimit, LimitHours: h.LimitHours,
		Scope: string(h.Scope), key: sortKey(u.Ref),
	}
	if s, taken := a.cfg.Hoteling.On(u.Ref); taken {
		out.Guest = stay(a.cfg.Directory.Current(), s, s.Guest)
	}
	return out
}

func (a *API) hotelGuest(u *directory.User) HotelGuest {
	out := HotelGuest{
		Line: lineName(u), Name: u.Name, Site: u.Site.Domain, Allowed: u.Guest.Allowed, Enabled: u.Guest.Enabled, LimitHours: u.Guest.LimitHours,
		HasPIN: u.PIN != "", key: sortKey(u.Ref),
	}
	if s, away := a.cfg.Hoteling.Of(u.Ref); away {
		out.Host = stay(a.cfg.Directory.Current(), s, s.Host)
	}
	return out
}

// denied turns a refusal into a problem that says what it means and who can help, in the caller's language.
func (a *API) denied(ctx context.Context, doing, languages string, err error) error {
	if no, ok := errors.AsType[*hoteling.Denial](err); ok && no.Cause != hoteling.NotKept {
		return huma.Error409Conflict(no.Text(languageOf(languages)), &huma.ErrorDetail{Location: "cause", Message: string(no.Cause)})
	}
	if errors.Is(err, hoteling.ErrClosed) {
		err = ErrUnavailable
	}
	return a.fail(ctx, doing, err)
}

// languageOf is French where a caller prefers it, else English.
func languageOf(accept string) directory.Language {
	first, _, _ := strings.Cut(accept, ",")
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(first)), "fr") {
		return directory.French
	}
	return directory.English
}

type (
	hotelHostOutput struct {
		ETag string `header:"ETag" doc:"Of the line's record: for If-Match of a change."`
		Body HotelHost
	}
	hotelGuestOutput struct {
		ETag string `header:"ETag" doc:"Of the line's record: for If-Match of a change."`
		Body HotelGuest
	}
)

// LanguageHeader is the language of what people read. Embedded in an input it must be exported to be filled.
type LanguageHeader struct {
	Language string `header:"Accept-Language" maxLength:"255" doc:"French or English; English where it names neither first."`
}

func (a *API) registerHoteling() {
	a.registerHotelHosts()
	a.registerHotelGuests()
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/hoteling/refusals", "list-hoteling-refusals", "List the latest refused sign-ins, the newest first")),
		func(ctx context.Context, in *struct {
			PageQuery
			LanguageHeader
		}) (*pageOutput[HotelRefusal], error) {
			dir, all := a.cfg.Directory.Current(), []HotelRefusal{}
			for i, r := range a.cfg.Hoteling.Refusals() {
				no := hoteling.Denial{Cause: r.Cause}
				out := HotelRefusal{At: r.At.UTC(), By: string(r.By), Cause: string(r.Cause), Text: no.Text(languageOf(in.Language)), key: fmt.Sprintf("%020d %06d", 1<<62-r.At.UnixNano(), i)}
				host, ok := dir.UserByRef(r.Host)
				if ok {
					out.Host = lineName(host)
				}
				if callerOf(ctx).id.Site != "" && (!ok || !sees(ctx, "", host.Site.Domain)) {
					continue
				}
				if u, ok := dir.UserByRef(r.Guest); ok {
					out.Guest = lineName(u)
				}
				all = append(all, out)
			}
			return paginate(in.PageQuery, "/api/v1/hoteling/refusals", nil, all, func(r HotelRefusal) string { return r.key })
		})
}

// hotelHosts are the hosts that a query asks for.
func (a *API) hotelHosts(ctx context.Context, q *HostQuery) ([]HotelHost, error) {
	var guest *directory.User
	if q.Guest != "" {
		var err error
		if guest, err = a.line(ctx, q.Guest); err != nil {
			return nil, invalid("query.guest", "no line has that number")
		}
	}
	all := []HotelHost{}
	for dev := range a.cfg.Directory.Current().Devices() {
		u := dev.User
		switch {
		case !dev.Primary || dev.Host == nil || !dev.Host.Enabled:
			continue
		case !sees(ctx, q.Site, u.Site.Domain), q.Search != "" && !searched(u, q.Search):
			continue
		case guest != nil && hoteling.Check(u, guest) != nil:
			continue
		}
		if h := a.hotelHost(u); !q.Free || h.Guest == nil {
			all = append(all, h)
		}
	}
	return all, nil
}

// searched says whether a user's name holds a text, whatever its case, or the number or extension begins with it.
func searched(u *directory.User, text string) bool {
	return strings.Contains(strings.ToLower(u.Name), strings.ToLower(text)) || strings.HasPrefix(u.Extension, text) ||
		strings.HasPrefix(strings.TrimPrefix(string(u.Number), "+"), strings.TrimPrefix(text, "+"))
}

// HostQuery chooses hosts. Embedded in an input it must be exported to be filled.
type HostQuery struct {
	Site   string `query:"site" maxLength:"255" doc:"Only hosts of the site with this SIP domain."`
	Free   bool   `query:"free" doc:"Only hosts where nobody is signed in."`
	Search string `query:"search" maxLength:"255" doc:"Only hosts whose name holds this, or whose number or extension begins with it."`
	Guest  string `query:"guest" maxLength:"255" doc:"Only hosts that would take this line's user: by scope and limits."`
}

func (a *API) registerHotelHosts() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/hoteling/hosts", "list-hoteling-hosts", "List the phones that take guests",
		http.StatusUnprocessableEntity)),
		func(ctx context.Context, in *struct {
			PageQuery
			HostQuery
		}) (*pageOutput[HotelHost], error) {
			all, err := a.hotelHosts(ctx, &in.HostQuery)
			if err != nil {
				return nil, err
			}
			filter := url.Values{"site": {in.Site}, "search": {in.Search}, "guest": {in.Guest}}
			if in.Free {
				filter.Set("free", "true")
			}
			return paginate(in.PageQuery, "/api/v1/hoteling/hosts", filter, all, func(h HotelHost) string { return h.key })
		})
	const path = "/hoteling/hosts/{line}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, path, "get-hoteling-host", "Show a phone as a host", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*hotelHostOutput, error) {
			u, err := a.line(ctx, in.Line)
			if err != nil {
				return nil, err
			}
			return &hotelHostOutput{userTag(u), a.hotelHost(u)}, nil
		})
	patch := operation(ScopeHoteling, "Directory", http.MethodPatch, path, "change-hoteling-host", "Let a phone take guests, or not",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	patch.Description = "Only what the body names changes. A guest whom the phone no longer takes is signed out; limits apply to the next sign-in."
	huma.Register(a.huma, bySite(patch), func(ctx context.Context, in *struct {
		LinePath
		IfMatch
		Body HostChange
	}) (*hotelHostOutput, error) {
		u, err := a.changed(ctx, in.Line, in.IfMatch, "hoteling host changed", in.Body.apply)
		if err != nil {
			return nil, err
		}
		return &hotelHostOutput{userTag(u), a.hotelHost(u)}, nil
	})
	a.registerHotelStay(path)
}

// HostChange is a change of a host: what is absent stays as it is.
type HostChange struct {
	Enabled      *bool            `json:"enabled,omitempty"`
	EnforceLimit *bool            `json:"enforce_limit,omitempty"`
	LimitHours   *int             `json:"limit_hours,omitempty" minimum:"1" maximum:"999"`
	Scope        *directory.Scope `json:"scope,omitempty" enum:"site,enterprise"`
}

// apply puts the change into a user whose phone may not be a host yet. The user's own copy is changed: what it shares with the
// directory in use is not.
func (c HostChange) apply(u *directory.User) {
	if u.Phone == nil {
		return
	}
	host, phone := *directory.NewHost(), *u.Phone
	if phone.Host != nil {
		host = *phone.Host
	}
	set(&host.Enabled, c.Enabled)
	set(&host.EnforceLimit, c.EnforceLimit)
	set(&host.LimitHours, c.LimitHours)
	set(&host.Scope, c.Scope)
	phone.Host = &host
	u.Phone = &phone
}

// registerHotelStay has guests signed in and out on a host.
func (a *API) registerHotelStay(path string) {
	enter := operation(ScopeHoteling, "Live", http.MethodPut, path+"/guest", "sign-guest-in", "Sign a guest in on a host at once",
		http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	enter.Description = "No PIN is asked for. A guest who is signed in elsewhere leaves there; a guest who is there already may stay anew as long as the limit says. " +
		"409 says in words why the guest is refused, and the cause in errors."
	huma.Register(a.huma, bySite(enter), func(ctx context.Context, in *struct {
		LinePath
		LanguageHeader
		Body struct {
			Guest string `json:"guest" minLength:"1" maxLength:"255" doc:"Line of the guest."`
		}
	}) (*hotelHostOutput, error) {
		host, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		guest, err := a.line(ctx, in.Body.Guest)
		if err != nil {
			return nil, invalid("body.guest", "no line has that number")
		}
		if _, err := a.cfg.Hoteling.SignIn(ctx, host.Ref, guest.Ref, hoteling.ByAPI); err != nil {
			return nil, a.denied(ctx, "sign a guest in", in.Language, err)
		}
		a.audit(ctx, "guest signed in by api", "host", lineName(host), "guest", lineName(guest))
		return &hotelHostOutput{userTag(host), a.hotelHost(host)}, nil
	})
	leave := operation(ScopeRelease, "Live", http.MethodDelete, path+"/guest", "release-host", "Sign out whoever is a guest on a host",
		http.StatusNotFound, http.StatusServiceUnavailable)
	leave.Description = "A call that is up goes on; the next ones are the owner's. A host that is free stays so."
	huma.Register(a.huma, bySite(leave), func(ctx context.Context, in *LinePath) (*hotelHostOutput, error) {
		host, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		if _, err := a.cfg.Hoteling.SignOut(ctx, host.Ref, hoteling.ByAPI); err != nil {
			return nil, a.denied(ctx, "release a host", "", err)
		}
		a.audit(ctx, "host released by api", "host", lineName(host))
		return &hotelHostOutput{userTag(host), a.hotelHost(host)}, nil
	})
}

// changed changes a line's user and gives it as it is then.
func (a *API) changed(ctx context.Context, line string, seen IfMatch, msg string, change func(*directory.User)) (*directory.User, error) {
	u, err := a.line(ctx, line)
	if err != nil {
		return nil, err
	}
	return a.editUser(ctx, u, seen, msg, always(change))
}
