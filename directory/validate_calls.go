package directory

import (
	"fmt"
	"slices"
	"strings"
)

// calls checks the settings of a site that say where calls go.
func (v *validator) calls(s *Site, path string, p place) {
	p.within("ring_seconds", s.RingSeconds, 5, 600)
	p.within("park_seconds", s.ParkSeconds, 10, 3600)
	if m := s.HoldMusic; m != "" && m != HoldSilence && !isRecording(m) {
		p.fault("hold_music", "%q is neither none nor the name of a recording, such as reception.wav", m)
	}
	if n := s.CallerNumber; n != "" && !slices.Contains(s.Numbers, n) {
		p.fault("caller_number", "%s is not one of the site's numbers", n)
	}
	for i, c := range s.NationalCountries {
		if !isCountry(c) {
			p.fault(fmt.Sprintf("national_countries[%d]", i), "%q is not a country code of two capital letters (ISO 3166)", c)
		}
	}
	v.prefix(s, p)
	v.night(s, path)
	v.features(s, path)
	for i := range s.Inbound {
		v.inbound(s, &s.Inbound[i], fmt.Sprintf("%s.inbound[%d]", path, i))
	}
}

// HoldSilence as the hold music of a site is none.
const HoldSilence = "none"

// isRecording says whether a name can be that of a recording: a file name and no path.
func isRecording(name string) bool {
	base, ok := strings.CutSuffix(name, ".wav")
	if !ok || base == "" || base[0] == '.' || len(name) > maxName {
		return false
	}
	return strings.IndexFunc(base, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}) < 0
}

// maxPrefix bounds a site's prefix.
const maxPrefix = 8

// prefix checks the digits before extensions of this site: nothing else that can be dialled may look like both together.
func (v *validator) prefix(s *Site, p place) {
	if s.Prefix == "" {
		return
	}
	if !isDigits(s.Prefix) || len(s.Prefix) > maxPrefix {
		p.fault("prefix", "%q is not a prefix of 1 to %d digits", s.Prefix, maxPrefix)
		return
	}
	p.unique("prefix", "prefix", s.Prefix)
	for _, other := range v.sites {
		if other != s && len(other.Prefix) > len(s.Prefix) && strings.HasPrefix(other.Prefix, s.Prefix) {
			p.fault("prefix", "%q is the beginning of %q, the prefix of site %s", s.Prefix, other.Prefix, other.Name)
			break
		}
	}
	if n, other := v.mistaken(s, false, (*Site).EmergencyNumbers); other != nil {
		p.fault("prefix", "%q and an extension could be %s, an emergency number of site %s", s.Prefix, n, other.Name)
	}
	if ext, other := v.mistaken(s, true, (*Site).extensions); other != nil {
		p.fault("prefix", "%q and an extension could be %s, an extension of site %s", s.Prefix, ext, other.Name)
	}
}

// mistaken finds the first of what can be dialled at the sites, perhaps only the others, that looks like the prefix of s
// with an extension of s.
func (v *validator) mistaken(s *Site, others bool, dialled func(*Site) []string) (string, *Site) {
	for _, at := range v.sites {
		if others && at == s {
			continue
		}
		for _, digits := range dialled(at) {
			if strings.HasPrefix(digits, s.Prefix) && len(digits) == len(s.Prefix)+s.ExtensionLength {
				return digits, at
			}
		}
	}
	return "", nil
}

// extensions gives all extensions of the site.
func (s *Site) extensions() []string {
	all := []string{s.Gateway.Extension}
	for u := range s.Everyone() {
		all = append(all, u.Extension)
	}
	return all
}

// night checks the site's night hours.
func (v *validator) night(s *Site, path string) {
	n := &s.Night
	p := v.at(n, joinPath(path, "night"))
	for _, c := range []struct {
		field string
		at    Clock
	}{{"from", n.From}, {"to", n.To}} {
		if c.at == "" {
			continue
		}
		if _, err := ParseClock(string(c.at)); err != nil {
			p.fault(c.field, "%v", err)
		}
	}
	switch {
	case n.From == "" && n.To != "":
		p.fault("from", "is missing")
	case n.From != "" && n.To == "":
		p.fault("to", "is missing")
	case n.From != "" && n.From == n.To:
		p.fault("to", "is the same as from")
	}
	switch n.Calls {
	case NightInternal, NightNational, NightAll:
	default:
		p.fault("calls", "%q is not one of internal, national, all", n.Calls)
	}
}

