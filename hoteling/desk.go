package hoteling

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory"
)

// DeskConfig is what a desk stands on; Directory is required.
type DeskConfig struct {
	Directory *directory.Live
	Store     Store // nil forgets all when the desk ends
	// Registrations tells on how many phones a host's line is; nil leaves that out of account.
	Registrations Registrations
	Log           *slog.Logger
	Metrics       prometheus.Registerer
}

// Desk signs guests in and out. See the package comment.
type Desk struct {
	cfg     DeskConfig
	log     *slog.Logger
	metrics *metrics
	seats   seats
	refused refusals
	inbox   *inbox
	ended   chan struct{} // closed when Run has returned
	tell    []func(Change)

	// ---- owned by Run ----

	pending map[uint64]pending // by host
	guests  lockouts
	hosts   lockouts
	next    *time.Timer // the earliest deadline, or earlier
	nextAt  time.Time
}

// pending is a challenge that a host phone was sent.
type pending struct {
	Challenge
	dialog string // whose phone may answer
	guest  string // for whom it was asked, as the phone wrote it
}

// Change is what happened to one host.
type Change struct {
	Host  uint64
	Guest uint64 // who is signed in now; 0 is nobody
	Was   uint64 // who was before; 0 is nobody
	Cause Source
}

// NewDesk makes a desk where nobody is signed in. Load brings back who was.
func NewDesk(cfg DeskConfig) *Desk {
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	d := &Desk{cfg: cfg, log: cfg.Log, inbox: newInbox(), ended: make(chan struct{}), pending: make(map[uint64]pending)}
	d.metrics = newMetrics(cfg.Metrics, d)
	return d
}

// OnChange adds somebody who is told of every change, before Run. f is called on the desk's goroutine, in the order of the
// changes and after each is stored: it must not wait.
func (d *Desk) OnChange(f func(Change)) { d.tell = append(d.tell, f) }

// Load brings back who was signed in when the server ended, before Run. Those whose time is over, or who may no longer, are
// signed out.
func (d *Desk) Load(ctx context.Context) error {
	if d.cfg.Store == nil {
		return nil
	}
	list, err := d.cfg.Store.LoadAssociations(ctx)
	if err != nil {
		return fmt.Errorf("load the hoteling associations: %w", err)
	}
	dir, now := d.cfg.Directory.Current(), time.Now()
	var over []uint64
	for _, a := range list {
		switch no := d.stays(dir, a); {
		case no != nil:
			d.log.InfoContext(ctx, "guest signed out", "host", a.Host, "guest", a.Guest, "by", BySettings, "err", no)
			over = append(over, a.Host)
		case !a.Until.IsZero() && !a.Until.After(now):
			d.log.InfoContext(ctx, "guest signed out", "host", a.Host, "guest", a.Guest, "by", ByLimit)
			over = append(over, a.Host)
		default:
			if !a.Until.IsZero() {
				a.Until = now.Add(a.Until.Sub(now)) // by the clock that only goes forward from here on
			}
			d.seats.change(nil, []Association{a})
		}
	}
	if len(over) == 0 {
		return nil
	}
	if err := d.cfg.Store.ChangeAssociations(ctx, over, nil); err != nil {
		return fmt.Errorf("sign out whose time is over: %w", err)
	}
	return nil
}

// stays checks an association by the directory as it is now.
func (d *Desk) stays(dir *directory.Directory, a Association) *Denial {
	host, _ := dir.UserByRef(a.Host)
	guest, _ := dir.UserByRef(a.Guest)
	return mayStay(host, guest)
}

// Run owns the desk until ctx is done. Nobody is signed out by its end.
func (d *Desk) Run(ctx context.Context) error {
	defer close(d.ended)
	d.next = time.NewTimer(sweepEvery)
	defer d.next.Stop()
	d.rearm()
	for {
		select {
		case <-d.inbox.wake:
			for _, f := range d.inbox.take() {
				d.guarded(f)
			}
		case <-d.next.C:
			d.guarded(d.expire)
			d.rearm()
		case <-ctx.Done():
			d.inbox.close() // who waits sees the end
			return nil
		}
	}
}

// guarded does one piece of work; a panic ends that piece only.
func (d *Desk) guarded(f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.metrics.panics.Inc()
			d.log.Error("panic at the hoteling desk", "panic", fmt.Sprint(p))
		}
	}()
	f()
}

