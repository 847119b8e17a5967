package directory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// The longest texts that phones and pages show whole.
const (
	maxName = 80
	maxText = 255
)

// site checks one site and everybody in it.
func (v *validator) site(s *Site, path string) {
	p := v.at(s, path)
	if p.need("name", s.Name) {
		p.length("name", s.Name, maxName)
		p.unique("name", "site name", s.Name)
	}
	switch {
	case !p.need("domain", s.Domain):
	case !isDomain(s.Domain):
		p.fault("domain", "%q is not a domain name", s.Domain)
	default:
		p.unique("domain", "domain", strings.ToLower(s.Domain))
	}
	if s.Language != French && s.Language != English {
		p.fault("language", "%q is not one of fr, en", s.Language)
	}
	if p.need("country", s.Country) && !isCountry(s.Country) {
		p.fault("country", "%q is not a country code of two capital letters (ISO 3166)", s.Country)
	}
	if p.need("timezone", s.Timezone) {
		if _, err := time.LoadLocation(s.Timezone); err != nil || s.Timezone == "Local" {
			p.fault("timezone", "%q is not a time zone such as Europe/Paris", s.Timezone)
		}
	}
	p.within("extension_length", s.ExtensionLength, 2, 10)
	p.within("space_id_length", s.SpaceIDLength, MinSpaceIDLength, MaxSpaceIDLength)
	p.within("wrong_ids_per_hour", s.WrongIDsPerHour, 1, 100_000)
	v.at(&s.Hoteling, joinPath(path, "hoteling")).within("max_guest_hours", s.Hoteling.MaxGuestHours, 1, MaxGuestHours)
	v.numbers(s, p)
	v.emergency(s, p)
	v.phones(&s.Phones, joinPath(path, "phones"))
	v.gateway(s, path)
	v.calls(s, path, p)
	eachUser(s, path, func(u *User, path string) { v.user(s, u, path) })
	for i, t := range s.Trunks {
		v.trunk(t, fmt.Sprintf("%s.trunks[%d]", path, i))
	}
}

// numbers checks the site's pool of numbers.
func (v *validator) numbers(s *Site, p place) {
	for i, n := range s.Numbers {
		field := fmt.Sprintf("numbers[%d]", i)
		if _, err := ParseNumber(string(n)); err != nil {
			p.fault(field, "%v", err)
			continue
		}
		p.unique(field, "site number", string(n))
	}
}

// emergency checks the site's own list, if it has one.
func (v *validator) emergency(s *Site, p place) {
	if s.Emergency != nil && len(s.Emergency) == 0 {
		p.fault("emergency", "is empty: nobody could call for help; leave it out for the country's list")
	}
	for i, n := range s.Emergency {
		digits := strings.TrimPrefix(n, "+")
		if !isDigits(digits) || len(digits) < 2 || len(digits) > 15 {
			p.fault(fmt.Sprintf("emergency[%d]", i), "%q is not a number of 2 to 15 digits", n)
		}
	}
}

// gateway checks the site's way into its spaces.
func (v *validator) gateway(s *Site, path string) {
	p := v.at(&s.Gateway, joinPath(path, "gateway"))
	if n := s.Gateway.Number; n != "" {
		if !slices.Contains(s.Numbers, n) {
			p.fault("number", "%s is not one of the site's numbers", n)
		} else {
			p.unique("number", "number", string(n))
		}
	}
	v.extension(s, p, s.Gateway.Extension)
}

// extension checks the extension of a user or of the gateway.
func (v *validator) extension(s *Site, p place, ext string) {
	switch {
	case ext == "":
	case !isDigits(ext):
		p.fault("extension", "%q is not an extension: only digits are allowed", ext)
	case len(ext) != s.ExtensionLength:
		p.fault("extension", "%q does not have the %d digits of the site's extension_length", ext, s.ExtensionLength)
	case s.IsEmergency(ext):
		p.fault("extension", "%q is an emergency number of the site", ext)
	default:
		p.uniqueIn(s, "extension", "extension", ext)
	}
}

// isCountry says whether code is one of ISO 3166's countries.
func isCountry(code string) bool {
	if len(code) != 2 || strings.ToUpper(code) != code {
		return false
	}
	r, err := language.ParseRegion(code)
	return err == nil && r.IsCountry() && r.Canonicalize().String() == code
}
