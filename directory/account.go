package directory

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Account is what the portal keeps of somebody who signs in, beside the enterprise: for a user of the directory the second
// factor and the language, for the owner of the server name, address and password as well. It is part of no export.
type Account struct {
	// ID names the account: OwnerAccount, or UserAccount of a user's Ref.
	ID    string `json:"-"`
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	// PasswordHash is an argon2id hash in the PHC string format; empty for users of the directory, who have their own.
	PasswordHash Secret `json:"password_hash,omitempty"`
	// TOTP is the second factor's key in base32 (RFC 6238); empty means that the password suffices.
	TOTP Secret `json:"totp,omitempty"`
	// TOTPStep is the last time step whose code was used; it is not taken again (RFC 6238 §5.2).
	TOTPStep int64 `json:"totp_step,omitempty"`
	// RecoveryHashes are the hashes (SHA-256, hexadecimal) of the codes that stand in for a second factor that is lost. The
	// codes have 80 random bits, so that the hashes reveal nothing; each counts once and is gone when it is used.
	RecoveryHashes []string `json:"recovery_hashes,omitempty"`
	// Passkeys are authenticators that stand in for the code of an application (W3C Web Authentication).
	Passkeys []Passkey `json:"passkeys,omitempty"`
	// Language is that of the account's pages; empty means the browser's.
	Language Language `json:"language,omitempty"`
}

// Passkey is an authenticator that an account has registered; nothing in it is secret.
type Passkey struct {
	ID    string    `json:"id"`   // of the credential, in base64url
	Name  string    `json:"name"` // as its owner calls it
	Host  string    `json:"host"` // name of the server for which alone it answers
	Added time.Time `json:"added"`
	Used  time.Time `json:"used,omitzero"` // last; zero means never
	// Credential is the public key, the counter of signatures and what else checks them, as the portal wrote it.
	Credential json.RawMessage `json:"credential"`
}

// SecondFactor says whether more than a password is needed to sign in.
func (a *Account) SecondFactor() bool { return a.TOTP != "" || len(a.Passkeys) > 0 }

// OwnerAccount is the ID of the account that the set-up link makes.
const OwnerAccount = "owner"

// UserAccount is the ID of the account of the user with that Ref.
func UserAccount(ref uint64) string { return fmt.Sprintf("user-%d", ref) }

// UserOfAccount gives the Ref of the user whose account has that ID.
func UserOfAccount(id string) (ref uint64, ok bool) {
	digits, ok := strings.CutPrefix(id, "user-")
	ref, err := strconv.ParseUint(digits, 10, 64)
	return ref, ok && err == nil
}

// EachSecret calls f with each secret of the account that is not empty and the name of its field.
func (a *Account) EachSecret(f func(field string, purpose Purpose, s *Secret)) {
	if a.PasswordHash != "" {
		f("password_hash", PurposePortal, &a.PasswordHash)
	}
	if a.TOTP != "" {
		f("totp", PurposePortal, &a.TOTP)
	}
}

// String names the account in logs.
func (a Account) String() string { return a.ID }
