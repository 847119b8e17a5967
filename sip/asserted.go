package sip

import sipmsg "github.com/emiago/sipgo/sip"

// Asserted returns the first P-Asserted-Identity (RFC 3325 §9.1) that can be read. Whether it is to be believed depends
// on who sent it.
func (in *Invite) Asserted() (Address, bool) {
	for _, v := range in.Headers("P-Asserted-Identity") {
		first, _ := cutUnquoted(v, ',')
		var uri sipmsg.Uri
		var params sipmsg.HeaderParams
		display, err := sipmsg.ParseAddressValue(first, &uri, &params)
		if err == nil && (uri.User != "" || uri.Raw() != "") {
			return newAddress(display, &uri, params), true
		}
	}
	return Address{}, false
}
