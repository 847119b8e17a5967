package cdr

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func open(t *testing.T, cfg Config) *Journal {
	t.Helper()
	j, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func leg(id string) Record {
	return Record{ID: id, Call: "c", CallID: id + "@test", Direction: In, Start: time.Now().UTC().Truncate(0)}
}

func latest(t *testing.T, j *Journal, n int) []Record {
	t.Helper()
	all, err := j.Latest(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestInterruptedLegsAreWrittenAtTheNextStart(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	j := open(t, cfg)
	for _, id := range []string{"a", "b", "c"} {
		j.Begin(leg(id))
	}
	b := leg("b")
	b.Code, b.Ended = 200, Peer
	j.End(b)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	// The crash cut the last note short.
	f, err := os.OpenFile(filepath.Join(cfg.Dir, underWay), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"id":"d","start":"20`)
	f.Close()

	j = open(t, cfg)
	var got []string
	for _, r := range latest(t, j, 10) {
		got = append(got, r.ID+":"+string(r.Ended))
	}
	if want := "c:interrupted a:interrupted b:peer"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	j.Close()
	if n := len(latest(t, open(t, cfg), 10)); n != 3 {
		t.Errorf("%d records after a second start, want 3: interrupted legs are written once", n)
	}
}

func TestRecordCutShortIsNotJoinedToTheNext(t *testing.T) {
	cfg := Config{Dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(cfg.Dir, current), []byte(`{"id":"half`), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, cfg)
	j.End(leg("whole"))
	if all := latest(t, j, 10); len(all) != 1 || all[0].ID != "whole" {
		t.Errorf("got %v", all)
	}
}

func TestRotation(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxSize: 2000, Keep: time.Hour}
	stale := filepath.Join(cfg.Dir, time.Now().UTC().Add(-2*time.Hour).Format(rotated))
	if err := os.WriteFile(stale, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, cfg)
	for i := range 100 {
		j.End(leg(fmt.Sprint(i)))
	}
	files := j.rotatedFiles()
	if len(files) < 5 {
		t.Errorf("%d rotated files for %d bytes each", len(files), cfg.MaxSize)
	}
	for _, name := range append(files, j.path(current)) {
		if info, err := os.Stat(name); err != nil || info.Size() > cfg.MaxSize {
			t.Errorf("%s: %v, %v", name, info.Size(), err)
		}
		if name == stale {
			t.Error("a file older than Keep is still there")
		}
	}
	all := latest(t, j, 30)
	for i, r := range all {
		if r.ID != fmt.Sprint(99-i) {
			t.Fatalf("record %d is %s: the newest come first, over all files", i, r.ID)
		}
	}
	if len(all) != 30 {
		t.Errorf("%d records, want 30", len(all))
	}
}

func TestManyLegsAtOnce(t *testing.T) {
	j := open(t, Config{Dir: t.TempDir()})
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for k := range 300 {
				r := leg(fmt.Sprint(i, "-", k))
				j.Begin(r)
				j.End(r)
			}
		})
	}
	wg.Wait()
	if n := len(latest(t, j, 10_000)); n != 6000 {
		t.Errorf("%d records, want 6000", n)
	}
	if j.pending > 8192+20 {
		t.Errorf("the notes of ended legs were never dropped: %d lines", j.pending)
	}
}

func TestNilJournal(t *testing.T) {
	var j *Journal
	j.Begin(leg("a"))
	j.End(leg("a"))
	if all, err := j.Latest(1, nil); len(all) != 0 || err != nil || j.Close() != nil {
		t.Error("a nil journal keeps nothing")
	}
}

func TestQuality(t *testing.T) {
	for _, tt := range []struct {
		name           string
		packets, lost  uint64
		delay          time.Duration
		least, highest float64
	}{
		{"clean", 1000, 0, 40 * time.Millisecond, 4.35, 4.45},
		{"one per cent lost", 990, 10, 40 * time.Millisecond, 4.2, 4.38},
		{"a tenth lost", 900, 100, 40 * time.Millisecond, 2.9, 3.6},
		{"half lost", 500, 500, 40 * time.Millisecond, 1, 2},
		{"satellite", 1000, 0, 500 * time.Millisecond, 2, 3.2},
		{"nothing came", 0, 1000, 0, 1, 1},
	} {
		if q := NewQuality(tt.packets, tt.lost, 0, tt.delay); q.MOS < tt.least || q.MOS > tt.highest {
			t.Errorf("%s: MOS %.2f, want %.2f to %.2f", tt.name, q.MOS, tt.least, tt.highest)
		}
	}
}
