package sip

import (
	"cmp"
	"slices"
	"strconv"

	sipmsg "github.com/emiago/sipgo/sip"
)

// redirects are the URIs of the Contact headers of a 3xx, each once, the most wanted first: by falling q, in their order where it is
// the same (RFC 3261 §8.1.3.4, §20.10).
func redirects(res *sipmsg.Response) []string {
	if res.StatusCode < 300 || res.StatusCode > 399 {
		return nil
	}
	type place struct {
		uri string
		q   int
	}
	var places []place
	for _, h := range res.GetHeaders("contact") {
		c, ok := h.(*sipmsg.ContactHeader)
		if !ok || c.Address.Host == "" || c.Address.Wildcard {
			continue
		}
		u := *c.Address.Clone()
		u.Headers = nil
		uri := u.String()
		if slices.ContainsFunc(places, func(p place) bool { return p.uri == uri }) {
			continue
		}
		places = append(places, place{uri, preference(c)})
	}
	slices.SortStableFunc(places, func(a, b place) int { return cmp.Compare(b.q, a.q) })
	var all []string
	for _, p := range places {
		all = append(all, p.uri)
	}
	return all
}

// preference is the q of a Contact in thousandths; one without it, or with one that cannot be read, has the greatest.
func preference(c *sipmsg.ContactHeader) int {
	v, _ := c.Params.Get("q")
	q, err := strconv.ParseFloat(v, 64)
	if err != nil || !(q >= 0 && q <= 1) {
		return 1000
	}
	return int(q * 1000)
}
