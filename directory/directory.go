package directory

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Directory is an immutable snapshot of an enterprise with its look-ups. See the package comment.
type Directory struct {
	enterprise *Enterprise
	sites      map[string]*Site // by lower-case domain
	gateways   map[Number]*Site
	prefixes   map[string]*Site
	inbound    map[Number]inboundAt
	numbers    map[Number]*Site // gateway numbers, site numbers, users' numbers
	users      map[Number]*User
	extensions map[*Site]map[string]*User
	anywhere   map[string]*User // extensions that only one site has; nil for the others
	devices    map[string]*Device
	refs       map[uint64]*User
	emails     map[string]*User
	mailboxes  map[string]*User // in lower case
	macs       map[MAC]*Device
	trunks     map[netip.AddrPort]*Trunk // port 0 is any port
	trunkUsers map[string]*Trunk         // trunks that prove themselves by digest, by user name
	spaces     []*Space                  // by Ref
	byRef      map[string]*Space
	byOwner    map[*User]*Space
	byID       map[spaceKey]*Space
	idKey      [32]byte // keys the hashes of space IDs
}

// New checks the enterprise, fills in what is absent and indexes it. It takes e over: nobody may
// change it any more. The error joins one *Fault for each broken rule (see Faults).
func New(e *Enterprise) (*Directory, error) {
	FillDefaults(e)
	if faults := Validate(e); len(faults) > 0 {
		errs := make([]error, len(faults))
		for i, f := range faults {
			errs[i] = f
		}
		return nil, fmt.Errorf("check the enterprise: %w", errors.Join(errs...))
	}
	d := &Directory{
		enterprise: e,
		sites:      make(map[string]*Site),
		gateways:   make(map[Number]*Site),
		prefixes:   make(map[string]*Site),
		inbound:    make(map[Number]inboundAt),
		numbers:    make(map[Number]*Site),
		users:      make(map[Number]*User),
		extensions: make(map[*Site]map[string]*User),
		anywhere:   make(map[string]*User),
		devices:    make(map[string]*Device),
		emails:     make(map[string]*User),
		mailboxes:  make(map[string]*User),
		macs:       make(map[MAC]*Device),
		trunks:     make(map[netip.AddrPort]*Trunk),
		trunkUsers: make(map[string]*Trunk),
		byRef:      make(map[string]*Space),
		refs:       make(map[uint64]*User),
		byOwner:    make(map[*User]*Space),
		byID:       make(map[spaceKey]*Space),
	}
	rand.Read(d.idKey[:])
	assignRefs(e)
	for _, s := range e.Sites {
		d.addSite(s)
	}
	slices.SortFunc(d.spaces, func(a, b *Space) int { return cmp.Compare(a.Owner.Ref, b.Owner.Ref) })
	return d, nil
}

// FillDefaults puts the defaults where an enterprise made by hand, or kept by an older version, has zero values.
func FillDefaults(e *Enterprise) {
	for _, s := range e.Sites {
		s.Domain = strings.ToLower(s.Domain)
		s.Language = cmp.Or(s.Language, English)
		s.ExtensionLength = cmp.Or(s.ExtensionLength, DefaultExtensionLength)
		s.SpaceIDLength = cmp.Or(s.SpaceIDLength, DefaultSpaceIDLength)
		s.WrongIDsPerHour = cmp.Or(s.WrongIDsPerHour, DefaultWrongIDsPerHour)
		s.Hoteling.MaxGuestHours = cmp.Or(s.Hoteling.MaxGuestHours, MaxGuestHours)
		s.RingSeconds = cmp.Or(s.RingSeconds, DefaultRingSeconds)
		s.ParkSeconds = cmp.Or(s.ParkSeconds, DefaultParkSeconds)
		s.Night.Calls = cmp.Or(s.Night.Calls, NightNational)
		s.FeatureCodes.fill()
		for _, u := range s.Users {
			u.Kind, u.Pack = Person, cmp.Or(u.Pack, Standard)
		}
		for _, u := range s.Workspaces {
			u.Kind = Workspace
		}
		for u := range s.Everyone() {
			if u.Phone != nil && u.Phone.Host != nil {
				u.Phone.Host.LimitHours = cmp.Or(u.Phone.Host.LimitHours, DefaultHostHours)
				u.Phone.Host.Scope = cmp.Or(u.Phone.Host.Scope, ScopeSite)
			}
		}
		for _, t := range s.Trunks {
			t.fill()
		}
	}
}

