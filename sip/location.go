package sip

import "context"

// Locations keeps bindings over restarts. The registrar holds them all in memory and writes behind; the flow of a
// stored binding means nothing after a restart.
type Locations interface {
	// LoadBindings returns all stored bindings, expired ones too.
	LoadBindings(ctx context.Context) ([]Binding, error)
	// SaveBindings writes put and removes del in one transaction.
	SaveBindings(ctx context.Context, put []Binding, del []BindingKey) error
}
