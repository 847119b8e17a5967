package main

import (
	"fmt"
	"os"

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
		return err
	}
	d, err := directory.New(e)
	if err != nil {
		return err
	}
	users, workspaces, devices := 0, 0, 0
	for _, s := range d.Sites() {
		users += len(s.Users)
		workspaces += len(s.Workspaces)
	}
	for range d.Devices() {
		devices++
	}
	fmt.Fprintf(os.Stdout, "no fault found: %d sites, %d users, %d workspaces, %d devices\n", len(d.Sites()), users, workspaces, devices)
	return nil
}
