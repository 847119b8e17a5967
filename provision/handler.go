package provision

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	"passerelle/directory"
)

// Root is the path under which phones fetch.
const Root = "/p/"

// Handler serves phones under Root. Every refusal of a link looks the same. The paths are few and taken as they are: a mux
// would answer others with a redirect.
func (p *Phones) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		rest, ok := strings.CutPrefix(r.URL.Path, Root)
		token, file, cut := strings.Cut(rest, "/")
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		_, isReport := strings.CutPrefix(file+"/", "prt/")
		switch {
		case ok && !cut && read: // no link
			p.certified(w, r, rest)
		case !ok || !cut || token == "" || len(r.URL.Path) > maxPath:
			http.NotFound(w, r)
		case read && !isReport:
			p.profile(w, r, token, file)
		case isReport && (r.Method == http.MethodPost || r.Method == http.MethodPut):
			p.report(w, r, token)
		default:
			http.NotFound(w, r)
		}
	})
}

// maxPath is beyond every path that a phone is given.
const maxPath = 256

// The names that phones fetch their profile by: of the phone, or of its model.
var (
	phoneFile = regexp.MustCompile(`^(?i:(?:SEP)?([0-9a-f]{12})(?:\.(?:xml|cfg))?)$`)
	modelFile = regexp.MustCompile(`^(?i:(?:CP-)?[0-9]{4}[A-Z]?(?:-3PCC)?\.(?:xml|cfg))$`)
	agentMAC  = regexp.MustCompile(`\(([0-9a-fA-F]{12})\)`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9.:\[\]-]{1,260}$`)
)

// profile gives a phone its profile by a link.
func (p *Phones) profile(w http.ResponseWriter, r *http.Request, token, file string) {
	if opened, ok := p.opens(token); ok {
		p.give(w, r, opened, file)
		return
	}
	http.NotFound(w, r)
}

// give gives a phone its profile if what it asks for is its own.
func (p *Phones) give(w http.ResponseWriter, r *http.Request, opened access, file string) {
	m := phoneFile.FindStringSubmatch(file)
	if file != "" && m == nil && !modelFile.MatchString(file) || !hostName.MatchString(r.Host) {
		http.NotFound(w, r)
		return
	}
	named := func(mac string) bool { return strings.EqualFold(mac, bare(opened.mac)) }
	if m != nil && !named(m[1]) {
		p.refuse(w, r, opened.mac, errOtherMAC)
		return
	}
	if m := agentMAC.FindStringSubmatch(r.UserAgent()); m != nil && !named(m[1]) {
		p.refuse(w, r, opened.mac, errOtherMAC)
		return
	}
	dir := p.cfg.Directory.Current()
	d, ok := dir.DeviceByMAC(opened.mac)
	if !ok {
		p.refuse(w, r, opened.mac, errGone)
		return
	}
	secure := p.cfg.Secure(r)
	if !secure && !d.User.Site.Phones.PlainHTTP {
		p.refuse(w, r, opened.mac, errNotTLS)
		return
	}
	if r.Method == http.MethodHead { // says that there is a profile, and uses up nothing
		w.Header().Set("Content-Type", contentType)
		return
	}
	record, err := p.fetched(r.Context(), opened, dir, d, Fetch{
		At: time.Now().UTC(), File: file, Agent: clip(r.UserAgent()), Source: r.RemoteAddr, TLS: secure, Username: d.Username, Password: d.Password,
	})
	if err != nil {
		p.refuse(w, r, opened.mac, err)
		return
	}
	if p.cfg.Fetched != nil {
		p.cfg.Fetched(d, *record.Fetch)
	}
	p.log.InfoContext(r.Context(), "phone fetched its profile", "mac", d.MAC, "line", d.User, "tls", secure, "certified", opened.certified, "remote", r.RemoteAddr)
	w.Header().Set("Content-Type", contentType)
	base := d.User.Site.Phones.URL
	if base == "" {
		base = scheme(secure) + r.Host
	}
	_, _ = w.Write(p.renderer(dir).profile(d, base+Root+record.Token.Reveal()+"/")) // fails only when the phone has gone
}

const contentType = "application/xml; charset=utf-8"

// opens finds what a link's secret part opens.
func (p *Phones) opens(token string) (access, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.byToken[sha256.Sum256([]byte(token))]
	return a, ok
}

// fetched keeps that the phone has got its profile. The phone's own link is made at the first time; the link that works
// once ends when the phone uses its own.
func (p *Phones) fetched(ctx context.Context, by access, dir *directory.Directory, d *directory.Device, f Fetch) (Record, error) {
	r, err := p.edit(ctx, d.MAC, func(r *Record) error {
		switch {
		case by.certified && r.Barred:
			return errBarred
		case by.certified:
			r.Token = cmp.Or(r.Token, directory.Secret(rand.Text()))
			r.Setup = usedUp(r.Setup)
		case by.own && r.Token == "", !by.own && r.Setup == nil:
			return errNoAccess // revoked meanwhile
		case by.own:
			r.Setup = usedUp(r.Setup)
		case f.At.After(r.Setup.Until):
			return errExpired
		case r.Setup.Used.IsZero():
			r.Setup.Used = f.At
			r.Token = directory.Secret(rand.Text()) // a link that another had before ends
		case f.At.Sub(r.Setup.Used) > setupGrace:
			return errSpent
		}
		f.Digest = digest(p.renderer(dir), d, r.Token)
		r.Fetch = &f
		return nil
	})
	if err == nil {
		p.mu.Lock()
		delete(p.refused, d.MAC)
		delete(p.asked, d.MAC)
		p.mu.Unlock()
	}
	return r, err
}

// usedUp ends a link that was used; one made since waits.
func usedUp(s *Setup) *Setup {
	if s == nil || !s.Used.IsZero() {
		return nil
	}
	return s
}

// refuse notes why a phone gets nothing and answers. Only a phone that has the link learns that it must use TLS.
func (p *Phones) refuse(w http.ResponseWriter, r *http.Request, mac directory.MAC, cause error) {
	p.log.WarnContext(r.Context(), "phone refused", "mac", mac, "err", cause, "remote", r.RemoteAddr)
	p.mu.Lock()
	p.refused[mac] = Refusal{At: time.Now().UTC(), Cause: causeOf(cause), Text: cause.Error()}
	p.mu.Unlock()
	switch {
	case errors.Is(cause, errNotTLS):
		http.Error(w, "use https", http.StatusForbidden)
	case errors.Is(cause, errNoAccess), errors.Is(cause, errSpent), errors.Is(cause, errExpired), errors.Is(cause, errOtherMAC), errors.Is(cause, errGone), errors.Is(cause, errBarred):
		http.NotFound(w, r)
	default:
		w.Header().Set("Retry-After", "60")
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}
}

func scheme(secure bool) string {
	if secure {
		return "https://"
	}
	return "http://"
}

// bare is a MAC address without colons.
func bare(mac directory.MAC) string { return strings.ReplaceAll(string(mac), ":", "") }

// clip bounds a text of a phone that is kept.
func clip(s string) string {
	if len(s) > 200 {
		s = s[:200]
	}
	return printable(strings.ToValidUTF8(s, ""))
}

// newName is a part of a file's name that nobody guesses.
func newName() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
