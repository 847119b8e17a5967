package store_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"passerelle/store"
	"passerelle/store/storetest"
)

// crashEnv makes the test binary a child that imports until it is killed.
const crashEnv = "PASSERELLE_CRASH_CHILD"

// crashChild imports the same users over and over, each time with another name, and says which
// import it begins and which it has finished.
func crashChild(path string) {
	s, err := store.Open(path, storetest.Key)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	for n := generation(s) + 1; ; n++ {
		e := bulk(200)
		for _, u := range e.Sites[0].Users {
			u.Name = "generation " + strconv.Itoa(n)
		}
		fmt.Println("begin", n)
		if err := s.Import(context.Background(), e, nil); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("done", n)
	}
}

// generation is the import that the store holds: 0 for none, -1 for a mixture.
func generation(s *store.Store) int {
	e, err := s.Load(context.Background())
	if err != nil {
		return -1
	}
	found := 0
	for _, site := range e.Sites {
		if len(site.Users) != 200 {
			return -1
		}
		for _, u := range site.Users {
			n, err := strconv.Atoi(strings.TrimPrefix(u.Name, "generation "))
			if err != nil || found != 0 && n != found {
				return -1
			}
			found = n
		}
	}
	return found
}

// TestKilledImport kills a process in the middle of imports: afterwards the store holds the last
// one that was finished, or the one that was under way, whole.
func TestKilledImport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	storetest.Close(t, storetest.Open(t, path))
	for range 8 {
		begun, done := killDuringImport(t, path, 1+rand.IntN(3), time.Duration(rand.IntN(20_000))*time.Microsecond)
		s, err := store.Open(path, storetest.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got := generation(s); got != done && got != begun {
			t.Errorf("import %d was done and %d begun, the store has %d", done, begun, got)
		}
		storetest.Close(t, s)
	}
}

// killDuringImport starts a child and kills it a while after it has begun so many imports.
func killDuringImport(t *testing.T, path string, imports int, after time.Duration) (begun, done int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	first := true
	for lines.Scan() {
		word, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Errorf("the child says %q", lines.Text())
		}
		switch word {
		case "begin":
			if begun = n; first {
				done, first = n-1, false
			}
			if imports--; imports == 0 {
				time.AfterFunc(after, func() { child.Process.Kill() })
			}
		case "done":
			done = n
		}
	}
	child.Wait() //nolint:errcheck // it was killed
	return begun, done
}
