package sip

import (
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Asserted returns the first P-Asserted-Identity (RFC 3325 §9.1) that can be read. Whether it is to be believed depends
// on who sent it.
func (in *Invite) Asserted() (Address, bool) {
	a, _, ok := firstAddress(in.Headers("P-Asserted-Identity"))
	return a, ok
}

// Called returns the P-Called-Party-ID (RFC 7315 §4.2): whom the caller dialled, where the Request-URI is our Contact.
func (in *Invite) Called() (Address, bool) {
	a, _, ok := firstAddress(in.Headers("P-Called-Party-ID"))
	return a, ok
}

// Private reports whether the caller wants to stay unknown to who is called: by Privacy (RFC 3323 §4.2, RFC 3325 §9.3), by
// Remote-Party-ID, or by a From that names nobody (RFC 3323 §4.1.1.3). A trusted trunk may assert who it is all the same.
func (in *Invite) Private() bool {
	if strings.EqualFold(in.From.URI.User, "anonymous") || strings.EqualFold(in.From.URI.Host, "anonymous.invalid") {
		return true
	}
	e, _ := identityOf(headers(in.headers))
	return e.Private
}

// firstAddress returns the first of some name-addr headers that names somebody, with its parameters.
func firstAddress(values []string) (a Address, params sipmsg.HeaderParams, ok bool) {
	for _, v := range values {
		first, _ := cutUnquoted(v, ',')
		var uri sipmsg.Uri
		var params sipmsg.HeaderParams
		display, err := sipmsg.ParseAddressValue(first, &uri, &params)
		if err == nil && (uri.User != "" || uri.Raw() != "") {
			return newAddress(display, &uri, params), params, true
		}
	}
	return Address{}, nil, false
}

// IdentityEvent tells who a trusted trunk says the peer is, when that is new: in the 2xx of a call of ours, or in a re-INVITE,
// an UPDATE or an answer to one of ours after the peer passed its call on (RFC 3325, RFC 3311).
type IdentityEvent struct {
	Identity Address
	Private  bool // not to be shown (RFC 3323, RFC 3325 §9.3)
}

func (IdentityEvent) legEvent() {}

// identityOf reads P-Asserted-Identity, or Remote-Party-ID where a peer knows only that.
func identityOf(m headerList) (e IdentityEvent, ok bool) {
	named := func(name string) (all []string) {
		for _, h := range m.Headers() {
			if sameHeader(h.Name(), name) {
				all = append(all, h.Value())
			}
		}
		return all
	}
	for _, v := range named("privacy") {
		for p := range strings.SplitSeq(v, ";") {
			switch strings.ToLower(strings.TrimSpace(p)) {
			case "id", "user", "header":
				e.Private = true
			}
		}
	}
	if e.Identity, _, ok = firstAddress(named("p-asserted-identity")); ok {
		return e, true
	}
	var params sipmsg.HeaderParams
	if e.Identity, params, ok = firstAddress(named("remote-party-id")); !ok {
		return IdentityEvent{Private: e.Private}, false
	}
	if p, has := params.Get("privacy"); has && !strings.EqualFold(p, "off") {
		e.Private = true
	}
	return e, true
}

// key is what makes two identities differ for those who see them.
func (e IdentityEvent) key() string {
	k := e.Identity.Display + "\x00" + e.Identity.URI.String()
	if e.Private {
		k += "\x00private"
	}
	return k
}

// identify tells the handler when a trusted peer says that it is somebody else.
func (l *Leg) identify(m headerList) {
	if l.invite.Identity.Trunk == "" {
		return
	}
	e, ok := identityOf(m)
	if !ok || e.key() == l.asserted {
		return
	}
	l.asserted = e.key()
	l.emit(e)
}
