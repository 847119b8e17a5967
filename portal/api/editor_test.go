package api

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"passerelle/directory"
)

// fakeEditor changes the directory as the store does: on a copy, checked as a whole, with revisions.
type fakeEditor struct {
	live *directory.Live
	mu   sync.Mutex
	fail error
}

func (f *fakeEditor) Edit(_ context.Context, change func(*directory.Enterprise) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	before := f.live.Current().Enterprise()
	e := copied(before)
	if err := change(e); err != nil {
		return err
	}
	last := uint64(0)
	for _, s := range before.Sites {
		for u := range s.Everyone() {
			last = max(last, u.Ref)
		}
	}
	for _, s := range e.Sites {
		if old, _ := findSite(before, s.Domain); old != nil && !sameSite(old, s) {
			s.Revision = old.Revision + 1
		}
		for u := range s.Everyone() {
			if u.Ref == 0 {
				last++
				u.Ref = last
			}
			if u.SpaceID == "" && u.Entitled() {
				u.SpaceID = "99887766554"
			}
			if old, _ := findUser(before, u.Ref); old == nil {
				u.Revision = 1
			} else if !sameUser(old, u) {
				u.Revision = old.Revision + 1
			}
		}
	}
	dir, err := directory.New(e)
	if err == nil {
		f.live.Swap(dir)
	}
	return err
}

func (f *fakeEditor) SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error {
	return f.Edit(ctx, func(e *directory.Enterprise) error {
		u, _ := findUser(e, ref)
		change(u)
		return nil
	})
}

func sameSite(a, b *directory.Site) bool {
	x, y := *a, *b
	x.Users, y.Users, x.Workspaces, y.Workspaces = nil, nil, nil, nil
	for _, s := range []*directory.Site{&x, &y} {
		s.Trunks = copiedAll(s.Trunks, func(t *directory.Trunk) { t.Site = nil })
	}
	return reflect.DeepEqual(x, y)
}

func sameUser(a, b *directory.User) bool {
	users := copiedAll([]*directory.User{a, b}, func(u *directory.User) {
		copyDevices(u)
		u.Site = nil
	})
	return reflect.DeepEqual(users[0], users[1])
}

// copied is an enterprise that shares nothing that tests change with another.
func copied(e *directory.Enterprise) *directory.Enterprise {
	out := &directory.Enterprise{Name: e.Name}
	out.Sites = copiedAll(e.Sites, func(s *directory.Site) {
		s.Users, s.Workspaces = copiedAll(s.Users, copyDevices), copiedAll(s.Workspaces, copyDevices)
		s.Trunks = copiedAll(s.Trunks, func(*directory.Trunk) {})
		s.Numbers = slices.Clone(s.Numbers)
	})
	return out
}

func copyDevices(u *directory.User) {
	bare := func(d *directory.Device) {
		d.User, d.Primary = nil, false
		if d.Host != nil {
			host := *d.Host
			d.Host = &host
		}
	}
	if u.Phone != nil {
		u.Phone = copiedAll([]*directory.Device{u.Phone}, bare)[0]
	}
	u.Softphones = copiedAll(u.Softphones, bare)
}

func copiedAll[T any](all []*T, then func(*T)) []*T {
	var out []*T
	for _, one := range all {
		c := *one
		then(&c)
		out = append(out, &c)
	}
	return out
}
