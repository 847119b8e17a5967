package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"passerelle/directory/sitefile"
	"passerelle/store"
)

// exportCmd writes the store as a site file.
type exportCmd struct {
	storeFlags `embed:""`

	Secrets sitefile.SecretMode `help:"How to write passwords, PINs and space IDs: clear, sealed (only a server with the same key reads them) or omitted (an import keeps those it has)." enum:"clear,sealed,omitted" default:"clear"`
	Out     string              `help:"File to write, readable by its owner only; standard output without." short:"o" placeholder:"FILE"`
}

// Help implements kong's help provider.
func (exportCmd) Help() string {
	return `The file imports again to the same state.

Example: passerelle export --secrets sealed --out acme.yaml`
}

// Run writes the site file.
func (c *exportCmd) Run(ctx context.Context) error {
	file, err := c.file(ctx)
	if err != nil {
		return err
	}
	if c.Out == "" {
		_, err = os.Stdout.Write(file)
		return err
	}
	return writePrivate(c.Out, file)
}

// file has the running server write the site file, or opens the store.
func (c *exportCmd) file(ctx context.Context) ([]byte, error) {
	if client, running := adminClient(c.Data); running {
		return adminExport(ctx, client, c.Secrets)
	}
	if !hasStore(c.Data) {
		return nil, fmt.Errorf("there is no store in %s", c.Data)
	}
	st, err := c.open(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return nil, err
	}
	file, err := exportSites(ctx, st, c.Secrets)
	return file, errors.Join(err, st.Close())
}

// hasStore says whether a data directory has a store.
func hasStore(dataDir string) bool {
	_, err := os.Stat(filepath.Join(dataDir, storeFile))
	return err == nil
}

// exportSites gives everything an open store has as a site file.
func exportSites(ctx context.Context, st *store.Store, secrets sitefile.SecretMode) ([]byte, error) {
	e, err := st.Load(ctx)
	if err != nil {
		return nil, err
	}
	return sitefile.Format(e, sitefile.FormatOptions{Secrets: secrets, Seal: st.SealForExport}), nil
}

// writePrivate replaces a file as a whole; nobody but its owner may read it.
func writePrivate(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".export-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}
