package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
)

// Load gives the enterprise as it is, the caller's to keep. It is empty when nothing was imported.
func (s *Store) Load(ctx context.Context) (*directory.Enterprise, error) {
	var e *directory.Enterprise
	err := s.view(ctx, func(tx *bolt.Tx) (err error) {
		e, err = s.load(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load the enterprise: %w", err)
	}
	return e, nil
}

// Empty says whether nothing has been imported yet.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	empty := true
	err := s.view(ctx, func(tx *bolt.Tx) error {
		k, _ := tx.Bucket(bucketSites).Cursor().First()
		empty = k == nil
		return nil
	})
	return empty, err
}

// load reads the enterprise in the caller's transaction.
func (s *Store) load(ctx context.Context, tx *bolt.Tx) (*directory.Enterprise, error) {
	e := &directory.Enterprise{Name: string(tx.Bucket(bucketMeta).Get(keyEnterprise))}
	var sites []*siteRecord
	byDomain := make(map[string]*directory.Site)
	err := tx.Bucket(bucketSites).ForEach(func(_, raw []byte) error {
		r, err := s.decodeSite(raw)
		if err != nil {
			return err
		}
		sites = append(sites, r)
		byDomain[r.Site.Domain] = r.Site
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sites, func(a, b *siteRecord) int { return cmp.Compare(a.Position, b.Position) })
	for _, r := range sites {
		e.Sites = append(e.Sites, r.Site)
	}
	users, err := s.loadUsers(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, r := range users {
		site := byDomain[r.Domain]
		switch {
		case site == nil:
			return nil, fmt.Errorf("user %d is of no site: %w", r.User.Ref, ErrDamaged)
		case r.Workspace:
			site.Workspaces = append(site.Workspaces, r.User)
		default:
			site.Users = append(site.Users, r.User)
		}
	}
	directory.FillDefaults(e) // a file of an older version has no values for newer settings
	return e, nil
}

// loadUsers reads all users in the order of their sites' files.
func (s *Store) loadUsers(ctx context.Context, tx *bolt.Tx) ([]*userRecord, error) {
	var users []*userRecord
	err := tx.Bucket(bucketUsers).ForEach(func(k, raw []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := s.decodeUser(number(k), raw)
		if err == nil {
			users = append(users, r)
		}
		return err
	})
	slices.SortStableFunc(users, func(a, b *userRecord) int { return cmp.Compare(a.Position, b.Position) })
	return users, err
}
