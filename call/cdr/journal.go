package cdr

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Config says where the records are.
type Config struct {
	Dir     string
	MaxSize int64         // of one file, in bytes; zero means 64 MiB
	Keep    time.Duration // how long a rotated file is kept; zero means 90 days
	// Observe, if not nil, is told of each leg as it is written, in that order; from Open on, of interrupted ones. It must
	// not wait, and must not use the journal.
	Observe func(Stage, Record)
	Log     *slog.Logger // nil discards
}

const (
	current  = "calls.jsonl"     // ended legs
	underWay = "under-way.jsonl" // begun and ended legs since the start: what it holds twice has ended
)

// Journal writes records. It is safe for concurrent use; nil is a journal that keeps nothing.
type Journal struct {
	cfg Config

	mu      sync.Mutex
	file    *os.File
	size    int64
	begun   *os.File
	pending int // lines of begun, for compaction
	open    map[string]Record
}

// Open opens the journal and writes what a server that died left under way as interrupted.
func Open(cfg Config) (*Journal, error) {
	if cfg.MaxSize == 0 {
		cfg.MaxSize = 64 << 20
	}
	if cfg.Keep == 0 {
		cfg.Keep = 90 * 24 * time.Hour
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("call records: %w", err)
	}
	j := &Journal{cfg: cfg, open: make(map[string]Record)}
	file, err := os.OpenFile(j.path(current), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("call records: %w", err)
	}
	j.file = file
	if j.size, err = endLine(file, j.path(current)); err != nil {
		return nil, errors.Join(fmt.Errorf("call records: %w", err), file.Close())
	}
	if err := j.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("call records: %w", err), file.Close())
	}
	return j, nil
}

// Close writes nothing more; legs still under way are interrupted ones to the next Open.
func (j *Journal) Close() error {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.file.Close(), j.begun.Close())
}

// Begin notes that the leg of r is under way. It never fails for the call's sake: what cannot be written is logged.
func (j *Journal) Begin(r Record) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open[r.ID] = r
	j.note(r)
	j.observe(Begun, r)
}

// Answered notes what is known of a leg under way now: if the server dies it is told of an interrupted one.
func (j *Journal) Answered(r Record) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.open[r.ID]; known {
		j.open[r.ID] = r
		j.note(r)
		j.observe(Up, r)
	}
}

// End writes the record of a leg that has ended.
func (j *Journal) End(r Record) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.write(r)
	if _, known := j.open[r.ID]; known {
		delete(j.open, r.ID)
		j.note(Record{ID: r.ID})
	}
	if j.pending > 4096 && j.pending > 4*len(j.open) {
		j.failed(j.compact())
	}
}

// write appends to the current file, which is rotated when it is full.
func (j *Journal) write(r Record) {
	j.observe(Over, r)
	line, err := json.Marshal(r)
	if err != nil {
		j.failed(err)
		return
	}
	line = append(line, '\n')
	if j.size+int64(len(line)) > j.cfg.MaxSize && j.size > 0 {
		j.failed(j.rotate())
	}
	n, err := j.file.Write(line)
	j.size += int64(n)
	j.failed(err)
}

// note appends to the file of legs under way.
func (j *Journal) note(r Record) {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = j.begun.Write(append(line, '\n'))
		j.pending++
	}
	j.failed(err)
}

func (j *Journal) failed(err error) {
	if err != nil {
		j.cfg.Log.Error("call record not written", "err", err)
	}
}

// recover writes what was under way as interrupted and starts a new file of legs under way.
func (j *Journal) recover() error {
	left, err := readUnderWay(j.path(underWay))
	if err != nil {
		return err
	}
	for _, r := range left {
		r.Ended, r.Cause, r.End = Interrupted, "the server ended while the call was up", time.Now().UTC()
		j.write(r)
	}
	if len(left) > 0 {
		j.cfg.Log.Warn("calls were interrupted by the end of the last server", "legs", len(left))
	}
	return j.compact()
}

// compact writes the file of legs under way anew, with those that are.
func (j *Journal) compact() error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range j.open {
		if err := enc.Encode(r); err != nil {
			return err
		}
	}
	fresh := j.path(underWay + ".new")
	if err := os.WriteFile(fresh, b.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(fresh, j.path(underWay)); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path(underWay), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if j.begun != nil {
		err = j.begun.Close()
	}
	j.begun, j.pending = f, len(j.open)
	return err
}

func (j *Journal) path(name string) string { return filepath.Join(j.cfg.Dir, name) }

// readUnderWay returns the legs that were begun and not ended, in the order they began. A last line cut short by a crash
// is left out.
func readUnderWay(path string) ([]Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var order []string
	open := make(map[string]Record)
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r Record
		if json.Unmarshal(lines.Bytes(), &r) != nil || r.ID == "" {
			continue
		}
		if r.Start.IsZero() { // the note of an end
			delete(open, r.ID)
			continue
		}
		open[r.ID] = r
		order = append(order, r.ID)
	}
	var left []Record
	for _, id := range order {
		if r, ok := open[id]; ok {
			left = append(left, r)
			delete(open, id)
		}
	}
	return left, lines.Err()
}

// endLine ends a last line that a crash cut short, so that the next record has a line of its own, and returns the size.
func endLine(f *os.File, path string) (int64, error) {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return 0, err
	}
	r, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	last := make([]byte, 1)
	if _, err := r.ReadAt(last, info.Size()-1); err != nil {
		return 0, err
	}
	if last[0] == '\n' {
		return info.Size(), nil
	}
	_, err = f.Write([]byte("\n"))
	return info.Size() + 1, err
}
