package call

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"passerelle/directory"
)

// Class is what kind of call a number makes: what it may cost.
type Class uint8

// The classes.
const (
	ClassNone          Class = iota // no call, a feature
	ClassInternal                   // within the enterprise
	ClassNational                   // the site's country, and those that its national_countries name
	ClassInternational              // any other country, satellites and other networks without one
	ClassPremium                    // numbers with a surcharge in the site's country
	ClassPremiumAbroad              // the same in other countries
	ClassEmergency                  // help
)

var classNames = [...]string{
	ClassNone: "none", ClassInternal: "internal", ClassNational: "national", ClassInternational: "international",
	ClassPremium: "premium_rate", ClassPremiumAbroad: "international_premium_rate", ClassEmergency: "emergency",
}

// String names the class in logs, metrics and explanations.
func (c Class) String() string { return classNames[c] }

// External says whether calls of the class leave the enterprise and are subject to limits.
func (c Class) External() bool { return c >= ClassNational && c <= ClassPremiumAbroad }

// AllowedBy says whether a calling plan has calls of the class. Emergency calls are in every plan.
func (c Class) AllowedBy(p directory.CallingPlan) bool {
	switch c {
	case ClassInternal:
		return p.Internal
	case ClassNational:
		return p.National
	case ClassInternational:
		return p.International
	case ClassPremium:
		return p.PremiumRate
	case ClassPremiumAbroad:
		return p.PremiumRate && p.International
	default:
		return true
	}
}

// allowedAtNight says whether calls of the class may be made in night hours.
func (c Class) allowedAtNight(calls directory.NightCalls) bool {
	switch calls {
	case directory.NightInternal:
		return !c.External()
	case directory.NightNational:
		return !c.External() || c == ClassNational
	case directory.NightAll:
	}
	return true
}

// classify says what a call from the site to a number is. A number that the numbering plans do not know counts by its
// country: plans change more often than programs.
func classify(n *phonenumbers.PhoneNumber, site *directory.Site) Class {
	abroad := isAbroad(n, site)
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER:
		// Shared cost, personal and paging numbers are billed above the plain rate too, and are as good to a thief.
		if abroad {
			return ClassPremiumAbroad
		}
		return ClassPremium
	default:
	}
	switch n.GetCountryCode() {
	case 870, 881, 882, 883, 979, 888: // satellites, networks without a country, international premium rate
		return ClassPremiumAbroad
	}
	if abroad {
		return ClassInternational
	}
	return ClassNational
}

// isAbroad says whether a number belongs to no country that is national for the site. The countries of one country code,
// such as those of the North American plan, are told apart by region.
func isAbroad(n *phonenumbers.PhoneNumber, site *directory.Site) bool {
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "" || region == "ZZ" { // no known range: the country code must do
		return int(n.GetCountryCode()) != phonenumbers.GetCountryCodeForRegion(site.Country)
	}
	return region != site.Country && !slices.Contains(site.NationalCountries, region)
}

// classifyShort says what a call to a short number of the site's country is, and whether there is such a number. One whose
// cost is not known counts as premium rate, but for those of three digits: they are public services everywhere.
func classifyShort(digits string, site *directory.Site) (Class, bool) {
	if len(digits) > maxShort {
		return ClassNone, false
	}
	meta := shortNumbers(site.Country)
	switch {
	case meta == nil || !phonenumbers.MatchNationalNumber(digits, meta.GetShortCode(), false):
		return ClassNone, false
	case phonenumbers.MatchNationalNumber(digits, meta.GetPremiumRate(), false):
		return ClassPremium, true
	case phonenumbers.MatchNationalNumber(digits, meta.GetTollFree(), false),
		phonenumbers.MatchNationalNumber(digits, meta.GetStandardRate(), false),
		len(digits) <= publicService:
		return ClassNational, true
	}
	return ClassPremium, true
}

const (
	maxShort      = 8 // digits of the longest short numbers
	publicService = 3 // digits of the shortest, such as 811 or 101
)

// shortNumbers gives the short numbers of a country, nil where none are known. The collection is in memory since the
// program's start.
func shortNumbers(country string) *phonenumbers.PhoneMetadata {
	all, err := phonenumbers.ShortNumberMetadataCollection()
	if err != nil {
		return nil
	}
	for _, meta := range all.GetMetadata() {
		if strings.EqualFold(meta.GetId(), country) {
			return meta
		}
	}
	return nil
}
