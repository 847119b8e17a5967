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
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"passerelle/directory/sitefile"
)

// configFile resolves flags from a YAML file whose keys are the names of the flags. Flags of the command line and the
// environment win over it.
type configFile struct {
	name   string
	values map[string]any
	places map[string]*token.Position // of the keys
}

// loadConfigFile reads the file of --config. Its faults are a *sitefile.Error.
func loadConfigFile(r io.Reader) (*configFile, error) {
	c := &configFile{name: "configuration file", places: make(map[string]*token.Position)}
	if f, ok := r.(*os.File); ok {
		c.name = f.Name()
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	file, err := parser.ParseBytes(data, 0)
	if err == nil {
		for _, doc := range file.Docs {
			c.locate(doc.Body)
		}
		err = yaml.UnmarshalWithOptions(data, &c.values, yaml.Strict())
	}
	if err != nil {
		return nil, c.broken(err)
	}
	return c, nil
}

// locate notes where the keys stand.
func (c *configFile) locate(body ast.Node) {
	m, ok := body.(*ast.MappingNode)
	if !ok {
		return
	}
	for _, v := range m.Values {
		if tk := v.Key.GetToken(); tk != nil {
			c.places[tk.Value] = tk.Position
		}
	}
}

// broken is the fault of a file that is no YAML. The parser's excerpt of the file stays out: it may show a secret.
func (c *configFile) broken(err error) error {
	f := &sitefile.Fault{File: c.name}
	var known yaml.Error
	if errors.As(err, &known) && known.GetToken() != nil {
		f.Line, f.Column, f.Cause = known.GetToken().Position.Line, known.GetToken().Position.Column, known.GetMessage()
	} else {
		f.Cause, _, _ = strings.Cut(err.Error(), "\n")
	}
	return &sitefile.Error{Faults: []*sitefile.Fault{f}}
}

// Validate implements kong.Resolver: a key that is no flag of any command is a fault.
func (c *configFile) Validate(app *kong.Application) error {
	var names []string
	for _, command := range app.Leaves(true) {
		for _, f := range command.Flags {
			names = append(names, f.Name)
		}
	}
	all := &sitefile.Error{}
	for key := range c.values {
		if slices.Contains(names, key) {
			continue
		}
		f := &sitefile.Fault{File: c.name, Field: key, Cause: "is not the name of a flag"}
		if at := c.places[key]; at != nil {
			f.Line, f.Column = at.Line, at.Column
		}
		all.Faults = append(all.Faults, f)
	}
	if len(all.Faults) == 0 {
		return nil
	}
	slices.SortFunc(all.Faults, func(a, b *sitefile.Fault) int { return a.Line - b.Line })
	return all
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
