package provision

import (
	"context"
	"time"

	"passerelle/directory"
)

// Record is what is kept of a phone beside the directory. The zero value, but for its MAC, is a phone that never asked.
type Record struct {
	MAC directory.MAC
	// Token is the secret part of the phone's own link; empty before its first profile, and when its access was revoked.
	Token directory.Secret
	// Setup is the link that works once; nil when there is none.
	Setup *Setup
	// Barred says that the phone's certificate gives it nothing, as its access was revoked.
	Barred bool `json:",omitempty"`
	// Fetch is the last time that the phone fetched its profile; nil before the first.
	Fetch *Fetch
	// Reports are the problem reports that are kept, the newest first.
	Reports []Report
}

// Setup is a link that gives a phone its first profile.
type Setup struct {
	Hash  []byte    // SHA-256 of the secret part
	Until time.Time // when it ends
	Used  time.Time // when it was used first; zero before
}

// Fetch is a profile that a phone has got.
type Fetch struct {
	At     time.Time
	File   string // that the phone named
	Agent  string // User-Agent, with model, firmware and MAC address as a rule
	Source string // address that it came from
	TLS    bool
	Digest []byte // SHA-256 of the profile
	// Username and Password are what the phone has had since: it wants them when it is told to fetch anew.
	Username string
	Password directory.Secret
}

// Report is a problem report of a phone.
type Report struct {
	Name string // of the file
	At   time.Time
	Size int64 // bytes
}

// Store keeps records over restarts.
type Store interface {
	// LoadPhones returns all records.
	LoadPhones(ctx context.Context) ([]Record, error)
	// SavePhone keeps a record in place of the former one of its MAC.
	SavePhone(ctx context.Context, r Record) error
}