// do runs f on the desk's goroutine and waits for it. ErrClosed means that it was not done, or that it failed badly.
func (d *Desk) do(ctx context.Context, f func()) error {
	done := make(chan bool, 1)
	posted := d.inbox.post(func() {
		ok := false
		defer func() { done <- ok }()
		f()
		ok = true
	})
	if !posted {
		return ErrClosed
	}
	select {
	case ok := <-done:
		if !ok {
			return ErrClosed
		}
		return nil
	case <-d.ended:
		select {
		case ok := <-done: // it was the last that was done
			if ok {
				return nil
			}
		default:
		}
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// sweepEvery bounds how long lock-outs and challenges that no longer count take memory.
const sweepEvery = time.Hour

// rearm sets the timer to the earliest deadline of all.
func (d *Desk) rearm() {
	d.nextAt = time.Now().Add(sweepEvery)
	for _, a := range d.seats.all() {
		if !a.Until.IsZero() && a.Until.Before(d.nextAt) {
			d.nextAt = a.Until
		}
	}
	d.next.Reset(max(time.Until(d.nextAt), 0))
}

// arm sets the timer to a deadline if that is the earliest now.
func (d *Desk) arm(until time.Time) {
	if !until.IsZero() && until.Before(d.nextAt) {
		d.nextAt = until
		d.next.Reset(max(time.Until(until), 0))
	}
}

// expire ends the associations whose time is over, and forgets what no longer counts. Calls that are up go on: they belong
// to those who made them.
func (d *Desk) expire() {
	now := time.Now()
	for _, a := range d.seats.all() {
		if a.Until.IsZero() || a.Until.After(now) {
			continue
		}
		if err := d.free(a, ByLimit); err != nil {
			// The deadline is stored: whoever loads the association sees that it is over. In memory it ends now.
			d.log.Error("end of an association not stored", "host", a.Host, "err", err)
			d.seats.change([]uint64{a.Host}, nil)
			d.changed(Change{Host: a.Host, Was: a.Guest, Cause: ByLimit})
		}
	}
	d.guests.sweep(now)
	d.hosts.sweep(now)
	for host, p := range d.pending {
		if now.After(p.Deadline) {
			delete(d.pending, host)
		}
	}
}

// store makes a change last.
func (d *Desk) store(free []uint64, seat []Association) error {
	if d.cfg.Store == nil {
		return nil
	}
	return d.cfg.Store.ChangeAssociations(context.Background(), free, seat) // asked for is asked for, gone or not
}

// seat signs a guest in, in one transaction with the sign-out from where they were.
func (d *Desk) seat(host, guest *directory.User, by Source) (Association, error) {
	now := time.Now()
	a := Association{Host: host.Ref, Guest: guest.Ref, Since: now, Until: untilOf(guest, now), Source: by}
	former, moved := d.seats.of(guest.Ref)
	moved = moved && former.Host != a.Host
	var free []uint64
	if moved {
		free = []uint64{former.Host}
	}
	if err := d.store(free, []Association{a}); err != nil {
		return Association{}, &Denial{Cause: NotKept, Err: err}
	}
	d.seats.change(free, []Association{a})
	delete(d.pending, a.Host)
	d.arm(a.Until)
	d.metrics.signIns.WithLabelValues(string(by)).Inc()
	d.log.Info("guest signed in", "host", host.Line(), "guest", guest.Line(), "by", by, "until", a.Until)
	if moved {
		d.changed(Change{Host: former.Host, Was: guest.Ref, Cause: ByMove})
	}
	d.changed(Change{Host: a.Host, Guest: guest.Ref, Cause: by})
	return a, nil
}

// free signs a guest out.
func (d *Desk) free(a Association, by Source) error {
	if err := d.store([]uint64{a.Host}, nil); err != nil {
		return &Denial{Cause: NotKept, Err: err}
	}
	d.seats.change([]uint64{a.Host}, nil)
	d.changed(Change{Host: a.Host, Was: a.Guest, Cause: by})
	return nil
}

// changed tells of a change that is stored.
func (d *Desk) changed(c Change) {
	if c.Guest == 0 {
		d.metrics.signOuts.WithLabelValues(string(c.Cause)).Inc()
		d.log.Info("guest signed out", "host", d.lineOf(c.Host), "guest", d.lineOf(c.Was), "by", c.Cause)
	}
	for _, f := range d.tell {
		f(c)
	}
}

// lineOf names a user in the log.
func (d *Desk) lineOf(ref uint64) string {
	if u, ok := d.cfg.Directory.Current().UserByRef(ref); ok {
		return u.Line()
	}
	return fmt.Sprintf("user %d", ref)
}

// Reexamine signs out who may no longer be where they are: the directory has changed. It does not wait.
func (d *Desk) Reexamine() {
	d.inbox.post(func() {
		dir := d.cfg.Directory.Current()
		for _, a := range d.seats.all() {
			if no := d.stays(dir, a); no != nil {
				if err := d.free(a, BySettings); err != nil {
					d.log.Error("guest not signed out", "host", d.lineOf(a.Host), "cause", no.Cause, "err", err)
				}
			}
		}
	})
}

// All gives every association, the oldest first.
func (d *Desk) All() []Association {
	list := d.seats.all()
	slices.SortFunc(list, func(a, b Association) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Host, b.Host))
	})
	return list
}

// On gives the association on a host, by its Ref.
func (d *Desk) On(host uint64) (Association, bool) { return d.seats.on(host) }

// Of gives the association of a guest, by its Ref.
func (d *Desk) Of(guest uint64) (Association, bool) { return d.seats.of(guest) }

// EffectiveUser gives who uses a device: the guest who is signed in on it, or its owner.
func (d *Desk) EffectiveUser(dir *directory.Directory, dev *directory.Device) *directory.User {
	if dev.Primary {
		if a, taken := d.seats.on(dev.User.Ref); taken {
			if guest, ok := dir.UserByRef(a.Guest); ok {
				return guest
			}
		}
	}
	return dev.User
}

// HostOf gives the phone on which a user is signed in as a guest, nil for who is at home.
func (d *Desk) HostOf(dir *directory.Directory, u *directory.User) *directory.Device {
	a, away := d.seats.of(u.Ref)
	if !away {
		return nil
	}
	host, ok := dir.UserByRef(a.Host)
	if !ok {
		return nil
	}
	return host.Phone
}
