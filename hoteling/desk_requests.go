package hoteling

import (
	"context"
	"time"

	"passerelle/directory"
)

// SignIn signs a guest in on a host at once, both by their Ref: an administrator asks, or the guest, who has proven who they
// are elsewhere. A guest who is there already gets the time they may stay anew. The error is a *Denial, or tells that the
// desk is closed.
func (d *Desk) SignIn(ctx context.Context, host, guest uint64, by Source) (Association, error) {
	return d.enter(ctx, by, host, func(dir *directory.Directory, _ *directory.User) (*directory.User, *Denial) {
		u, _ := dir.UserByRef(guest)
		return u, nil
	})
}

// SignInWithPIN signs the guest in on a host whose address (see find) and PIN somebody has typed. Failures count for guest
// and host as those of phones do.
func (d *Desk) SignInWithPIN(ctx context.Context, host uint64, address string, pin directory.Secret, by Source) (Association, error) {
	return d.enter(ctx, by, host, func(dir *directory.Directory, h *directory.User) (*directory.User, *Denial) {
		guest := find(dir, h, address)
		c := newChallenge(time.Now())
		return guest, d.proven(h, guest, func(right directory.Secret) bool {
			return c.answered(Proof{c.Nonce, Response(c.Nonce, pin)}, right) // the road that phones take, and its time
		})
	})
}

// enter decides about one sign-in on the desk's goroutine.
func (d *Desk) enter(ctx context.Context, by Source, host uint64, who func(*directory.Directory, *directory.User) (*directory.User, *Denial)) (Association, error) {
	var a Association
	var err error
	if closed := d.do(ctx, func() {
		dir := d.cfg.Directory.Current()
		h, _ := dir.UserByRef(host)
		guest, no := who(dir, h)
		if open := d.open(h, guest); open != nil {
			no = open
		} else if no == nil {
			no = mayEnter(h, guest)
		}
		if no == nil {
			a, err = d.seat(h, guest, by)
			no = asDenial(err)
		}
		if no != nil {
			d.refuse(host, guest, by, no)
			err = no
		}
	}); closed != nil {
		return Association{}, closed
	}
	return a, err
}

// SignOut frees a host, by its Ref, and says whether somebody was signed in there.
func (d *Desk) SignOut(ctx context.Context, host uint64, by Source) (bool, error) {
	var was bool
	var err error
	closed := d.do(ctx, func() {
		var a Association
		if a, was = d.seats.on(host); was {
			err = d.free(a, by)
		}
	})
	if closed != nil {
		return false, closed
	}
	return was, err
}

// SignOutGuest signs a guest out, by its Ref, wherever they are, and says whether they were anywhere.
func (d *Desk) SignOutGuest(ctx context.Context, guest uint64, by Source) (bool, error) {
	var was bool
	var err error
	closed := d.do(ctx, func() {
		var a Association
		if a, was = d.seats.of(guest); was {
			err = d.free(a, by)
		}
	})
	if closed != nil {
		return false, closed
	}
	return was, err
}

// open checks whether a host can take a guest now.
func (d *Desk) open(host, guest *directory.User) *Denial {
	switch {
	case host == nil || host.Phone == nil:
		return deny(HostUnknown)
	case !isHost(host):
		return deny(HostDisabled)
	case !onePhone(d.cfg.Registrations, host):
		return deny(HostElsewhere)
	}
	if a, taken := d.seats.on(host.Ref); taken && (guest == nil || a.Guest != guest.Ref) {
		return deny(HostTaken)
	}
	return nil
}

// proven judges a proof of who a guest is. Whoever is unknown, or has no PIN, takes the same time as everybody else.
func (d *Desk) proven(host, guest *directory.User, right func(pin directory.Secret) bool) *Denial {
	pin := directory.Secret("\x00") // nobody's
	if guest != nil && guest.PIN != "" {
		pin = guest.PIN
	}
	ok, now := right(pin), time.Now()
	if host == nil {
		return deny(HostUnknown)
	}
	switch {
	case d.hosts.locked(host.Ref, now), guest != nil && d.guests.locked(guest.Ref, now):
		return deny(Locked)
	case guest == nil:
		d.missed(host, nil, now)
		return deny(GuestUnknown)
	case guest.PIN == "":
		d.missed(host, nil, now)
		return deny(NoPIN)
	case !ok:
		d.missed(host, guest, now)
		return deny(WrongPIN)
	}
	d.guests.passed(guest.Ref)
	d.hosts.passed(host.Ref)
	return nil
}

// missed counts a failed proof.
func (d *Desk) missed(host, guest *directory.User, now time.Time) {
	if d.hosts.failed(host.Ref, now) {
		d.metrics.lockouts.WithLabelValues("host").Inc()
		d.log.Warn("hoteling locked on a host: too many failures", "host", host.Line(), "for", lockTime)
	}
	if guest != nil && d.guests.failed(guest.Ref, now) {
		d.metrics.lockouts.WithLabelValues("guest").Inc()
		d.log.Warn("hoteling locked for a guest: too many failures", "guest", guest.Line(), "for", lockTime)
	}
}

// refuse notes a refusal. What was typed for the guest is not told: it may be a PIN in the wrong place.
func (d *Desk) refuse(host uint64, guest *directory.User, by Source, no *Denial) {
	r := Refusal{At: time.Now(), Host: host, By: by, Cause: no.Cause}
	line := ""
	if guest != nil {
		r.Guest, line = guest.Ref, guest.Line()
	}
	d.refused.add(r)
	d.metrics.refused.WithLabelValues(string(no.Cause)).Inc()
	log := d.log
	if no.Err != nil {
		log = log.With("err", no.Err)
	}
	log.Info("guest refused", "host", d.lineOf(host), "guest", line, "by", by, "cause", no.Cause)
}
