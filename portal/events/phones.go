package events

import (
	"passerelle/directory"
	"passerelle/provision"
)

// Phone is a desk phone that fetched its profile.
type Phone struct {
	MAC       string `json:"mac"`
	Model     string `json:"model,omitempty"`
	Username  string `json:"username"`
	Line      string `json:"line"`
	Site      string `json:"site"`
	File      string `json:"file,omitempty"` // that it named
	UserAgent string `json:"user_agent,omitempty"`
	Source    string `json:"source"`
	TLS       bool   `json:"tls"`
}

// OfFetch tells of a profile that a phone got.
func OfFetch(d *directory.Device, f provision.Fetch) Draft {
	return Draft{Type: PhoneFetched, Time: f.At, Sites: []string{d.User.Site.Domain}, Data: Phone{
		MAC: string(d.MAC), Model: d.Model, Username: d.Username, Line: d.User.Line(), Site: d.User.Site.Domain, File: f.File, UserAgent: f.Agent,
		Source: f.Source, TLS: f.TLS,
	}}
}

// Server tells of the server itself. What a reader knew of the live state from before a start is no longer true.
type Server struct {
	Version string `json:"version"`
}