// features checks the site's codes: whoever dials one must not dial the beginning of another.
func (v *validator) features(s *Site, path string) {
	p := v.at(&s.FeatureCodes, joinPath(path, "feature_codes"))
	var sound []FeatureCode
	for _, c := range s.FeatureCodes.All() {
		if c.Code == "" || c.Code == FeatureOff { // empty means the default, which New fills in
			continue
		}
		if !isFeatureCode(c.Code) {
			p.fault(string(c.Feature), "%q is not a code: one or two of * and #, then 1 to 4 digits", c.Code)
			continue
		}
		for _, other := range sound {
			switch {
			case other.Code == c.Code:
				p.fault(string(c.Feature), "%q is the code of %s", c.Code, other.Feature)
			case strings.HasPrefix(c.Code, other.Code):
				p.fault(string(c.Feature), "%q begins with %q, the code of %s", c.Code, other.Code, other.Feature)
			case strings.HasPrefix(other.Code, c.Code):
				p.fault(string(c.Feature), "%q is the beginning of %q, the code of %s", c.Code, other.Code, other.Feature)
			}
		}
		sound = append(sound, c)
	}
}

func isFeatureCode(code string) bool {
	digits := strings.TrimLeft(code, "*#")
	signs := len(code) - len(digits)
	return signs >= 1 && signs <= 2 && isDigits(digits) && len(digits) <= 4
}

// inbound checks one inbound number of a site.
func (v *validator) inbound(s *Site, in *Inbound, path string) {
	p := v.at(in, path)
	if p.need("number", string(in.Number)) {
		switch {
		case !slices.Contains(s.Numbers, in.Number):
			p.fault("number", "%s is not one of the site's numbers", in.Number)
		case in.Number == s.Gateway.Number:
			p.fault("number", "%s is the number of the site's gateway", in.Number)
		case v.lines[in.Number] != nil:
			p.fault("number", "%s is the number of %s", in.Number, v.lines[in.Number].Name)
		default:
			p.unique("number", "inbound number", string(in.Number))
		}
	}
	if p.need("to", in.To) && in.To != InboundGateway && v.lines[Number(in.To)] == nil && !v.extensionOf(s, in.To) {
		p.fault("to", "%q is neither an extension of the site, nor the number of a line, nor %s", in.To, InboundGateway)
	}
}

// extensionOf says whether a line of the site has that extension.
func (v *validator) extensionOf(s *Site, ext string) bool {
	if v.extensions[s] == nil {
		v.extensions[s] = make(map[string]bool)
		for u := range s.Everyone() {
			v.extensions[s][u.Extension] = true
		}
	}
	return ext != "" && v.extensions[s][ext]
}

// forwards checks where the calls to a line are sent.
func (v *validator) forwards(s *Site, u *User, path string) {
	f := &u.Forwards
	p := v.at(f, joinPath(path, "forwards"))
	v.forward(s, u, p, "always", f.Always)
	v.forward(s, u, p, "busy", f.Busy)
	v.forward(s, u, p, "not_reachable", f.NotReachable)
	na := v.at(&f.NoAnswer, joinPath(path, "forwards.no_answer"))
	v.forward(s, u, na, "target", f.NoAnswer.Target)
	if f.NoAnswer.Seconds != 0 {
		na.within("seconds", f.NoAnswer.Seconds, minNoAnswerSeconds, maxNoAnswerSeconds)
		if f.NoAnswer.Target == "" {
			na.fault("target", "is missing")
		}
	}
}

func (v *validator) forward(s *Site, u *User, p place, field, target string) {
	switch {
	case target == "":
	case target == ForwardVoicemail:
		if u.Voicemail == "" {
			p.fault(field, "is %s, but the line has no voicemail", ForwardVoicemail)
		}
	case s.IsEmergency(target):
		p.fault(field, "%q is an emergency number", target)
	case target == string(u.Number) || target == u.Extension:
		p.fault(field, "%q is the line itself", target)
	case !isDialable(target) && !isNumberOrURI(target):
		p.fault(field, "%q is neither a number, nor %s, nor a sip, sips or tel URI", target, ForwardVoicemail)
	}
}
