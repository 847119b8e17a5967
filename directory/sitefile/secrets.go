package sitefile

import (
	"fmt"

	"passerelle/directory"
)

// SecretMode says how a site file holds its secrets.
type SecretMode string

// The ways to write secrets.
const (
	SecretsClear   SecretMode = "clear"   // as they are; what a file without the field means
	SecretsSealed  SecretMode = "sealed"  // encrypted with the server's key
	SecretsOmitted SecretMode = "omitted" // left out; an import keeps those the server has
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *SecretMode) UnmarshalText(text []byte) error {
	switch SecretMode(text) {
	case SecretsClear, SecretsSealed, SecretsOmitted:
		*m = SecretMode(text)
		return nil
	}
	return fmt.Errorf("%q is not one of clear, sealed, omitted", text)
}

// userLabel and trunkLabel bind a sealed secret to its place, so that it opens nowhere else.
func userLabel(s *directory.Site, u *directory.User, field string) string {
	return s.Domain + "/" + u.Line() + "/" + field
}

func trunkLabel(s *directory.Site, t *directory.Trunk, field string) string {
	return s.Domain + "/trunk " + t.Name + "/" + field
}

// openSite opens the sealed secrets of a site.
func (r *reader) openSite(s *directory.Site) {
	for u := range s.Everyone() {
		u.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
			r.open(secretPlace(u, field), purpose, userLabel(s, u, field), secret)
		})
	}
	for _, t := range s.Trunks {
		t.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
			r.open(place{t, field}, purpose, trunkLabel(s, t, field), secret)
		})
	}
}

// secretPlace is where a secret of the user was read: a password is a field of its device.
func secretPlace(u *directory.User, field string) place {
	for i, d := range u.Softphones {
		if field == fmt.Sprintf("softphones[%d].password", i) {
			return place{d, "password"}
		}
	}
	if field == "phone.password" {
		return place{u.Phone, "password"}
	}
	return place{u, field}
}

// open opens one secret in its place; one that does not open is left as it is, and reported.
func (r *reader) open(at place, purpose directory.Purpose, label string, secret *directory.Secret) {
	where, _ := r.find(at.owner, at.field)
	refuse := func(cause string) {
		r.failed[at] = true
		r.fault(where.position, where.path, "%s", cause)
	}
	if r.unseal == nil {
		refuse("is sealed, and there is no key here to open it")
		return
	}
	text, err := r.unseal(purpose, label, secret.Reveal())
	if err != nil {
		refuse("does not open: sealed with another key, or moved from another user")
		return
	}
	*secret = directory.Secret(text)
}
