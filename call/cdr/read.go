package cdr

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// Latest returns up to n records that match, newest first. match nil takes all.
func (j *Journal) Latest(n int, match func(Record) bool) ([]Record, error) {
	if j == nil {
		return nil, nil
	}
	files := j.rotatedFiles()
	slices.Reverse(files)
	var found []Record
	for _, name := range append([]string{j.path(current)}, files...) {
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) { // rotated or expired just now
			continue
		}
		if err != nil {
			return found, err
		}
		var of []Record
		lines := bufio.NewScanner(bytes.NewReader(data))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var r Record
			if json.Unmarshal(lines.Bytes(), &r) == nil && r.ID != "" && (match == nil || match(r)) {
				of = append(of, r)
			}
		}
		slices.Reverse(of)
		found = append(found, of[:min(len(of), n-len(found))]...)
		if len(found) == n {
			break
		}
	}
	return found, nil
}
