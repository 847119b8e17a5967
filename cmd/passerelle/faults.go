package main

import (
	"errors"
	"io/fs"
	"os"

	"passerelle/directory/sitefile"
)

// joinFaults makes one list of the faults of several readings; an error that is no list of faults stays beside it.
func joinFaults(errs ...error) error {
	all := &sitefile.Error{}
	var others []error
	for _, err := range errs {
		if faults := sitefile.Faults(err); faults != nil {
			all.Faults = append(all.Faults, faults...)
		} else if err != nil {
			others = append(others, err)
		}
	}
	if len(all.Faults) > 0 {
		others = append([]error{all}, others...)
	}
	if len(others) == 1 {
		return others[0]
	}
	return errors.Join(others...)
}

// fault is a fault of a flag's value, wherever it was given.
func (c *serveCmd) fault(flag, cause string) error {
	file := string(c.Config)
	if file == "" {
		file = "command line"
	}
	return &sitefile.Error{Faults: []*sitefile.Fault{{File: file, Field: flag, Cause: cause}}}
}

// siteFiles reads the files of --site into memory.
func (c *serveCmd) siteFiles() (sources []sitefile.Source, err error) {
	if len(c.Site) == 0 {
		return nil, c.fault("site", "names no file to import")
	}
	faults := &sitefile.Error{}
	for _, path := range c.Site {
		data, err := os.ReadFile(path)
		if err != nil {
			faults.Faults = append(faults.Faults, &sitefile.Fault{File: path, Field: "site", Cause: withoutPath(err)})
		}
		sources = append(sources, sitefile.Source{Name: path, Data: data})
	}
	if len(faults.Faults) > 0 {
		return nil, faults
	}
	return sources, nil
}

// withoutPath is the cause of a failed deed on a file, where the file is named already.
func withoutPath(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return "cannot be read: " + p.Err.Error()
	}
	return err.Error()
}
