package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// fieldsOf is the change of a user that a body asks for, held to what its schema cannot say.
func (a *API) fieldsOf(ctx context.Context, body []byte) func(*directory.User) error {
	return func(u *directory.User) error {
		var named map[string]json.RawMessage
		if err := json.Unmarshal(body, &named); err != nil {
			return huma.Error400BadRequest("the body is no object")
		}
		_, email := named["email"]
		_, password := named["portal_password"]
		_, roles := named["roles"]
		if err := mayRuleOver(ctx, u); err != nil && (email || password) {
			return err // or a site's administrator could sign in as the enterprise's
		}
		if roles && callerOf(ctx).id.Site != "" {
			return errRoles
		}
		devices := u.Devices()
		if err := merge(u, body); err != nil {
			return a.fail(ctx, "read a body", err)
		}
		if _, pin := named["pin"]; pin && u.PIN != "" {
			if err := directory.CheckNewPIN(u, u.PIN.Reveal()); err != nil {
				return invalid("body.pin", err.Error())
			}
		}
		if password {
			u.PortalPasswordHash = "" // the store hashes the new one
		}
		keepPasswords(devices, u)
		if !u.Entitled() {
			u.SpaceID = "" // goes with the packs that included it
		}
		return nil
	}
}

var errRoles = huma.NewError(http.StatusForbidden, "a token of one site gives no roles")

// mayRuleOver refuses callers of one site who would change how an administrator signs in, or remove one.
func mayRuleOver(ctx context.Context, u *directory.User) error {
	if callerOf(ctx).id.Site != "" && len(u.Roles) > 0 {
		return huma.NewError(http.StatusForbidden, "a token of one site changes no administrator's sign-in")
	}
	return nil
}

// keepPasswords gives the devices that a list names again the passwords that they had.
func keepPasswords(before []*directory.Device, u *directory.User) {
	for _, d := range u.Devices() {
		for _, old := range before {
			if d.Password == "" && d.Username == old.Username {
				d.Password = old.Password
			}
		}
	}
}
