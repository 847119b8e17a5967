package health

import (
	"net/url"
	"time"

	"passerelle/portal/sources"
	"passerelle/provision"
)

const (
	// staleFor is for how long the phones with an old profile are known; to find them is dear.
	staleFor = 30 * time.Second
	// staleGrace is how long a phone has to fetch a changed profile before it is told of.
	staleGrace = 5 * time.Minute
)

// phones tells of registered phones that have not fetched their profile as it is now.
func (c *Checker) phones() (all []Problem) {
	if c.cfg.Stale == nil || c.cfg.Registrations == nil {
		return nil
	}
	registered := map[string]time.Time{}
	for b := range c.cfg.Registrations.All() {
		if b.Reachable() {
			registered[b.Username] = b.Since
		}
	}
	dir := c.cfg.Directory.Current()
	count := map[string]int{}
	for _, s := range c.old() {
		if _, here := registered[s.Fetch.Username]; here {
			count[s.Device.User.Site.Domain]++
		}
	}
	for _, s := range dir.Sites() {
		if n := count[s.Domain]; n > 0 {
			p := Problem{Kind: PhonesOld, Severity: Warning, Site: s.Domain, Args: []any{s.Name, n}, Href: "/phones?site=" + url.QueryEscape(s.Domain)}
			p.identify()
			all = append(all, p)
		}
	}
	return all
}

// old are the phones with an old profile, as they were within the last half minute. A phone that fetched lately may be about
// to fetch again.
func (c *Checker) old() []provision.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.staleAt.IsZero() || now.Sub(c.staleAt) > staleFor {
		c.stale, c.staleAt = nil, now
		for _, s := range c.cfg.Stale() {
			if s.Fetch != nil && now.Sub(s.Fetch.At) > staleGrace {
				c.stale = append(c.stale, s)
			}
		}
	}
	return c.stale
}

// wrongs tells of phones whose credentials are refused.
func (c *Checker) wrongs() (all []Problem) {
	if c.cfg.Wrongs == nil {
		return nil
	}
	dir := c.cfg.Directory.Current()
	for _, w := range c.cfg.Wrongs() {
		d, ok := dir.DeviceByUsername(w.Username)
		if !ok {
			continue // a trunk's, or gone
		}
		u := d.User
		p := Problem{
			Kind: PhoneRefused, Severity: Warning, Site: u.Site.Domain, Args: []any{u.Name, w.Source.String(), w.Tries}, Since: w.First,
			Href: "/phones?q=" + url.QueryEscape(d.Username),
		}
		p.identify(w.Username, w.Source.String())
		all = append(all, p)
	}
	return all
}

// blocked tells of sources that are kept out; one that concerns sites is told to each.
func (c *Checker) blocked() (all []Problem) {
	if c.cfg.Blocked == nil {
		return nil
	}
	for _, b := range c.cfg.Blocked() {
		if b.Cause == sources.Banned {
			continue // as somebody wants it
		}
		p := Problem{Kind: SourceBlocked, Severity: Warning, Args: []any{b.Name()}, Cause: "blocked." + string(b.Cause), Since: b.Since, Href: "/health#blocked"}
		sites := b.Sites
		if len(sites) == 0 {
			sites = []string{""}
		}
		for _, s := range sites {
			p.Site = s
			p.identify(b.ID)
			all = append(all, p)
		}
	}
	return all
}

// guessed tells of sites whose space IDs are being guessed.
func (c *Checker) guessed() (all []Problem) {
	if c.cfg.Guessed == nil {
		return nil
	}
	for _, domain := range c.cfg.Guessed() {
		s, ok := c.cfg.Directory.Current().SiteByDomain(domain)
		if !ok {
			continue
		}
		p := Problem{Kind: IDsGuessed, Severity: Warning, Site: s.Domain, Args: []any{s.Name}}
		p.identify()
		all = append(all, p)
	}
	return all
}
