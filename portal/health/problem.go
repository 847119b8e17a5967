package health

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"passerelle/portal/i18n"
)

// Severity tells what must be done from what should.
type Severity string

// The severities.
const (
	Bad     Severity = "bad"     // something does not work
	Warning Severity = "warning" // something will not work for long, or not as well as it should
)

// Kind names a sort of problem; health.KIND is its text, health.KIND.do says what to do.
type Kind string

// The kinds.
const (
	NoGatewayNumber  Kind = "no_number"          // spaces that nobody can call: site
	TrunkDown        Kind = "trunk_down"         // site, trunk
	TrunkRegistering Kind = "trunk_unregistered" // site, trunk
	CertificateEnds  Kind = "certificate_ends"   // name, days
	CertificateEnded Kind = "certificate_ended"  // name
	DiskFull         Kind = "disk_full"          // free MiB
	DiskFilling      Kind = "disk_filling"       // free MiB
	DiskSlow         Kind = "disk_slow"          // milliseconds of a write
	StoreBehind      Kind = "store_behind"
	ReloadRefused    Kind = "reload_refused" // first fault
	PortsScarce      Kind = "ports_scarce"   // in use, all
	PhonesOld        Kind = "phones_old"     // site, phones
	PhoneRefused     Kind = "phone_refused"  // name, source
	SourceBlocked    Kind = "source_blocked" // source or account
	IDsGuessed       Kind = "ids_guessed"    // site
	More             Kind = "more"           // how many
)

// Problem is something that is wrong now.
type Problem struct {
	ID       string
	Kind     Kind
	Severity Severity
	// Site is the SIP domain of the site that it concerns; empty when it is the server's.
	Site string
	// Args are those of the texts.
	Args []any
	// Cause is the key of a text that says more; empty for none.
	Cause string
	// Since is when it began; zero when that is not known.
	Since time.Time
	// Href is the page where it is put right; empty when it is none's.
	Href string
}

// Text says what is wrong.
func (p Problem) Text(speak *i18n.Printer) string {
	text := speak.T("health."+string(p.Kind), p.Args...)
	if p.Cause != "" && speak.Has(p.Cause) {
		text += " – " + speak.T(p.Cause)
	}
	return text
}

// Do says what to do.
func (p Problem) Do(speak *i18n.Printer) string {
	return speak.T("health."+string(p.Kind)+".do", p.Args...)
}

// identify gives the problem its ID, by what it is about.
func (p *Problem) identify(about ...string) {
	sum := sha256.Sum256([]byte(string(p.Kind) + "\x00" + p.Site + "\x00" + strings.Join(about, "\x00")))
	p.ID = hex.EncodeToString(sum[:6])
}

// maxOfKind is how many problems of a kind are told one by one.
const maxOfKind = 20

// Visible are those of the problems that somebody sees who sees certain sites: theirs. all is for who administers the
// enterprise. Where there are very many of a kind the last of them are summed up.
func Visible(problems []Problem, all bool, sees func(domain string) bool) []Problem {
	var seen []Problem
	left := map[Kind]*Problem{}
	count := map[Kind]int{}
	for _, p := range problems {
		if !all && (p.Site == "" || !sees(p.Site)) {
			continue
		}
		if count[p.Kind]++; count[p.Kind] <= maxOfKind {
			seen = append(seen, p)
			continue
		}
		if left[p.Kind] == nil {
			rest := Problem{Kind: More, Severity: p.Severity, Href: p.Href}
			rest.identify(string(p.Kind))
			left[p.Kind] = &rest
		}
	}
	for i := 0; i < len(seen); i++ {
		rest := left[seen[i].Kind]
		if last := i+1 == len(seen) || seen[i+1].Kind != seen[i].Kind; rest != nil && last {
			rest.Args = []any{count[seen[i].Kind] - maxOfKind}
			left[seen[i].Kind] = nil
			seen = slices.Insert(seen, i+1, *rest)
		}
	}
	return seen
}

// order puts what must be done first, then what is of one kind together, then the latest.
func order(all []Problem) {
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Site, b.Site), b.Since.Compare(a.Since))
	})
}
