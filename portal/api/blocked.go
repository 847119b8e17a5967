package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/i18n"
	"passerelle/portal/sources"
)

// Sources are those that are kept out of SIP and of the sign-in, and those that never are.
type Sources interface {
	// Blocked gives what is kept out now.
	Blocked() []sources.Blocked
	// Lift lets what is kept out in again; sources.ErrNotBlocked when it is not.
	Lift(id string, may func(sources.Blocked) error) (sources.Blocked, error)
	// Allowed gives the ranges that are never blocked.
	Allowed(ctx context.Context) ([]directory.AllowedSource, error)
	// Allow keeps a range from ever being blocked: directory.ErrBadRange, directory.ErrTooManyRanges.
	Allow(ctx context.Context, source, note, by string) (directory.AllowedSource, error)
	// Disallow takes a range off the list and says whether it was there.
	Disallow(ctx context.Context, source string) (bool, error)
}

// BlockedSource is a source, or an account, that is kept out now.
type BlockedSource struct {
	ID      string     `json:"id" doc:"Names it as long as it is blocked."`
	Kind    string     `json:"kind" enum:"sip,sign_in" doc:"What it is kept from: SIP requests, or signing in to the portal."`
	Source  string     `json:"source,omitempty" doc:"Range of addresses; absent when an account was tried from everywhere." example:"203.0.113.9/32"`
	Account string     `json:"account,omitempty" doc:"E-mail address of the account that was tried; absent for many or none."`
	Cause   string     `json:"cause" doc:"Such as flooding, malformed, wrong_passwords, many_accounts."`
	Text    string     `json:"text" doc:"The same in words, in the language of Accept-Language."`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty" doc:"When it is let in again, if it gives no more cause; absent means never by itself."`
	Count   uint64     `json:"count" doc:"Requests that were refused, or tries that failed."`
	Sites   []string   `json:"sites" nullable:"false" doc:"SIP domains of the sites that have phones registered from there, or whose user the account is."`
}

// AllowedSource is a range of addresses that is never blocked.
type AllowedSource struct {
	Source string    `json:"source" doc:"Range of addresses." example:"203.0.113.0/24"`
	Note   string    `json:"note,omitempty"`
	By     string    `json:"by,omitempty" doc:"Who allowed it."`
	At     time.Time `json:"at"`

	key string
}

func newAllowedSource(a directory.AllowedSource) AllowedSource {
	return AllowedSource{Source: a.Range.String(), Note: a.Note, By: a.By, At: a.At.UTC(), key: a.Range.String()}
}

func (a *API) registerBlocked() {
	list := operation(ScopeRead, "Operation", http.MethodGet, "/blocked-sources", "list-blocked-sources", "List sources and accounts that are kept out now")
	list.Description = "A token of one site is shown those that have phones of the site registered, and the site's accounts."
	huma.Register(a.huma, bySite(list), a.listBlocked)
	lift := operation(ScopeAdmin, "Operation", http.MethodDelete, "/blocked-sources/{id}", "unblock-source", "Let a source or an account in again", http.StatusNotFound)
	lift.Description = "It is blocked again when it gives cause anew; to keep a source from that, allow it."
	lift.DefaultStatus = http.StatusNoContent
	huma.Register(a.huma, lift, func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error) {
		b, err := a.cfg.Sources.Lift(in.ID, func(sources.Blocked) error { return nil })
		if errors.Is(err, sources.ErrNotBlocked) {
			return nil, huma.Error404NotFound(err.Error())
		}
		if err == nil {
			audit.Of(ctx).About(b.Name())
			a.audit(ctx, "source let in again", "kind", string(b.Kind), "source", b.Source)
		}
		return nil, err
	})
	a.registerAllowed()
}

