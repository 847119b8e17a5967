package call

import (
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// dialled is a Request-URI taken apart: who is meant, and the space ID that it carries, if any.
type dialled struct {
	scheme  string // of the URI
	user    string // number, extension, user name; empty when the URI names a space only
	host    string // domain or address
	spaceID directory.Secret
}

// spaceHosts are the labels before a site's domain that make the user part a space ID: sip:ID@conf.paris.acme.test.
var spaceHosts = []string{"conf.", "conference.", "space."}

// parseDialled reads the forms in which a phone, an app or a trunk names a number with or without a space ID:
//
//	sip:NUMBER@host;space=ID    sip:NUMBER;space=ID@host    the same with room=
//	sip:NUMBER,,ID#@host        sip:NUMBER@host;postd=ppID#
//	sip:space-ID@host           sip:room-ID@host            sip:ID@conf.host
//	tel:NUMBER;space=ID
func parseDialled(u sip.URI) dialled {
	d := dialled{scheme: u.Scheme, user: u.User, host: u.Host}
	user, params, _ := strings.Cut(u.User, ";")
	d.user = user
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		d.param(strings.ToLower(name), value)
	}
	for name, value := range u.Params {
		d.param(name, value)
	}
	if number, digits, found := strings.Cut(d.user, ","); found {
		d.user = number
		d.param("postd", digits)
	}
	for _, prefix := range []string{"space-", "room-"} {
		if id, found := strings.CutPrefix(strings.ToLower(d.user), prefix); found && isDigits(id) {
			d.user, d.spaceID = "", directory.Secret(id)
		}
	}
	for _, label := range spaceHosts {
		if domain, found := strings.CutPrefix(strings.ToLower(u.Host), label); found && isDigits(d.user) {
			d.user, d.host, d.spaceID = "", domain, directory.Secret(d.user)
		}
	}
	return d
}

// param takes one parameter that may carry a space ID. Pauses of post-dial strings (RFC 2806 §2.2) mean nothing to us.
func (d *dialled) param(name, value string) {
	switch name {
	case "space", "room", "postd":
		id := strings.TrimRight(strings.Trim(value, ",pPwW"), "#")
		if isDigits(id) {
			d.spaceID = directory.Secret(id)
		}
	}
}

// number is the user part as dialled digits: visual separators (RFC 3966 §5.1.1) taken out, a leading + kept. It is
// empty when there is anything else in it.
func (d dialled) number() string {
	s := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-. ()", r) {
			return -1
		}
		return r
	}, d.user)
	if !isDigits(strings.TrimPrefix(s, "+")) {
		return ""
	}
	return s
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
