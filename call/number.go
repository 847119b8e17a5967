package call

import (
	"strings"

	"github.com/nyaruka/phonenumbers"

	"passerelle/directory"
)

// maxDialled is more digits than any number has, prefixes included.
const maxDialled = 32

// parseNumber reads dialled digits by the rules of a country: its national and international prefixes, or a plus sign.
func parseNumber(digits, country string) (*phonenumbers.PhoneNumber, bool) {
	if len(digits) > maxDialled {
		return nil, false
	}
	n, err := phonenumbers.Parse(digits, country)
	if err != nil {
		return nil, false
	}
	return n, true
}

// e164 writes a number in its international form.
func e164(n *phonenumbers.PhoneNumber) directory.Number {
	return directory.Number(phonenumbers.Format(n, phonenumbers.E164))
}

// plain is the number that dialled digits are without any rule of a country: with a plus sign, and from a trunk without
// one too. It is empty for other digits.
func plain(digits string, caller directory.Caller) directory.Number {
	if digits[0] == '+' {
		return directory.Number(digits)
	}
	if caller.Trunk != nil {
		return directory.Number("+" + digits)
	}
	return ""
}

// parsed reads dialled digits as the caller's site dials.
func (p *planner) parsed(digits string) (*phonenumbers.PhoneNumber, bool) {
	if p.caller.Site == nil {
		return nil, false
	}
	return parseNumber(digits, p.caller.Site.Country)
}

// written gives a number as a country dials it: with its national or international prefix.
func written(number directory.Number, country string) string {
	n, ok := parseNumber(string(number), country)
	if !ok {
		return string(number)
	}
	own := int(n.GetCountryCode()) == phonenumbers.GetCountryCodeForRegion(country)
	if own && !phonenumbers.IsValidNumber(n) { // a range too new to have a format
		return phonenumbers.GetNddPrefixForRegion(country, true) + phonenumbers.GetNationalSignificantNumber(n)
	}
	text := phonenumbers.FormatOutOfCountryCallingNumber(n, country)
	if prefix, _, _ := strings.Cut(text, " "); !own && !isDigits(prefix) {
		return string(number) // several international prefixes, each of a carrier
	}
	return phonenumbers.NormalizeDigitsOnly(text)
}

// Called gives the called number as the trunk wants it.
func (r Route) Called(t *directory.Trunk) string {
	if r.Number == "" {
		return r.Digits
	}
	return Written(r.Number, t)
}

// Written gives a number as the trunk wants it, a caller's too. Numbers of other plans than E.164 stay as they are.
func Written(n directory.Number, t *directory.Trunk) string {
	if t.Presentation == directory.PresentNational && strings.HasPrefix(string(n), "+") {
		return written(n, t.Site.Country)
	}
	return string(n)
}

// CallerNumber is the number that a call of the user by the trunk shows: the line's own, or the site's where the trunk or
// the lack of a number says so. It is empty when there is neither.
func CallerNumber(u *directory.User, t *directory.Trunk) directory.Number {
	if t.CallerID != directory.CallerIDSite && u.Number != "" {
		return u.Number
	}
	return u.Site.PublicNumber()
}

// LineNumber is what a line shows of itself to another line of the enterprise: what the other must dial to call back. At the
// same site that is the extension, elsewhere the number, or the extension with its site's prefix.
func LineNumber(u, to *directory.User) string {
	switch {
	case u.Extension != "" && u.Site == to.Site:
		return u.Extension
	case u.Number != "":
		return string(u.Number)
	case u.Site.Prefix != "":
		return u.Site.Prefix + u.Extension
	}
	return u.Extension
}

// possible refuses a number that cannot be one, by its length or country code.
func possible(n *phonenumbers.PhoneNumber) (no refusal, why string) {
	switch phonenumbers.IsPossibleNumberWithReason(n) {
	case phonenumbers.IS_POSSIBLE:
		return refusal{}, ""
	case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
		return incomplete, "the area code is missing"
	case phonenumbers.TOO_SHORT:
		return incomplete, "the number is too short"
	case phonenumbers.TOO_LONG:
		return notFound, "the number is too long"
	case phonenumbers.INVALID_COUNTRY_CODE:
		return notFound, "there is no such country code"
	default:
		return notFound, "no number has that length"
	}
}
