package call

import (
	"slices"
	"sync"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// Hotel tells whose a phone is while guests are signed in on the phones of others; hoteling.Desk satisfies it. It never waits.
type Hotel interface {
	// EffectiveUser gives who uses a device: a guest, or its owner.
	EffectiveUser(dir *directory.Directory, dev *directory.Device) *directory.User
	// HostOf gives the phone on which a user is signed in as a guest, nil for who is at home.
	HostOf(dir *directory.Directory, u *directory.User) *directory.Device
}

// Hotel sets who knows where guests are, before the first leg.
func (r *Root) Hotel(h Hotel) { r.hotel = h }

// home is a Hotel without guests.
type home struct{}

func (home) EffectiveUser(_ *directory.Directory, dev *directory.Device) *directory.User {
	return dev.User
}
func (home) HostOf(*directory.Directory, *directory.User) *directory.Device { return nil }

// callerOf says who calls: identify, and on a host phone its guest. A call on a further line of a phone is that line's, as
// its owner's, whoever is signed in: guests have the first line only. Which of its lines a phone calls on is in its From; it
// has proven all of them.
func (r *Root) callerOf(dir *directory.Directory, in *sip.Invite) (directory.Caller, error) {
	c, err := identify(dir, in)
	if err != nil || c.Device == nil {
		return c, err
	}
	u := furtherLine(dir, c.Device, in.From.URI)
	if u == nil {
		u = r.hotel.EffectiveUser(dir, c.Device)
	}
	if u != c.User {
		c.User, c.Site, c.Number, c.Language = u, u.Site, u.Line(), u.Site.Language
	}
	return c, nil
}

// furtherLine is the owner of the further line that a phone calls on, nil when it calls on its first.
func furtherLine(dir *directory.Directory, dev *directory.Device, from sip.URI) *directory.User {
	if len(dev.Lines) == 0 {
		return nil
	}
	u, ok := dir.UserByURI(from.User, from.Host)
	if !ok || u == dev.User {
		return nil
	}
	for _, l := range dev.Lines {
		if l.Number == u.Number && u.Number != "" {
			return u
		}
	}
	return nil
}

// away says whether a phone calls whose user is signed in on another one. It calls for help, and ends that by the code, and
// that is all: its user's calls are made where its user is.
func (r *Root) away(dir *directory.Directory, c directory.Caller, route Route) bool {
	return c.Device != nil && c.Device.Primary && c.Device.User == c.User && r.hotel.HostOf(dir, c.User) != nil &&
		route.Kind != ToEmergency && route.Reason != noHelp.reason && (route.Kind != ToFeature || route.Feature != directory.FeatureHoteling)
}

// refusedAway is the route of a call from such a phone.
var refusedAway = Route{
	Kind: Refused, Status: 403, Reason: "Signed In Elsewhere", Spoken: SpokenAway, Why: "the phone's user is signed in on another one",
}

// ringing are the registrations of the phones that ring for a line, for a call from outside or not. Its own desk phone does
// not ring while it is a guest's, or while its user is signed in elsewhere, but the phone where the user is does. What help
// calls back rings the phone that called for help, whoever uses it.
func (r *Root) ringing(dir *directory.Directory, u *directory.User, outside bool) []sip.Binding {
	all := r.phones.Bindings(lineAOR(u))
	host := r.hotel.HostOf(dir, u)
	if own := u.Phone; own != nil && (host != nil || r.hotel.EffectiveUser(dir, own).Ref != u.Ref) && (!outside || !r.helped.lately(own.Username)) {
		all = slices.DeleteFunc(slices.Clone(all), func(b sip.Binding) bool { return b.Username == own.Username })
	}
	if host == nil {
		return all
	}
	for _, b := range r.phones.Bindings(lineAOR(host.User)) {
		if b.Username == host.Username {
			all = append(all, b)
		}
	}
	return all
}

// hostLine is the line of the phone's owner where a user is a guest on that phone, empty elsewhere.
func (r *Root) hostLine(dir *directory.Directory, u *directory.User, dev *directory.Device) string {
	if u == nil || dev == nil {
		return ""
	}
	if host := r.hotel.HostOf(dir, u); host != nil && host.Username == dev.Username {
		return host.User.Line()
	}
	return ""
}

// places are the sites where those stand who call and are called: phones of other sites may be among them.
func (r *Root) places(dir *directory.Directory, c directory.Caller, called *directory.User) []*directory.Site {
	all := []*directory.Site{c.Site, called.Site}
	if c.Device != nil {
		all = append(all, c.Device.User.Site)
	}
	if host := r.hotel.HostOf(dir, called); host != nil {
		all = append(all, host.User.Site)
	}
	return all
}

// callbackTime is how long help may call back the phone that called it, past a guest who uses it.
const callbackTime = time.Hour

// helped remembers which phones called for help. The zero value is ready.
type helped struct {
	mu sync.Mutex
	at map[string]time.Time // by user name
}

func (h *helped) note(username string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.at == nil {
		h.at = make(map[string]time.Time)
	}
	for name, at := range h.at {
		if time.Since(at) > callbackTime {
			delete(h.at, name)
		}
	}
	h.at[username] = time.Now()
}

func (h *helped) lately(username string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	at, ok := h.at[username]
	return ok && time.Since(at) <= callbackTime
}
