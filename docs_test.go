package passerelle

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinksLead follows every relative link of the documents: each names a file of the project.
func TestLinksLead(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	files := append(glob(t, "*.md"), append(glob(t, "docs/*.md"), append(glob(t, "docs/adr/*.md"), glob(t, "testdata/*/*.md")...)...)...)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, m[1])
			}
		}
	}
}

// TestPackagesAreDescribed wants a package comment, once, in every package.
func TestPackagesAreDescribed(t *testing.T) {
	described, seen := map[string]int{}, map[string]bool{}
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (path == "tools" || path == "bin" || strings.HasPrefix(e.Name(), ".") && path != "." || e.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if file.Name.Name == "main" && filepath.Dir(path) != filepath.Join("cmd", "passerelle") {
			return nil // generators, run by go generate
		}
		dir := filepath.Dir(path)
		seen[dir] = true
		if file.Doc != nil {
			described[dir]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir := range seen {
		if described[dir] != 1 {
			t.Errorf("package %s has %d package comments, want 1", dir, described[dir])
		}
	}
}

// TestArchitectureIsOnePage keeps the map readable.
func TestArchitectureIsOnePage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "\n"); n > 60 {
		t.Errorf("ARCHITECTURE.md has %d lines, 60 are a page", n)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return names
}
