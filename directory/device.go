package directory

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Device is a phone or a softphone with credentials of its own. The fields marked "phone" in
// their tags are not allowed for a softphone.
type Device struct {
	User *User `yaml:"-" json:"-"`
	// Primary marks the user's desk phone, the only one that can be a host.
	Primary bool `yaml:"-" json:"-"`

	MAC   MAC    `yaml:"mac" json:"mac,omitempty" only:"phone"`
	Model string `yaml:"model" json:"model,omitempty" only:"phone"`
	// Username is the digest user name, unique per server.
	Username string `yaml:"username" json:"username"`
	Password Secret `yaml:"password" json:"password,omitempty"`
	// SHA256 offers the device a SHA-256 challenge before the MD5 one (RFC 8760).
	SHA256 bool `yaml:"sha256" json:"sha256,omitempty"`
	// Lines are further line keys; the first line is always the user's own.
	Lines []Line `yaml:"lines" json:"lines,omitempty" only:"phone"`
	// Host, if present, lets guests sign in on the phone.
	Host *Host `yaml:"host" json:"host,omitempty" only:"phone"`
}

// String names the device in logs, see User.String.
func (d *Device) String() string { return d.Username }

// Line is a further line key of a phone.
type Line struct {
	Number Number `yaml:"number" json:"number"`
	// Shared says that the line belongs to somebody else, and rings there too.
	Shared bool `yaml:"shared" json:"shared,omitempty"`
}

// Host says whether and for how long guests may use the phone.
type Host struct {
	Enabled bool `yaml:"enabled" json:"enabled"`
	// EnforceLimit ends every guest's association after LimitHours.
	EnforceLimit bool  `yaml:"enforce_limit" json:"enforce_limit,omitempty"`
	LimitHours   int   `yaml:"limit_hours" json:"limit_hours,omitempty"`
	Scope        Scope `yaml:"scope" json:"scope,omitempty"`
}

// DefaultHostHours is a host's limit where its file gives none.
const DefaultHostHours = 24

// NewHost gives a host with every default in place.
func NewHost() *Host { return &Host{LimitHours: DefaultHostHours, Scope: ScopeSite} }

// MAC is a hardware address: six lower-case pairs of hexadecimal digits with colons between them.
type MAC string

// macSigns takes out what may part the digits.
var macSigns = strings.NewReplacer(":", "", "-", "", ".", "")

// UnmarshalText implements encoding.TextUnmarshaler; colons, hyphens, dots or nothing may part
// the digits.
func (m *MAC) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = ""
		return nil
	}
	raw, err := hex.DecodeString(macSigns.Replace(string(text)))
	if err != nil || len(raw) != 6 {
		return fmt.Errorf("%q is not a MAC address such as 00:a0:c9:11:22:01", text)
	}
	*m = MAC(fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", raw[0], raw[1], raw[2], raw[3], raw[4], raw[5]))
	return nil
}
