package api

import (
	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// faultDetails turns the faults of files or of the directory into details of a problem, each with the path of its field
// and, for a file, its line in the message. It returns none for an error that is no fault of the configuration.
func faultDetails(err error) []error {
	var details []error
	for _, f := range sitefile.Faults(err) {
		details = append(details, &huma.ErrorDetail{Location: f.Field, Message: f.Error()})
	}
	if len(details) > 0 {
		return details
	}
	for _, f := range directory.Faults(err) {
		details = append(details, &huma.ErrorDetail{Location: f.Path, Message: f.Error()})
	}
	return details
}
