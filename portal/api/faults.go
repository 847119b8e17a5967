package api

import (
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// faultDetails turns the faults of a configuration into details of a problem, each with the path of its field. It
// returns none for an error that is no fault of the configuration.
func faultDetails(err error) []error {
	var details []error
	for _, leaf := range leaves(err) {
		var f *directory.Fault
		if errors.As(leaf, &f) {
			details = append(details, &huma.ErrorDetail{Location: f.Path, Message: f.Cause})
		}
	}
	return details
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		joined, ok := e.(interface{ Unwrap() []error })
		if !ok {
			continue
		}
		var all []error
		for _, inner := range joined.Unwrap() {
			all = append(all, leaves(inner)...)
		}
		return all
	}
	return []error{err}
}
