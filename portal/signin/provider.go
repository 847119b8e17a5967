package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"passerelle/portal/account"
	"passerelle/portal/oidc"
	"passerelle/portal/page"
)

// Provider is where people may sign in instead of here; package oidc satisfies it.
type Provider interface {
	// Name is what people call it.
	Name() string
	// Begin gives the provider's page to send a browser to, and what the browser is to keep meanwhile.
	Begin(ctx context.Context, next string) (page string, f oidc.Flow, err error)
	// Finish gives the verified e-mail address of who comes back.
	Finish(ctx context.Context, f oidc.Flow, query url.Values) (email string, err error)
}

// flowCookie keeps a sign-in that is at the provider. By TLS its name binds it to this host alone (RFC 6265bis §4.1.3.2).
func flowCookie(r *http.Request, value string, life time.Duration) *http.Cookie {
	c := &http.Cookie{Name: "passerelle_oidc", Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: account.Secure(r),
		SameSite: http.SameSiteLaxMode} // the provider sends the browser here from its own pages
	if c.Secure {
		c.Name = "__Host-" + c.Name
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// toProvider sends a browser to the provider.
func (d *Door) toProvider(w http.ResponseWriter, r *http.Request) {
	to, flow, err := d.provider.Begin(r.Context(), page.Local(r.URL.Query().Get("next")))
	if err != nil {
		d.refuseProvider(w, r, "", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	http.SetCookie(w, flowCookie(r, flow.Encode(), oidc.FlowLife))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fromProvider signs in who comes back from the provider.
func (d *Door) fromProvider(w http.ResponseWriter, r *http.Request) {
	flow, err := d.flowOf(r)
	http.SetCookie(w, flowCookie(r, "", 0)) // it counts once
	if err != nil {
		d.refuseProvider(w, r, "", err)
		return
	}
	next := page.Local(flow.Next)
	email, err := d.provider.Finish(r.Context(), flow, r.URL.Query())
	if err != nil {
		d.refuseProvider(w, r, next, err)
		return
	}
	more, err := d.accounts.SignInProven(w, r, email)
	switch {
	case err != nil:
		d.refuseProvider(w, r, next, err)
	case more:
		http.Redirect(w, r, proofPath(next), http.StatusSeeOther)
	default:
		http.Redirect(w, r, next, http.StatusSeeOther)
	}
}

// flowOf is what the browser has kept.
func (d *Door) flowOf(r *http.Request) (oidc.Flow, error) {
	c, err := r.Cookie(flowCookie(r, "", 0).Name)
	if err != nil {
		return oidc.Flow{}, oidc.ErrRefused
	}
	return oidc.DecodeFlow(c.Value)
}

// refuseProvider tells on the sign-in page why the provider did not let somebody in.
func (d *Door) refuseProvider(w http.ResponseWriter, r *http.Request, next string, err error) {
	status, key := http.StatusUnprocessableEntity, ""
	switch {
	case errors.Is(err, oidc.ErrUnavailable):
		status, key = http.StatusServiceUnavailable, "oidc.unavailable"
	case errors.Is(err, oidc.ErrUnverified):
		key = "oidc.unverified"
	case errors.Is(err, oidc.ErrRefused):
		key = "oidc.refused"
	case errors.Is(err, account.ErrDenied):
		key = "oidc.unknown"
	default:
		d.view.Fail(w, r, "sign in by the provider", err)
		return
	}
	d.log.InfoContext(r.Context(), "sign-in by the provider failed", "remote", account.Source(r), "err", err)
	d.show(w, r, "signin", "signin.title", status, sheet{Fault: d.view.Printer(r).T(key, d.provider.Name()), Next: next})
}
