package sitefile_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

const sites = "../../testdata/sites"

var update = flag.Bool("update", false, "rewrite the expected faults of the bad site files")

// TestGoodFiles reads every good file, makes a directory of it, and writes and reads it again.
func TestGoodFiles(t *testing.T) {
	for _, path := range glob(t, "*.good.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			e, err := sitefile.Parse(path, read(t, path))
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, e)
			if _, err := directory.New(e); err != nil {
				t.Fatal("sound for the parser, not for the directory:", err)
			}
		})
	}
}

// TestBadFiles wants of each bad file the faults that the comment on its first lines names, all
// of them, in order, and nothing else. With -update it writes them there.
func TestBadFiles(t *testing.T) {
	for _, path := range glob(t, "*.bad.yaml") {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			want, body := header(string(read(t, path)))
			if *update {
				rewrite(t, path, name, body)
				return
			}
			e, err := sitefile.Parse(name, read(t, path))
			if e != nil || err == nil {
				t.Fatalf("got %v, %v; wanted faults and nothing else", e, err)
			}
			if diff := cmp.Diff(want, told(name, err)); diff != "" {
				t.Error("faults differ (-want +got):\n" + diff)
			}
			for _, f := range sitefile.Faults(err) {
				if !errors.Is(f, directory.ErrInvalid) {
					t.Errorf("%v is not an ErrInvalid", f)
				}
			}
		})
	}
}

// rewrite puts the faults of the body on the file's first lines. The lines of the faults count
// from the whole file, so the number of faults must be known before.
func rewrite(t *testing.T, path, name, body string) {
	t.Helper()
	_, err := sitefile.Parse(name, []byte(body))
	lead := strings.Repeat("#\n", len(sitefile.Faults(err)))
	_, err = sitefile.Parse(name, []byte(lead+body))
	lines := told(name, err)
	if err := os.WriteFile(path, []byte("# "+strings.Join(lines, "\n# ")+"\n"+body), 0o644); err != nil {
		t.Fatal(err)
	}
}

// told gives the faults of an error without the name of the file.
func told(name string, err error) []string {
	var lines []string
	for _, f := range sitefile.Faults(err) {
		lines = append(lines, strings.TrimSpace(strings.TrimPrefix(f.Error(), name+":")))
	}
	return lines
}

// header parts the comment on the first lines from the rest.
func header(text string) (comments []string, body string) {
	for {
		line, rest, _ := strings.Cut(text, "\n")
		comment, ok := strings.CutPrefix(line, "# ")
		if !ok {
			return comments, text
		}
		comments, text = append(comments, comment), rest
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(sites, pattern))
	if err != nil || len(paths) < 3 {
		t.Fatalf("%d files %s: %v", len(paths), pattern, err)
	}
	return paths
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
