package sip

import "net/netip"

// Lines is what the edge asks of the directory. Its methods are called for every request and must not wait.
type Lines interface {
	// Line returns the line with this digest user name.
	Line(username string) (Line, bool)
	// AOR returns the canonical AOR of a URI that phones use for a line: number, extension or user name, at the
	// site's domain or any address of the server.
	AOR(user, host string) (AOR, bool)
	// Realm returns the realm to challenge with for a request to host about user; the first site's when unknown.
	Realm(host, user string) string
	// Trunk returns the name of the trunk that is trusted by its source address.
	Trunk(src netip.AddrPort) (name string, ok bool)
}

// Line is what the edge must know of a line of the directory.
type Line struct {
	Username string // digest user name, unique per server
	Password string // never logged
	Realm    string // the site's domain
	AOR      AOR    // canonical AOR
	AORs     []AOR  // all it may register, AOR among them
	SHA256   bool   // offer SHA-256 before MD5 (RFC 8760)
	Trunk    string // name of the trunk whose credentials these are; it calls and does nothing else. Empty for a line
}

// TrunkFinder is what Lines may satisfy besides: it tells the trunk that a request comes from where the address alone does not
// tell, as of those that we registered with. target is the Request-URI. It goes before Lines.Trunk.
type TrunkFinder interface {
	TrunkOf(src Source, target URI) (name string, ok bool)
}
