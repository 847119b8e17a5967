package main

import (
	"fmt"

	"passerelle/directory"
)

// checkConfigCmd checks site files without a store.
type checkConfigCmd struct {
	Files []string `arg:"" help:"Site files (.yaml) and bulk users (.csv) of one enterprise, taken together." placeholder:"FILE"`
}

// Help implements kong's help provider.
func (checkConfigCmd) Help() string {
	return `Reports every fault with file, line, column, field and cause. Nothing is stored.

Example: passerelle check-config paris.yaml users.csv`
}

// Run checks the files; its error has a line for each fault.
func (c *checkConfigCmd) Run() error {
	e, err := readSites(c.Files)
	if err != nil {
		return listFaults(err)
	}
	if _, err := directory.New(e); err != nil {
		return err
	}
	fmt.Println("no fault found in", inNumbers(count(e)))
	return nil
}
