package sip

import (
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Invite holds the facts of the INVITE that began a leg. It does not change and may be read from anywhere.
type Invite struct {
	RequestURI URI
	From       Address
	To         Address
	Contact    URI
	Identity   Identity // who called, proven
	Source     Source   // how the request came

	headers []sipmsg.Header
}

// newInvite is what an INVITE says.
func newInvite(in *inbound, who Identity) *Invite {
	req := in.Request
	from, to := req.From(), req.To()
	i := &Invite{
		RequestURI: newURI(&req.Recipient),
		From:       newAddress(from.DisplayName, &from.Address, from.Params),
		To:         newAddress(to.DisplayName, &to.Address, to.Params),
		Identity:   who, Source: in.src, headers: req.Headers(),
	}
	if c := req.Contact(); c != nil {
		i.Contact = newURI(&c.Address)
	}
	return i
}

// Header returns the value of the first header of that name, empty when there is none. Compact forms count as their long
// names.
func (in *Invite) Header(name string) string {
	for _, h := range in.headers {
		if sameHeader(h.Name(), name) {
			return h.Value()
		}
	}
	return ""
}

// Headers returns the values of all headers of that name, in the order in which they came.
func (in *Invite) Headers(name string) []string {
	var all []string
	for _, h := range in.headers {
		if sameHeader(h.Name(), name) {
			all = append(all, h.Value())
		}
	}
	return all
}

// Supports reports whether the caller knows an extension: its INVITE supports or requires the option tag.
func (in *Invite) Supports(tag string) bool {
	return hasToken(headers(in.headers), "supported", tag) || in.requires(tag)
}

func (in *Invite) requires(tag string) bool { return hasToken(headers(in.headers), "require", tag) }

// headers are those of a message.
type headers []sipmsg.Header

// Headers returns them.
func (h headers) Headers() []sipmsg.Header { return h }

// UserAgent returns the caller's User-Agent.
func (in *Invite) UserAgent() string { return in.Header("User-Agent") }

// AcceptLanguage returns the caller's Accept-Language (RFC 3261 §20.3), empty when it has none.
func (in *Invite) AcceptLanguage() string { return strings.Join(in.Headers("Accept-Language"), ", ") }
