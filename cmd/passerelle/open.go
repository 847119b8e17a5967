package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"passerelle/store"
)

// storeFile is the name of the store in the data directory.
const storeFile = "passerelle.db"

// storeFlags say where the store is and what opens its secrets.
type storeFlags struct {
	Data         string `help:"Directory of the store." default:"./data" placeholder:"DIR"`
	StoreKey     string `name:"store-key" help:"Key that seals the store's secrets: 64 hexadecimal digits." env:"PASSERELLE_KEY" placeholder:"KEY"`
	StoreKeyFile string `name:"store-key-file" help:"File that holds the key." env:"PASSERELLE_KEY_FILE" placeholder:"F"`
}

// open opens the store, with a key of its own beside the data if none is given.
func (f storeFlags) open(log *slog.Logger) (*store.Store, error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	key, beside, err := store.FindKey(store.KeySource{Text: f.StoreKey, File: f.StoreKeyFile, Generate: filepath.Join(f.Data, "secret.key")})
	if err != nil {
		return nil, err
	}
	if beside {
		log.Warn("the store's key lies beside its data: whoever copies the directory has the secrets; give --store-key-file in production")
	}
	return store.Open(filepath.Join(f.Data, storeFile), key)
}
