package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
	"passerelle/portal/events"
	"passerelle/store"
)

// configuration changes the stored enterprise while the server runs and puts each change in use.
type configuration struct {
	store   *store.Store
	live    *directory.Live
	swapped func()      // told of a new snapshot in use; may be nil
	events  *events.Log // told what a change has made different; nil keeps nothing
	mu      sync.Mutex  // one change at a time: the snapshot in use is that of the last one stored
}

var (
	_ api.Configuration = (*configuration)(nil)
	_ api.Gateways      = (*configuration)(nil)
	_ api.Editor        = (*configuration)(nil)
	_ call.Settings     = (*configuration)(nil)
)

// Import implements api.Configuration.
func (c *configuration) Import(ctx context.Context, files []sitefile.Source, dryRun bool, progress func(done, total int)) (api.Imported, error) {
	var counted api.Imported
	read := func(current *directory.Enterprise) (*directory.Enterprise, error) {
		next, err := sitefile.Read(sitefile.Options{Base: current, Unseal: c.store.OpenFromExport}, files...)
		if err == nil {
			counted = count(next)
		}
		return next, err
	}
	if !dryRun {
		err := c.change(ctx, progress, read)
		return counted, err
	}
	current, err := c.store.Load(ctx)
	if err == nil {
		_, err = read(current)
	}
	return counted, err
}

// Edit implements api.Editor.
func (c *configuration) Edit(ctx context.Context, change func(*directory.Enterprise) error) error {
	return c.change(ctx, nil, func(current *directory.Enterprise) (*directory.Enterprise, error) {
		return current, change(current)
	})
}

// AssignGateway implements api.Gateways.
func (c *configuration) AssignGateway(ctx context.Context, domain string, number directory.Number, expect *directory.Number) error {
	return c.change(ctx, nil, func(current *directory.Enterprise) (*directory.Enterprise, error) {
		for _, site := range current.Sites {
			if site.Domain == domain {
				if expect != nil && site.Gateway.Number != *expect {
					return nil, api.ErrChanged
				}
				site.Gateway.Number = number
				return current, nil
			}
		}
		return nil, fmt.Errorf("site %s: %w", domain, store.ErrNotFound)
	})
}

// SetUser implements call.Settings.
func (c *configuration) SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error {
	return c.change(ctx, nil, func(current *directory.Enterprise) (*directory.Enterprise, error) {
		for _, site := range current.Sites {
			for u := range site.Everyone() {
				if u.Ref == ref {
					change(u)
					return current, nil
				}
			}
		}
		return nil, fmt.Errorf("user %d: %w", ref, store.ErrNotFound)
	})
}

// change stores an edit and puts it in use.
func (c *configuration) change(ctx context.Context, progress func(done, total int), edit func(*directory.Enterprise) (*directory.Enterprise, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	dir, err := c.store.Change(ctx, progress, edit)
	if err != nil {
		return err
	}
	before, at := c.live.Current(), time.Now()
	c.live.Swap(dir)
	c.events.PostLater(func() []events.Draft { return events.OfDirectory(before, dir, at) })
	if c.swapped != nil {
		c.swapped()
	}
	return nil
}

func count(e *directory.Enterprise) api.Imported {
	n := api.Imported{Sites: len(e.Sites)}
	for _, s := range e.Sites {
		n.Users += len(s.Users)
		n.Workspaces += len(s.Workspaces)
	}
	return n
}

// Export implements api.Configuration.
func (c *configuration) Export(ctx context.Context, secrets sitefile.SecretMode) ([]byte, error) {
	e, err := c.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	return sitefile.Format(e, sitefile.FormatOptions{Secrets: secrets, Seal: c.store.SealForExport}), nil
}
