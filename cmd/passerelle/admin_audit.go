package main

import (
	"context"

	"passerelle/call"
	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/api"
	"passerelle/portal/auditor"
	"passerelle/store"
)

var (
	_ api.Audit     = (*configuration)(nil)
	_ auditor.Store = (*store.Store)(nil)
	_ call.Settings = byPhone{}
)

// Audit implements api.Audit.
func (c *configuration) Audit(ctx context.Context, q audit.Query) (audit.Page, error) {
	return c.store.Audit(ctx, q)
}

// Undo implements api.Audit.
func (c *configuration) Undo(ctx context.Context, id uint64, may func(*audit.Entry) error) error {
	return audit.Undo(ctx, c.store, id, may, func(ctx context.Context, change func(*directory.Enterprise) error) error {
		return c.change(ctx, nil, func(current *directory.Enterprise) (*directory.Enterprise, error) { return current, change(current) })
	})
}

// byPhone are the settings that users change on their phones, recorded as theirs.
type byPhone struct{ *configuration }

// SetUser implements call.Settings.
func (b byPhone) SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error {
	by := audit.Actor{Via: audit.ViaPhone}
	if u, ok := b.live.Current().UserByRef(ref); ok {
		by.ID, by.Name = u.Line(), u.Name
	}
	return b.configuration.SetUser(audit.With(ctx, &audit.Trail{Actor: by, Deed: "line.settings"}), ref, change)
}
