package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"passerelle/hoteling"
	"passerelle/store"
	"passerelle/store/storetest"
)

func TestAssociations(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	s := storetest.Open(t, path)
	since := time.Now()
	a := hoteling.Association{Host: 4, Guest: 1, Since: since, Until: since.Add(8 * time.Hour), Source: hoteling.ByPhone}
	b := hoteling.Association{Host: 6, Guest: 5, Since: since, Source: hoteling.ByAPI}
	change := func(free []uint64, seat ...hoteling.Association) {
		t.Helper()
		if err := s.ChangeAssociations(t.Context(), free, seat); err != nil {
			t.Fatal(err)
		}
	}
	want := func(list ...hoteling.Association) {
		t.Helper()
		storetest.Close(t, s) // what counts is what is on the disk
		s = storetest.Open(t, path)
		got, err := s.LoadAssociations(t.Context())
		if err != nil || !slices.EqualFunc(got, list, func(x, y hoteling.Association) bool {
			return x.Host == y.Host && x.Guest == y.Guest && x.Since.Equal(y.Since) && x.Until.Equal(y.Until) && x.Source == y.Source
		}) {
			t.Errorf("%+v %v, want %+v", got, err, list)
		}
	}
	want()
	change(nil, a, b)
	want(a, b)
	moved := a
	moved.Host = 9
	change(nil, moved) // nobody freed the former host: the guest leaves it all the same
	want(b, moved)
	taken := hoteling.Association{Host: 9, Guest: 7, Since: since, Source: hoteling.ByCode}
	change(nil, taken) // and a host has one guest
	want(b, taken)
	change(nil, a) // whose former place is somebody else's now
	want(a, b, taken)
	change([]uint64{4, 9, 1234})
	want(b)
	change(nil)
	ctx, cancel := contextWithCancel(t)
	cancel()
	if err := s.ChangeAssociations(ctx, []uint64{6}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	want(b)
}

// moveEnv makes the test binary a child that moves guests about until it is killed.
const moveEnv = "PASSERELLE_MOVE_CHILD"

// The guests of the crash test go round among one host more than there are guests.
const movers = 3

// moveChild moves one guest after the other to the free host, and says which move it begins and which it has finished.
func moveChild(path string) {
	s, err := store.Open(path, storetest.Key)
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	at, n := whereabouts(s)
	for {
		n++
		guest := uint64(1 + n%movers)
		to := freeHost(at)
		fmt.Println("begin", n)
		a := hoteling.Association{Host: to, Guest: guest, Since: time.Unix(int64(n), 0), Source: hoteling.ByPhone}
		if err := s.ChangeAssociations(context.Background(), []uint64{at[guest]}, []hoteling.Association{a}); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		at[guest] = to
		fmt.Println("done", n)
	}
}

func freeHost(at map[uint64]uint64) uint64 {
	for host := uint64(100); ; host++ {
		free := true
		for _, h := range at {
			free = free && h != host
		}
		if free {
			return host
		}
	}
}

// whereabouts reads who is where, and the number of the last move; nil when that is no consistent truth.
func whereabouts(s *store.Store) (at map[uint64]uint64, last int) {
	list, err := s.LoadAssociations(context.Background())
	if err != nil {
		return nil, 0
	}
	at = make(map[uint64]uint64)
	hosts := make(map[uint64]bool)
	for _, a := range list {
		if at[a.Guest] != 0 || hosts[a.Host] {
			return nil, 0
		}
		at[a.Guest], hosts[a.Host] = a.Host, true
		last = max(last, int(a.Since.Unix()))
	}
	return at, last
}

// TestKilledMove kills a process in the middle of moves from host to host: afterwards each guest is on one host, none is
// lost, and the last move is one that was finished or under way.
func TestKilledMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passerelle.db")
	storetest.Close(t, storetest.Open(t, path))
	for round := range 8 {
		begun, done := killDuringMove(t, path, movers+1+rand.IntN(20), time.Duration(rand.IntN(2_000))*time.Microsecond)
		s, err := store.Open(path, storetest.Key)
		if err != nil {
			t.Fatal(err)
		}
		if at, last := whereabouts(s); len(at) != movers || last != done && last != begun {
			t.Errorf("round %d: move %d was done and %d begun, the store has %d: %v", round, done, begun, last, at)
		}
		storetest.Close(t, s)
	}
}

// killDuringMove starts a child and kills it a while after it has begun so many moves.
func killDuringMove(t *testing.T, path string, moves int, after time.Duration) (begun, done int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), moveEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, n := "", 0
		if _, err := fmt.Sscan(lines.Text(), &word, &n); err != nil {
			t.Errorf("the child says %q", lines.Text())
		}
		switch word {
		case "begin":
			begun = n
			if moves--; moves == 0 {
				time.AfterFunc(after, func() { child.Process.Kill() })
			}
		case "done":
			done = n
		}
	}
	child.Wait() //nolint:errcheck // it was killed
	return begun, done
}
