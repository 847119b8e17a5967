package directory

import "fmt"

// Purpose is what a secret is for; each purpose is sealed with a key of its own.
type Purpose string

// The purposes.
const (
	PurposeSIP    Purpose = "sip"    // digest passwords of devices and trunks
	PurposePIN    Purpose = "pin"    // voice-mail PINs
	PurposeSpace  Purpose = "space"  // space IDs
	PurposePortal Purpose = "portal" // portal passwords and their hashes
)

// EachSecret calls f with each secret of the user that is not empty and the name of its field.
func (u *User) EachSecret(f func(field string, purpose Purpose, s *Secret)) {
	call := func(field string, purpose Purpose, s *Secret) {
		if *s != "" {
			f(field, purpose, s)
		}
	}
	call("space_id", PurposeSpace, &u.SpaceID)
	call("pin", PurposePIN, &u.PIN)
	call("portal_password", PurposePortal, &u.PortalPassword)
	call("portal_password_hash", PurposePortal, &u.PortalPasswordHash)
	if u.Phone != nil {
		call("phone.password", PurposeSIP, &u.Phone.Password)
	}
	for i, d := range u.Softphones {
		call(fmt.Sprintf("softphones[%d].password", i), PurposeSIP, &d.Password)
	}
}

// EachSecret calls f with each secret of the trunk that is not empty and the name of its field.
func (t *Trunk) EachSecret(f func(field string, purpose Purpose, s *Secret)) {
	if t.Password != "" {
		f("password", PurposeSIP, &t.Password)
	}
}
