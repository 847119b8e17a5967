package provision

import (
	"crypto/x509"
	"net/http"
	"regexp"
	"strings"

	"passerelle/directory"
)

// certified gives a phone its profile that proves itself by a certificate. The listener has checked it against the
// authorities of phones (tls.Config.ClientCAs); what it says of the phone is its MAC address.
func (p *Phones) certified(w http.ResponseWriter, r *http.Request, file string) {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.VerifiedChains[0]) == 0 || len(r.URL.Path) > maxPath {
		http.NotFound(w, r)
		return
	}
	mac, ok := p.subject(r.TLS.VerifiedChains[0][0])
	if !ok || file == "" {
		http.NotFound(w, r)
		return
	}
	p.give(w, r, access{mac: mac, certified: true}, file)
}

var macDigits = regexp.MustCompile(`\b[0-9a-fA-F]{12}\b`)

// subject is the phone of the directory that a certificate names, in whatever field. One that names two names none.
func (p *Phones) subject(c *x509.Certificate) (mac directory.MAC, ok bool) {
	dir := p.cfg.Directory.Current()
	for _, digits := range macDigits.FindAllString(strings.ReplaceAll(c.Subject.String(), "_", " "), -1) {
		var m directory.MAC
		if m.UnmarshalText([]byte(digits)) != nil || m == mac {
			continue
		}
		if _, known := dir.DeviceByMAC(m); !known {
			continue
		}
		if ok {
			return "", false
		}
		mac, ok = m, true
	}
	return mac, ok
}
