package health

import (
	"time"
)

const (
	certificateSoon = 30 * 24 * time.Hour // a warning
	certificateNow  = 7 * 24 * time.Hour

	mebibyte     = 1 << 20
	diskFull     = 200 * mebibyte // or a fiftieth of the whole, whichever is less
	diskFilling  = 2 << 30        // or a tenth, whichever is less
	writeSlow    = 250 * time.Millisecond
	writeTooSlow = 2 * time.Second
	portsScarce  = 90 // per cent
)

// certificates tells of those that end soon, or have.
func (c *Checker) certificates() (all []Problem) {
	if c.cfg.Certificates == nil {
		return nil
	}
	now := time.Now()
	for _, cert := range c.cfg.Certificates() {
		left := cert.Ends.Sub(now)
		p := Problem{Kind: CertificateEnds, Severity: Warning, Args: []any{cert.Name, int(left.Hours()) / 24}}
		switch {
		case left > certificateSoon:
			continue
		case left <= 0:
			p.Kind, p.Severity, p.Args, p.Since = CertificateEnded, Bad, []any{cert.Name}, cert.Ends
		case left <= certificateNow:
			p.Severity = Bad
		}
		p.identify(cert.Name)
		all = append(all, p)
	}
	return all
}

// disk tells when there is little room for the data.
func (c *Checker) disk() []Problem {
	if c.cfg.Disk == nil {
		return nil
	}
	d, err := c.cfg.Disk()
	if err != nil || d.Total == 0 {
		return nil // the system does not tell
	}
	p := Problem{Kind: DiskFilling, Severity: Warning, Args: []any{d.Free / mebibyte}}
	switch {
	case d.Free < min(diskFull, d.Total/50):
		p.Kind, p.Severity = DiskFull, Bad
	case d.Free >= min(diskFilling, d.Total/10):
		return nil
	}
	p.identify()
	return []Problem{p}
}

// writes tells when the disk is slow.
func (c *Checker) writes() []Problem {
	if c.cfg.Writes == nil {
		return nil
	}
	took := c.cfg.Writes()
	if took < writeSlow {
		return nil
	}
	p := Problem{Kind: DiskSlow, Severity: Warning, Args: []any{took.Milliseconds()}}
	if took >= writeTooSlow {
		p.Severity = Bad
	}
	p.identify()
	return []Problem{p}
}

// behind tells when registrations are not written.
func (c *Checker) behind() []Problem {
	if c.cfg.Behind == nil {
		return nil
	}
	b := c.cfg.Behind()
	if b == nil {
		return nil
	}
	p := Problem{Kind: StoreBehind, Severity: Bad, Since: b.Since}
	p.identify()
	return []Problem{p}
}

// reload tells when a changed certificate or setting was refused, so that the former is still in force.
func (c *Checker) reload() []Problem {
	if c.cfg.Reload == nil {
		return nil
	}
	at, fault := c.cfg.Reload()
	if at.IsZero() {
		return nil
	}
	p := Problem{Kind: ReloadRefused, Severity: Warning, Args: []any{fault}, Since: at}
	p.identify()
	return []Problem{p}
}

// ports tells when there are few media ports left.
func (c *Checker) ports() []Problem {
	if c.cfg.Ports == nil {
		return nil
	}
	used, all := c.cfg.Ports()
	if all == 0 || used*100 < all*portsScarce {
		return nil
	}
	p := Problem{Kind: PortsScarce, Severity: Warning, Args: []any{used, all}}
	if used >= all {
		p.Severity = Bad
	}
	p.identify()
	return []Problem{p}
}
