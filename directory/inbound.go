package directory

// Inbound gives a number of the site that is nobody's own, such as the main number, to a line or to the gateway.
type Inbound struct {
	Number Number `yaml:"number" json:"number"`
	// To is an extension of the site, the number of a line anywhere in the enterprise, or InboundGateway.
	To string `yaml:"to" json:"to"`
}

// InboundGateway as a target is the site's gateway.
const InboundGateway = "gateway"

// inboundAt is an inbound number with its site.
type inboundAt struct {
	site *Site
	to   string
}

// InboundByNumber finds what a number is for that is nobody's own: a line, or, when user is nil, the gateway of the site.
func (d *Directory) InboundByNumber(n Number) (user *User, site *Site, ok bool) {
	in, ok := d.inbound[n]
	if !ok {
		return nil, nil, false
	}
	if in.to == InboundGateway {
		return nil, in.site, true
	}
	if user, ok = d.extensions[in.site][in.to]; !ok {
		user, ok = d.users[Number(in.to)]
	}
	return user, in.site, ok
}

// SiteByPrefixed finds the site whose prefix comes before the digits of one of its extensions. Whether anybody has the
// extension is not asked.
func (d *Directory) SiteByPrefixed(digits string) (site *Site, ext string, ok bool) {
	for i := 1; i < len(digits); i++ {
		s, known := d.prefixes[digits[:i]]
		if known && len(digits)-i == s.ExtensionLength {
			return s, digits[i:], true
		}
	}
	return nil, "", false
}
