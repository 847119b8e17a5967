package call

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// diversion is one forwarding a call has been through.
type diversion struct {
	user  *directory.User
	cause ForwardCause
}

// The causes as headers name them: RFC 5806 §4, and the SIP status that stands for each (RFC 4458, RFC 7544 §7.1).
var (
	diversionReasons = [...]string{"unconditional", "user-busy", "no-answer", "unavailable"}
	diversionCauses  = [...]int{302, 486, 408, 503}
)

// shown is who has forwarded the call, as a trunk or, for nil, one of our phones may see it. A line that withholds its number
// is told to a trunk as private and to nobody else.
func (d diversion) shown(t *directory.Trunk) (display, uri string, private bool) {
	u := d.user
	switch {
	case t == nil && u.CLIR:
		return anonymousName, anonymousURI, true
	case t == nil:
		return u.Name, lineAOR(u).URI(), false
	}
	number := u.Number
	if number == "" {
		number = u.Site.PublicNumber()
	}
	return u.Name, "sip:" + Written(number, t) + "@" + ownHost(t), u.CLIR
}

// header is the diversion as RFC 5806 §4 writes it.
func (d diversion) header(t *directory.Trunk) sip.Header {
	display, uri, private := d.shown(t)
	value := sip.NameAddr(display, uri) + ";reason=" + diversionReasons[d.cause] + ";counter=1"
	if private {
		value += ";privacy=full"
	}
	return sip.Header{Name: "Diversion", Value: value}
}

// entry is the diversion in History-Info (RFC 7044 §10.1): who it was for, why it did not stay there, and how it came there.
func (d diversion) entry(t *directory.Trunk, by string) string {
	_, uri, private := d.shown(t)
	code := diversionCauses[d.cause]
	uri += by + "?Reason=" + url.PathEscape("SIP;cause="+strconv.Itoa(code)+`;text="`+sip.StatusText(code)+`"`)
	if private && t != nil {
		uri += "&Privacy=history"
	}
	return uri
}

// history are the headers that tell what a call has been through, towards a trunk or, for nil, one of our phones: Diversion, the
// latest first (RFC 5806 §6), and History-Info, the first first. target is what is called now.
func (o *onward) history(t *directory.Trunk, target string) []sip.Header {
	var all []sip.Header
	for _, d := range slices.Backward(o.diverted) {
		all = append(all, d.header(t))
	}
	for _, v := range o.came.diversions {
		if t != nil || !isPrivate(v) {
			all = append(all, sip.Header{Name: "Diversion", Value: v})
		}
	}
	last := "1"
	for _, v := range o.came.history {
		if i := strings.LastIndex(v, ";index="); i >= 0 {
			last, _, _ = strings.Cut(v[i+len(";index="):], ";")
		}
		if t != nil || !isPrivate(v) {
			all = append(all, sip.Header{Name: "History-Info", Value: v})
		}
	}
	if len(o.diverted) == 0 {
		return all
	}
	if len(o.came.history) == 0 {
		all = append(all, sip.Header{Name: "History-Info", Value: "<" + o.diverted[0].entry(t, "") + ">;index=1"})
	}
	for i, d := range o.diverted {
		by, index := ";cause="+strconv.Itoa(diversionCauses[d.cause]), last+".1"
		next := target + by
		if i+1 < len(o.diverted) {
			next = o.diverted[i+1].entry(t, by)
		}
		all = append(all, sip.Header{Name: "History-Info", Value: "<" + next + ">;index=" + index + ";mp=" + last})
		last = index
	}
	return all
}

// past is what a call had been through before it came to us, as a trunk tells it.
type past struct{ diversions, history []string }

// pastOf is the past of a call; what phones say of it counts for nothing.
func pastOf(c directory.Caller, in *sip.Invite) past {
	if c.Trunk == nil {
		return past{}
	}
	return past{diversions: in.Headers("Diversion"), history: in.Headers("History-Info")}
}

// forwardings is how many times the call was forwarded before.
func (p past) forwardings() int {
	n := 0
	for _, v := range p.history {
		n += strings.Count(v, ";mp=")
	}
	return max(n, len(p.diversions))
}

// isPrivate tells whether what a trunk says of a forwarding is not for phones (RFC 5806 §4, RFC 7044 §10.1.2).
func isPrivate(v string) bool {
	_, kind, found := strings.Cut(strings.ToLower(v), "privacy=")
	return found && !strings.HasPrefix(kind, "off") && !strings.HasPrefix(kind, "none")
}
