package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// configFile resolves flags from a YAML file whose keys are the names of the flags. Flags of the command line and the
// environment win over it.
type configFile struct {
	name   string
	values map[string]any
}

// loadConfigFile is kong's loader of --config.
func loadConfigFile(r io.Reader) (kong.Resolver, error) {
	c := &configFile{name: "configuration file"}
	if f, ok := r.(*os.File); ok {
		c.name = f.Name()
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	if err := yaml.UnmarshalWithOptions(data, &c.values, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("%s:%s", c.name, yaml.FormatError(err, false, true))
	}
	return c, nil
}

// Validate implements kong.Resolver: a key that is no flag of any command is a fault.
func (c *configFile) Validate(app *kong.Application) error {
	var names []string
	for _, command := range app.Leaves(true) {
		for _, f := range command.Flags {
			names = append(names, f.Name)
		}
	}
	var faults []error
	for key := range c.values {
		if !slices.Contains(names, key) {
			faults = append(faults, fmt.Errorf("%s: %s is not the name of a flag", c.name, key))
		}
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// Resolve implements kong.Resolver.
func (c *configFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, env := range flag.Envs {
		if _, set := os.LookupEnv(env); set {
			return nil, nil
		}
	}
	return c.values[flag.Name], nil
}
