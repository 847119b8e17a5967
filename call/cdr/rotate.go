package cdr

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rotated is the layout of a rotated file's name: the time of its rotation, so that names sort by age.
const rotated = "calls-20060102T150405.000000000Z.jsonl"

// rotate puts the current file aside, begins a new one and removes files that are too old.
func (j *Journal) rotate() error {
	if err := j.file.Close(); err != nil {
		return err
	}
	now := time.Now().UTC()
	if err := os.Rename(j.path(current), j.path(now.Format(rotated))); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path(current), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("begin a new file: %w", err)
	}
	j.file, j.size = f, 0
	return j.expire(now)
}

// expire removes rotated files older than Keep.
func (j *Journal) expire(now time.Time) error {
	var errs []error
	for _, name := range j.rotatedFiles() {
		at, err := time.Parse(rotated, filepath.Base(name))
		if err == nil && now.Sub(at) > j.cfg.Keep {
			errs = append(errs, os.Remove(name))
		}
	}
	return errors.Join(errs...)
}

// rotatedFiles are the files put aside, oldest first.
func (j *Journal) rotatedFiles() []string {
	names, err := filepath.Glob(j.path("calls-*.jsonl"))
	if err != nil { // the pattern is a constant; a directory with meta characters in its name finds nothing
		return nil
	}
	slices.SortFunc(names, strings.Compare)
	return names
}
