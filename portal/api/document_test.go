package api

import (
	"bytes"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.yaml")

// kept is where the description is kept, so that a change of the API is seen by who reads the change.
const kept = "../../docs/openapi.yaml"

// TestDescriptionIsTheOneInTheDocs holds the API to its description as it is kept: a change of an operation, a field or a
// fault that was not meant fails here, and one that was meant is written down with -update.
func TestDescriptionIsTheOneInTheDocs(t *testing.T) {
	version := regexp.MustCompile(`(?m)^  version: .*$`)
	doc, err := contractWorld(t).api.render()
	if err != nil {
		t.Fatal(err)
	}
	now := version.ReplaceAll(doc.yaml, []byte("  version: v1"))
	if *update {
		if err := os.WriteFile(kept, now, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(now, before) {
		return
	}
	was, is := strings.Split(string(before), "\n"), strings.Split(string(now), "\n")
	for i, line := range is {
		if i >= len(was) || was[i] != line {
			t.Fatalf("docs/openapi.yaml:%d is another: %s\nnow %s\nIf the change is meant: make openapi", i+1, was[min(i, len(was)-1)], strings.Join(is[max(0, i-3):min(i+3, len(is))], "\n"))
		}
	}
	t.Fatalf("docs/openapi.yaml has %d lines, the API %d: make openapi", len(was), len(is))
}
