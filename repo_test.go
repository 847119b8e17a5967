package passerelle

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// mayImport lists, per package of the house, the packages of the house it may import; "*" is everything.
// The graph is drawn in ARCHITECTURE.md.
var mayImport = map[string][]string{
	"cmd":       {"*"},
	"directory": {"directory"},
	"sip":       {"sip", "internal"},
	"media":     {"media", "internal"},
	"party":     {"sip", "media", "party", "internal"},
	"call":      {"party", "sip", "media", "directory", "call", "internal"},
	"gateway":   {"party", "sip", "media", "directory", "gateway", "internal"},
	"hoteling":  {"sip", "directory", "hoteling", "internal"},
	"provision": {"directory", "sip", "provision"},
	"portal":    {"call", "gateway", "hoteling", "provision", "directory", "sip", "portal", "internal"},
	"store":     {"directory", "sip", "hoteling", "gateway", "call", "provision", "portal/events", "store"},
	"softphone": {"softphone", "internal/memnet"},
	"internal":  {"internal"},
}

// onlyIn says which package alone may speak a library.
var onlyIn = map[string]string{
	"github.com/emiago/sipgo": "sip",
	"go.etcd.io/bbolt":        "store",
	"github.com/pion/":        "media",
}

// TestArrows keeps the import graph of the house; test files may import more.
func TestArrows(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (path == "tools" || path == "bin" || strings.HasPrefix(e.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from, _, _ := strings.Cut(filepath.ToSlash(filepath.Dir(path)), "/")
		for _, imp := range file.Imports {
			p := strings.Trim(imp.Path.Value, `"`)
			for lib, owner := range onlyIn {
				if strings.HasPrefix(p, lib) && from != owner {
					t.Errorf("%s imports %s: only package %s may", path, p, owner)
				}
			}
			if to, ok := strings.CutPrefix(p, "passerelle/"); ok && !allowed(from, to) {
				t.Errorf("%s imports %s: no such arrow in the house", path, p)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func allowed(from, to string) bool {
	for _, a := range mayImport[from] {
		if a == "*" || to == a || strings.HasPrefix(to, a+"/") {
			return true
		}
	}
	return false
}