// assignRefs numbers the users that have no Ref, above all that have one, in the file's order.
func assignRefs(e *Enterprise) {
	var last uint64
	for _, s := range e.Sites {
		for u := range s.Everyone() {
			last = max(last, u.Ref)
		}
	}
	for _, s := range e.Sites {
		for u := range s.Everyone() {
			if u.Ref == 0 {
				last++
				u.Ref = last
			}
		}
	}
}

// addSite indexes a site and everybody in it.
func (d *Directory) addSite(s *Site) {
	d.sites[s.Domain] = s
	d.extensions[s] = make(map[string]*User)
	for _, n := range s.Numbers {
		d.numbers[n] = s
	}
	if s.Prefix != "" {
		d.prefixes[s.Prefix] = s
	}
	for _, in := range s.Inbound {
		d.inbound[in.Number] = inboundAt{s, in.To}
	}
	if s.Gateway.Number != "" {
		d.gateways[s.Gateway.Number] = s
	}
	if s.Gateway.Extension != "" {
		d.anywhere[s.Gateway.Extension] = nil
	}
	for u := range s.Everyone() {
		d.addUser(s, u)
	}
	for _, t := range s.Trunks {
		t.Site = s
		switch t.Auth {
		case AuthIP:
			for _, ap := range t.addrPorts() {
				d.trunks[ap] = t
			}
		case AuthDigest:
			d.trunkUsers[t.Username] = t
		case AuthRegister: // known by the registration
		}
	}
}

// addUser indexes a user, its devices and its space.
func (d *Directory) addUser(s *Site, u *User) {
	u.Site = s
	d.refs[u.Ref] = u
	if u.Number != "" {
		d.numbers[u.Number], d.users[u.Number] = s, u
	}
	if u.Extension != "" {
		d.extensions[s][u.Extension] = u
		if _, taken := d.anywhere[u.Extension]; taken {
			d.anywhere[u.Extension] = nil
		} else {
			d.anywhere[u.Extension] = u
		}
	}
	if u.Email != "" {
		d.emails[strings.ToLower(u.Email)] = u
	}
	if u.Mailbox != "" {
		d.mailboxes[strings.ToLower(u.Mailbox)] = u
	}
	for _, dev := range u.Devices() {
		dev.User, dev.Primary = u, dev == u.Phone
		d.devices[dev.Username] = dev
		if dev.MAC != "" {
			d.macs[dev.MAC] = dev
		}
	}
	if u.Entitled() {
		sp := newSpace(u)
		d.spaces = append(d.spaces, sp)
		d.byRef[sp.Ref], d.byOwner[u] = sp, sp
		if u.SpaceID != "" { // without an ID nobody gets in
			d.byID[d.spaceKey(s, u.SpaceID.Reveal())] = sp
		}
	}
}

// Enterprise gives the whole data; nobody may change it.
func (d *Directory) Enterprise() *Enterprise { return d.enterprise }

// Sites gives the sites in the file's order; nobody may change the slice.
func (d *Directory) Sites() []*Site { return d.enterprise.Sites }

// Spaces gives every space, in the order of their Ref; nobody may change the slice.
func (d *Directory) Spaces() []*Space { return d.spaces }

// Devices yields every device of every user and workspace.
func (d *Directory) Devices() iter.Seq[*Device] {
	return func(yield func(*Device) bool) {
		for _, s := range d.enterprise.Sites {
			for u := range s.Everyone() {
				for _, dev := range u.Devices() {
					if !yield(dev) {
						return
					}
				}
			}
		}
	}
}
