package sip

import (
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Granted is how long the registration lives that a 2xx to our REGISTER granted (RFC 3261 §10.2.4): what our Contact in it
// says, else its Expires, else false. A registrar that rewrote our Contact is understood by its user part.
func (r *Response) Granted() (d time.Duration, ok bool) {
	if r.res == nil {
		return 0, false
	}
	var own sipmsg.Uri
	if err := sipmsg.ParseUri(r.Contact, &own); err != nil {
		return 0, false
	}
	for _, exact := range []bool{true, false} {
		for _, h := range r.res.GetHeaders("contact") {
			c, isContact := h.(*sipmsg.ContactHeader)
			if !isContact || c.Address.User != own.User || exact && !sameContact(c.Address.String(), r.Contact) {
				continue
			}
			if v, has := c.Params.Get("expires"); has {
				return wholeDuration(v)
			}
			return wholeDuration(r.Header("Expires"))
		}
	}
	return wholeDuration(r.Header("Expires"))
}

// LeastExpires is the Min-Expires of a 423 (RFC 3261 §10.3 step 7).
func (r *Response) LeastExpires() (d time.Duration, ok bool) {
	return wholeDuration(r.Header("Min-Expires"))
}

// wholeDuration reads a number of seconds.
func wholeDuration(v string) (d time.Duration, ok bool) {
	n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 31)
	return time.Duration(n) * time.Second, err == nil
}
