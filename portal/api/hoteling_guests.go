package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/hoteling"
)

func (a *API) registerHotelGuests() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/hoteling/guests", "list-hoteling-guests", "List the users who may be guests")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only users of the site with this SIP domain."`
			Away bool   `query:"away" doc:"Only those who are signed in somewhere."`
		}) (*pageOutput[HotelGuest], error) {
			all := []HotelGuest{}
			for _, s := range a.cfg.Directory.Current().Sites() {
				for u := range s.Everyone() {
					if !u.Guest.Allowed || !sees(ctx, in.Site, s.Domain) {
						continue
					}
					if g := a.hotelGuest(u); !in.Away || g.Host != nil {
						all = append(all, g)
					}
				}
			}
			filter := url.Values{"site": {in.Site}}
			if in.Away {
				filter.Set("away", "true")
			}
			return paginate(in.PageQuery, "/api/v1/hoteling/guests", filter, all, func(g HotelGuest) string { return g.key })
		})
	const path = "/hoteling/guests/{line}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, path, "get-hoteling-guest", "Show a user as a guest", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*hotelGuestOutput, error) {
			u, err := a.line(ctx, in.Line)
			if err != nil {
				return nil, err
			}
			return &hotelGuestOutput{userTag(u), a.hotelGuest(u)}, nil
		})
	patch := operation(ScopeHoteling, "Directory", http.MethodPatch, path, "change-hoteling-guest", "Let a user be a guest, or not",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	patch.Description = "Only what the body names changes. A guest who may no longer be one is signed out; the limit applies to the next sign-in."
	huma.Register(a.huma, bySite(patch), func(ctx context.Context, in *struct {
		LinePath
		IfMatch
		Body struct {
			Allowed    *bool `json:"allowed,omitempty"`
			Enabled    *bool `json:"enabled,omitempty"`
			LimitHours *int  `json:"limit_hours,omitempty" minimum:"0" maximum:"999"`
		}
	}) (*hotelGuestOutput, error) {
		u, err := a.changed(ctx, in.Line, in.IfMatch, "hoteling guest changed", func(u *directory.User) {
			set(&u.Guest.Allowed, in.Body.Allowed)
			set(&u.Guest.Enabled, in.Body.Enabled)
			set(&u.Guest.LimitHours, in.Body.LimitHours)
		})
		if err != nil {
			return nil, err
		}
		return &hotelGuestOutput{userTag(u), a.hotelGuest(u)}, nil
	})
	leave := operation(ScopeRelease, "Live", http.MethodDelete, path+"/host", "sign-guest-out", "Sign a guest out, wherever they are",
		http.StatusNotFound, http.StatusServiceUnavailable)
	huma.Register(a.huma, bySite(leave), func(ctx context.Context, in *LinePath) (*hotelGuestOutput, error) {
		u, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		if _, err := a.cfg.Hoteling.SignOutGuest(ctx, u.Ref, hoteling.ByAPI); err != nil {
			return nil, a.denied(ctx, "sign a guest out", "", err)
		}
		a.audit(ctx, "guest signed out by api", "guest", lineName(u))
		return &hotelGuestOutput{userTag(u), a.hotelGuest(u)}, nil
	})
}