func (a *API) listBlocked(ctx context.Context, in *struct {
	PageQuery
	Language string `header:"Accept-Language" maxLength:"255" doc:"Of the texts: French, or else English."`
}) (*pageOutput[BlockedSource], error) {
	all, speak, id := []BlockedSource{}, i18n.For(languageOf(in.Language)), callerOf(ctx).id
	for _, b := range a.cfg.Sources.Blocked() {
		mine := slices.DeleteFunc(slices.Clone(b.Sites), func(domain string) bool { return !id.Sees(domain) })
		if id.Site != "" && len(mine) == 0 {
			continue
		}
		out := BlockedSource{
			ID: b.ID, Kind: string(b.Kind), Account: b.Account, Cause: string(b.Cause), Text: speak.T("blocked." + string(b.Cause)), Since: moment(b.Since),
			Until: moment(b.Until), Count: b.Count, Sites: append([]string{}, mine...),
		}
		if b.Source.IsValid() {
			out.Source = b.Source.String()
		}
		all = append(all, out)
	}
	return paginate(in.PageQuery, "/api/v1/blocked-sources", nil, all, func(b BlockedSource) string { return b.ID })
}

func (a *API) registerAllowed() {
	huma.Register(a.huma, operation(ScopeRead, "Operation", http.MethodGet, "/allowed-sources", "list-allowed-sources", "List sources that are never blocked"),
		func(ctx context.Context, in *PageQuery) (*pageOutput[AllowedSource], error) {
			kept, err := a.cfg.Sources.Allowed(ctx)
			if err != nil {
				return nil, a.fail(ctx, "list allowed sources", err)
			}
			all := []AllowedSource{}
			for _, s := range kept {
				all = append(all, newAllowedSource(s))
			}
			return paginate(*in, "/api/v1/allowed-sources", nil, all, func(s AllowedSource) string { return s.key })
		})
	allow := operation(ScopeAdmin, "Operation", http.MethodPost, "/allowed-sources", "allow-source", "Keep a source from ever being blocked",
		http.StatusConflict, http.StatusUnprocessableEntity)
	allow.Description = "Neither SIP's guard nor the limit of failed sign-ins of one source holds for it, after a restart too; the limits of each account do. A block that is in force is lifted."
	allow.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, allow, func(ctx context.Context, in *struct {
		Body struct {
			Source string `json:"source" minLength:"2" maxLength:"64" doc:"Address or range; the widest are a /8 of IPv4 and a /32 of IPv6." example:"203.0.113.0/24"`
			Note   string `json:"note,omitempty" maxLength:"200" doc:"What is there."`
		}
	}) (*struct{ Body AllowedSource }, error) {
		kept, err := a.cfg.Sources.Allow(ctx, in.Body.Source, in.Body.Note, actorOf(ctx).ID)
		switch {
		case errors.Is(err, directory.ErrBadRange):
			return nil, invalid("body.source", directory.ErrBadRange.Error())
		case errors.Is(err, directory.ErrTooManyRanges):
			return nil, huma.Error409Conflict(directory.ErrTooManyRanges.Error())
		case err != nil:
			return nil, a.fail(ctx, "allow a source", err)
		}
		audit.Of(ctx).About(kept.Range.String())
		a.audit(ctx, "source allowed", "source", kept.Range)
		return &struct{ Body AllowedSource }{newAllowedSource(kept)}, nil
	})
	end := operation(ScopeAdmin, "Operation", http.MethodDelete, "/allowed-sources", "disallow-source", "Let a source be blocked again", http.StatusNotFound)
	end.DefaultStatus = http.StatusNoContent
	huma.Register(a.huma, end, func(ctx context.Context, in *struct {
		Source string `query:"source" required:"true" maxLength:"64" doc:"Range as the list has it." example:"203.0.113.0/24"`
	}) (*struct{}, error) {
		was, err := a.cfg.Sources.Disallow(ctx, in.Source)
		switch {
		case err != nil:
			return nil, a.fail(ctx, "no longer allow a source", err)
		case !was:
			return nil, huma.Error404NotFound("it is not on the list")
		}
		audit.Of(ctx).About(in.Source)
		a.audit(ctx, "source no longer allowed", "source", in.Source)
		return nil, nil
	})
}
