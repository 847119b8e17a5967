package cdr

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Latest returns up to n records that match, newest first. match nil takes all.
func (j *Journal) Latest(n int, match func(Record) bool) ([]Record, error) {
	return j.Before(Mark{}, n, match)
}

// Mark is a place in the journal: just before the record that ended then with that ID. The zero value is the end.
type Mark struct {
	End time.Time
	ID  string
}

// MarkOf is the place of a record.
func MarkOf(r Record) Mark { return Mark{r.End, r.ID} }

// disorder is how far a record may stand from its place by End: each is dated before it waits for the file.
const disorder = time.Minute

// Before returns up to n records that match and stand before the mark, newest first. match nil takes all. A mark whose record
// has expired is placed by its time.
func (j *Journal) Before(m Mark, n int, match func(Record) bool) ([]Record, error) {
	return j.Between(time.Time{}, m, n, match)
}

// Between is Before without the records that ended before since, whose files are not read.
func (j *Journal) Between(since time.Time, m Mark, n int, match func(Record) bool) ([]Record, error) {
	if j == nil || n <= 0 {
		return nil, nil
	}
	files := j.rotatedFiles()
	slices.Reverse(files)
	var found []Record
	passed, old := m == Mark{}, false
	for _, name := range append([]string{j.path(current)}, files...) {
		err := backward(name, func(line []byte) bool {
			var r Record
			if json.Unmarshal(line, &r) != nil || r.ID == "" {
				return true
			}
			if old = r.End.Before(since.Add(-disorder)); old {
				return false
			}
			if !passed {
				passed = r.ID == m.ID
				if passed || r.End.After(m.End.Add(-disorder)) {
					return true
				}
				passed = true
			}
			if !r.End.Before(since) && (match == nil || match(r)) {
				found = append(found, r)
			}
			return len(found) < n
		})
		if errors.Is(err, fs.ErrNotExist) { // rotated or expired just now
			continue
		}
		if err != nil || old || len(found) == n {
			return found, err
		}
	}
	return found, nil
}

// backBlock is how much of a file is read at once.
const backBlock = 64 << 10

// backward yields the lines of a file, the last first, until yield returns false. A line is valid until yield returns.
func backward(name string, yield func(line []byte) bool) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var rest []byte // the beginning of a line whose end has been read
	block := make([]byte, backBlock)
	for at := info.Size(); at > 0; {
		n := min(at, backBlock)
		at -= n
		if _, err := io.ReadFull(io.NewSectionReader(f, at, n), block[:n]); err != nil {
			return err
		}
		text := append(block[:n:n], rest...)
		for {
			i := bytes.LastIndexByte(text, '\n')
			if i < 0 {
				break
			}
			if line := text[i+1:]; len(line) > 0 && !yield(line) {
				return nil
			}
			text = text[:i]
		}
		rest = slices.Clone(text)
	}
	if len(rest) > 0 {
		yield(rest)
	}
	return nil
}
