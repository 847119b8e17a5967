package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/sip"
	"passerelle/store/storetest"
)

// TestConcurrentUse changes, reads and saves all at once and wants:
//  1. who reads sees one import whole, never a mixture;
//  2. no change is lost: each edit adds its own user;
//  3. every binding that was saved is there.
func TestConcurrentUse(t *testing.T) {
	s := storetest.New(t)
	importInto(t, s, demo())
	const writers, rounds = 3, 10
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for r := range rounds {
				err := s.Edit(t.Context(), nil, func(e *directory.Enterprise) (*directory.Enterprise, error) {
					u := directory.NewUser(directory.Person)
					u.Name, u.Number = fmt.Sprintf("%d/%d", w, r), directory.Number(fmt.Sprintf("+3317001%02d%02d", w, r))
					e.Sites[0].Users = append(e.Sites[0].Users, u)
					e.Sites[1].Name = fmt.Sprintf("Montreal %d", len(e.Sites[0].Users))
					return e, nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for r := range rounds {
				b := sip.Binding{AOR: sip.NewAOR(fmt.Sprint(w), "x.test"), Contact: fmt.Sprintf("sip:%d@192.0.2.1", r), Expires: time.Unix(1, 0)}
				if err := s.SaveBindings(t.Context(), []sip.Binding{b}, nil); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range rounds {
				e, err := s.Load(t.Context())
				if err != nil {
					t.Error(err)
					continue
				}
				if n := len(e.Sites[0].Users); n > 3 && e.Sites[1].Name != fmt.Sprintf("Montreal %d", n) {
					t.Errorf("a mixture: %d users with %q", n, e.Sites[1].Name)
				}
			}
		})
	}
	wg.Wait()
	if n := len(load(t, s).Sites[0].Users); n != 3+writers*rounds {
		t.Errorf("%d users, %d were added to 3", n, writers*rounds)
	}
	bindings, err := s.LoadBindings(t.Context())
	if err != nil || len(bindings) != writers*rounds {
		t.Errorf("%d bindings, %d were saved: %v", len(bindings), writers*rounds, err)
	}
}
