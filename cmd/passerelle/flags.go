package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"reflect"
	"regexp"
	"slices"

	"github.com/alecthomas/kong"

	"passerelle/directory/sitefile"
)

// parseCommand reads the command line, the environment and the file of --config, all as they are now. Faults of that file
// are a *sitefile.Error.
func parseCommand(ctx context.Context, c *cli, args []string, options ...kong.Option) (*kong.Kong, *kong.Context, error) {
	var file *configFile
	load := func(r io.Reader) (kong.Resolver, error) {
		f, err := loadConfigFile(r)
		if err != nil {
			return nil, err
		}
		file = f
		return f, nil
	}
	parser, err := kong.New(c, append([]kong.Option{
		kong.Name("passerelle"),
		kong.Description("SIP registrar and B2BUA of a business site: spaces behind one gateway number, hoteling on host phones."),
		kong.DefaultEnvars("PASSERELLE"),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(commandLine(args)),
		kong.Configuration(load),
		kong.UsageOnError(),
	}, options...)...)
	if err != nil {
		return nil, nil, err
	}
	command, err := parser.Parse(args)
	if err != nil && file != nil {
		err = file.place(err)
	}
	return parser, command, err
}

// commandLine is what the program was started with, without its name.
type commandLine []string

// serveFlags reads the flags of serve anew; nothing is run, nothing printed. Its error is a *sitefile.Error.
func (l commandLine) serveFlags(ctx context.Context) (*serveCmd, error) {
	c := &cli{}
	if _, _, err := parseCommand(ctx, c, l, kong.Exit(func(int) {}), kong.Writers(io.Discard, io.Discard)); err != nil {
		var file *fs.PathError
		switch {
		case sitefile.Faults(err) != nil:
			return nil, joinFaults(err) // the list alone
		case errors.As(err, &file):
			return nil, &sitefile.Error{Faults: []*sitefile.Fault{{File: file.Path, Field: "config", Cause: withoutPath(err)}}}
		}
		return nil, &sitefile.Error{Faults: []*sitefile.Fault{{File: "command line", Cause: err.Error()}}}
	}
	return &c.Serve, nil
}

// differing names the flags in which two commands differ, sorted.
func differing(a, b *serveCmd) (names []string, err error) {
	was, err := flagsOf(a)
	if err != nil {
		return nil, err
	}
	is, err := flagsOf(b)
	if err != nil {
		return nil, err
	}
	for name, v := range is {
		if !reflect.DeepEqual(v, was[name]) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// flagsOf gives the value of each flag by its name.
func flagsOf(c *serveCmd) (map[string]any, error) {
	k, err := kong.New(c, kong.Exit(func(int) {}))
	if err != nil {
		return nil, fmt.Errorf("list the flags: %w", err)
	}
	all := make(map[string]any)
	for _, f := range k.Model.Flags {
		if f.Name != "help" {
			all[f.Name] = f.Target.Interface()
		}
	}
	return all, nil
}

// namedFlag finds the flag that an error of the parser is about.
var namedFlag = regexp.MustCompile(`^--([a-z0-9-]+)`)

// place gives an error of the parser its place in the file, if the file set the flag that it is about.
func (c *configFile) place(err error) error {
	found := namedFlag.FindStringSubmatch(err.Error())
	if found == nil || sitefile.Faults(err) != nil {
		return err
	}
	at, there := c.places[found[1]]
	if !there || !errors.As(err, new(*kong.ParseError)) {
		return err
	}
	return &sitefile.Error{Faults: []*sitefile.Fault{{File: c.name, Line: at.Line, Column: at.Column, Field: found[1], Cause: err.Error()}}}
}
