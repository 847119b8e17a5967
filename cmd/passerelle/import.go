package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
	"passerelle/store"
)

// importCmd brings site files and bulk users into the store.
type importCmd struct {
	storeFlags `embed:""`

	Files  []string `arg:"" help:"Site files (.yaml) and bulk users (.csv), taken together." placeholder:"FILE"`
	DryRun bool     `help:"Check everything against what is there and change nothing."`
}

// Help implements kong's help provider.
func (importCmd) Help() string {
	return `The sites of the files replace the stored sites with the same domain; the rows of a CSV file add users to their site,
or change the given columns of the user with the same number. All of it is checked first, every fault is reported with
file, line, field and cause, and with a single fault nothing is changed. A server that runs on the data directory puts
the change in use at once.

Example: passerelle import paris.yaml montreal.yaml

Example: passerelle import users.csv --dry-run`
}

// Run imports the files and says what is there now.
func (c *importCmd) Run(ctx context.Context) error {
	sources, err := readSources(c.Files)
	if err != nil {
		return err
	}
	bar := newProgressBar(os.Stderr)
	result, err := c.apply(ctx, sources, bar.update)
	bar.done()
	if err != nil {
		return listFaults(err)
	}
	verb := "imported, now there are"
	if c.DryRun {
		verb = "no fault found and nothing changed, there would be"
	}
	fmt.Printf("%s %s\n", verb, inNumbers(result))
	return nil
}

// apply has the running server import, which puts the change in use at once, or opens the store.
func (c *importCmd) apply(ctx context.Context, sources []sitefile.Source, progress func(done, total int)) (api.Imported, error) {
	if client, running := adminClient(c.Data); running {
		return adminImport(ctx, client, sources, c.DryRun, progress)
	}
	if c.DryRun && !hasStore(c.Data) { // a look must not leave an empty store behind
		e, err := sitefile.Read(sitefile.Options{}, sources...)
		if err != nil {
			return api.Imported{}, err
		}
		return count(e), nil
	}
	st, err := c.open(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return api.Imported{}, err
	}
	result, err := importSources(ctx, st, sources, c.DryRun, progress)
	return result, errors.Join(err, st.Close())
}

// importSources applies files to an open store, or with dryRun only checks them against it.
func importSources(ctx context.Context, st *store.Store, sources []sitefile.Source, dryRun bool, progress func(done, total int)) (api.Imported, error) {
	var result api.Imported
	read := func(current *directory.Enterprise) (*directory.Enterprise, error) {
		next, err := sitefile.Read(sitefile.Options{Base: current, Unseal: st.OpenFromExport}, sources...)
		if err != nil {
			return nil, err
		}
		result = count(next)
		result.DryRun = dryRun
		return next, nil
	}
	if !dryRun {
		return result, st.Edit(ctx, progress, read)
	}
	current, err := st.Load(ctx)
	if err != nil {
		return result, err
	}
	_, err = read(current)
	return result, err
}

// listFaults says how many faults the files have and gives each a line of its own, so that terminals and editors find
// the place.
func listFaults(err error) error {
	var refused *refusedError
	if errors.As(err, &refused) && len(refused.Errors) > 0 {
		return fmt.Errorf("faults: %d, nothing was changed\n%w", len(refused.Errors), refused)
	}
	var faults *sitefile.Error
	if errors.As(err, &faults) {
		return fmt.Errorf("faults: %d, nothing was changed\n%w", len(faults.Faults), faults)
	}
	return err
}

// inNumbers gives the size of an enterprise in words.
func inNumbers(n api.Imported) string {
	several := func(n int, thing string) string {
		if n == 1 {
			return "1 " + thing
		}
		return fmt.Sprintf("%d %ss", n, thing)
	}
	return several(n.Sites, "site") + ", " + several(n.Users, "user") + ", " + several(n.Workspaces, "workspace")
}

// readSources reads files into memory.
func readSources(paths []string) ([]sitefile.Source, error) {
	var sources []sitefile.Source
	var errs []error
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			errs = append(errs, err) // names the file itself
			continue
		}
		sources = append(sources, sitefile.Source{Name: path, Data: data})
	}
	return sources, errors.Join(errs...)
}

// readSites reads the files of an enterprise that starts from nothing.
func readSites(paths []string) (*directory.Enterprise, error) {
	sources, err := readSources(paths)
	if err != nil {
		return nil, err
	}
	return sitefile.Read(sitefile.Options{}, sources...)
}
