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
	c := leg("c")
	c.Answer = c.Start.Add(time.Second)
	j.Answered(c)
	b := leg("b")
	b.Code, b.Ended = 200, Peer
	j.End(b)
	j.Answered(b) // late
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
		if r.Answer.IsZero() == (r.ID == "c") {
			t.Errorf("%s was answered at %v", r.ID, r.Answer)
		}
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

// TestPagesHoldEachRecordOnce reads a journal of several files page by page, forwards in pages and backwards in time, while
// calls end, and after the record of a mark has expired.
func TestPagesHoldEachRecordOnce(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxSize: 4096}
	j := open(t, cfg)
	start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	end := func(i int) {
		r := leg(fmt.Sprintf("r%03d", i))
		r.Start, r.End, r.Cause = start, start.Add(time.Duration(i)*time.Minute), strings.Repeat("x", i%7*30)
		j.End(r)
	}
	const total = 200
	for i := range total {
		end(i)
	}
	if files := j.rotatedFiles(); len(files) < 3 {
		t.Fatalf("%d rotated files, want some", len(files))
	}
	var m Mark
	want := total - 1
	for page := 0; ; page++ {
		all, err := j.Before(m, 7, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			break
		}
		for _, r := range all {
			if r.ID != fmt.Sprintf("r%03d", want) {
				t.Fatalf("page %d: got %s, want r%03d", page, r.ID, want)
			}
			want--
		}
		m = MarkOf(all[len(all)-1])
		end(total + page) // must not shift what follows
	}
	if want != -1 {
		t.Errorf("the pages end before r%03d", want)
	}
	expired, err := j.Before(Mark{End: start.Add(50 * time.Minute), ID: "gone"}, 1, nil)
	if err != nil || len(expired) != 1 || expired[0].End.After(start.Add(50*time.Minute)) {
		t.Errorf("after a mark that has expired: %+v, %v", expired, err)
	}
	recent, err := j.Between(start.Add(190*time.Minute), Mark{End: start.Add(195 * time.Minute), ID: "r195"}, 100, nil)
	if err != nil || len(recent) != 5 || recent[0].ID != "r194" || recent[4].ID != "r190" {
		t.Errorf("a span of time: %d records, %v", len(recent), err)
	}
}

// TestLongLinesAreReadBackwards has lines longer than a block, and a last one that a crash cut short.
func TestLongLinesAreReadBackwards(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	lines := []string{"first", strings.Repeat("long", backBlock/2), "", "short", strings.Repeat("z", backBlock-1), "cut"}
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	if err := backward(name, func(line []byte) bool { got = append([]string{string(line)}, got...); return true }); err != nil {
		t.Fatal(err)
	}
	want := []string{lines[0], lines[1], lines[3], lines[4], lines[5]}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%d lines, want %d", len(got), len(want))
	}
}
