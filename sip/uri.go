package sip

import (
	"net/url"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// URI is a SIP, SIPS or tel URI taken apart, escapes undone once (RFC 3261 §19.1).
type URI struct {
	Scheme string            // "sip", "sips", "tel" or "urn", lower case
	User   string            // user part, the number of a tel URI, or "service:sos" of an urn; parameters in the user part are left in it
	Host   string            // domain in lower case, or address without brackets; empty in tel and urn
	Port   int               // 0 if absent
	Params map[string]string // names in lower case; a parameter without value is there with an empty one

	text string
}

// String returns the URI as it was written, without the space IDs' privacy in mind: it belongs in no log.
func (u URI) String() string { return u.text }

// Address is a name-addr: display name, URI and tag (RFC 3261 §20.10).
type Address struct {
	Display string
	URI     URI
	Tag     string
}

func newURI(u *sipmsg.Uri) URI {
	if u == nil || (u.Host == "" && u.User == "" && u.Raw() == "") {
		return URI{}
	}
	v := URI{Scheme: strings.ToLower(u.Scheme), Port: u.Port, text: u.String()}
	if v.Scheme == "" {
		v.Scheme = "sip"
	}
	if v.Scheme != "sip" && v.Scheme != "sips" {
		number, params, _ := strings.Cut(u.Raw(), ";")
		v.User = unescape(number)
		if v.Scheme == "urn" { // compares without case (RFC 5031 §4.2)
			v.User = strings.ToLower(v.User)
		}
		v.setParams(strings.Split(params, ";"))
		return v
	}
	v.User = unescape(u.User)
	v.Host = strings.ToLower(strings.Trim(u.Host, "[]"))
	for _, p := range u.UriParams {
		v.param(p.K, p.V)
	}
	return v
}

func (u *URI) setParams(list []string) {
	for _, p := range list {
		if k, val, _ := strings.Cut(p, "="); k != "" {
			u.param(k, val)
		}
	}
}

func (u *URI) param(key, val string) {
	if u.Params == nil {
		u.Params = make(map[string]string)
	}
	u.Params[strings.ToLower(unescape(strings.TrimSpace(key)))] = unescape(strings.TrimSpace(val))
}

func newAddress(display string, u *sipmsg.Uri, params sipmsg.HeaderParams) Address {
	tag, _ := params.Get("tag")
	return Address{Display: unquote(`"` + display + `"`), URI: newURI(u), Tag: tag}
}

// unescape undoes %-escapes; a broken escape leaves the text as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	if t, err := url.PathUnescape(s); err == nil {
		return t
	}
	return s
}
