package health

import (
	"iter"
	"net/url"
	"sync"
	"time"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/portal/sources"
	"passerelle/provision"
	"passerelle/sip"
)

// Certificate is one that the server proves itself by.
type Certificate struct {
	Name string // first name that it is for
	Ends time.Time
}

// Disk is where the data is.
type Disk struct {
	Free, Total uint64 // bytes
}

// Config is what a Checker looks at. Directory is required; what is nil is not looked at.
type Config struct {
	Directory *directory.Live
	// Trunks gives the state of every trunk.
	Trunks func() []trunks.State
	// Certificates gives those in force.
	Certificates func() []Certificate
	// Disk looks at the data's file system.
	Disk func() (Disk, error)
	// Writes gives how long the latest writes to the disk took, in the middle; zero when there was none lately.
	Writes func() time.Duration
	// Behind says since when registrations are not written; nil: they are.
	Behind func() *sip.Behind
	// Reload says when the last reload was refused, and its first fault; a zero time: it was not.
	Reload func() (at time.Time, fault string)
	// Ports gives the pairs of media ports in use and all there are.
	Ports func() (used, all int)
	// Phones gives the phones that configure themselves, Stale those that have not their profile as it is now.
	Stale func() []provision.State
	// Wrongs gives the phones whose credentials are refused.
	Wrongs func() []sip.Wrong
	// Blocked gives the sources that are kept out.
	Blocked func() []sources.Blocked
	// Guessed gives the SIP domains of the sites whose space IDs are being guessed.
	Guessed func() []string
	// Registrations tells which phones are there.
	Registrations interface{ All() iter.Seq[sip.Binding] }
}

// Checker is safe for concurrent use.
type Checker struct {
	cfg Config

	mu      sync.Mutex // guards stale
	stale   []provision.State
	staleAt time.Time
}

// New does no work yet.
func New(cfg Config) *Checker { return &Checker{cfg: cfg} }

// Problems gives what is wrong now, what must be done first. Visible makes of it what somebody sees.
func (c *Checker) Problems() []Problem {
	var all []Problem
	for _, look := range []func() []Problem{
		c.numbers, c.trunks, c.certificates, c.disk, c.writes, c.behind, c.reload, c.ports, c.phones, c.wrongs, c.blocked, c.guessed,
	} {
		all = append(all, look()...)
	}
	order(all)
	return all
}

func (c *Checker) numbers() (all []Problem) {
	dir := c.cfg.Directory.Current()
	spaces := map[*directory.Site]bool{}
	for _, sp := range dir.Spaces() {
		spaces[sp.Site] = true
	}
	for _, s := range dir.Sites() {
		if s.Gateway.Number == "" && spaces[s] {
			p := Problem{Kind: NoGatewayNumber, Severity: Bad, Site: s.Domain, Args: []any{s.Name}, Href: "/services/gateway?site=" + url.QueryEscape(s.Domain)}
			p.identify()
			all = append(all, p)
		}
	}
	return all
}

func (c *Checker) trunks() (all []Problem) {
	if c.cfg.Trunks == nil {
		return nil
	}
	for _, t := range c.cfg.Trunks() {
		p := Problem{Kind: TrunkDown, Severity: Bad, Site: t.Trunk.Site.Domain, Args: []any{t.Trunk.Site.Name, t.Trunk.Name}, Href: "/trunks?sort=state"}
		switch r := t.Registration; {
		case t.Condition == trunks.Down:
			p.Cause, p.Since = causeKey(t.Cause), t.Since
		case r != nil && !r.Registered && !r.Since.IsZero():
			p.Kind, p.Cause, p.Since = TrunkRegistering, causeKey(r.Cause), r.Since
		default:
			continue
		}
		p.identify(t.Trunk.Name)
		all = append(all, p)
	}
	return all
}

// causeKey is the key of the text of why a trunk is down.
func causeKey(c trunks.Cause) string {
	if c == "" {
		return ""
	}
	return "trunks.why." + string(c)
}
