package sitefile

import (
	"reflect"
	"sync"
)

// field is a field of a struct that a file may set.
type field struct {
	name  string
	index int
	only  scope // the only place that may set it; empty means everywhere
}

// fieldSet holds the fields of a struct.
type fieldSet struct {
	list   []field
	byName map[string]field
}

// fieldSets caches the fields per type.
var fieldSets sync.Map // reflect.Type → *fieldSet

// fieldsOf reads the yaml and only tags of a struct.
func fieldsOf(t reflect.Type) *fieldSet {
	if cached, ok := fieldSets.Load(t); ok {
		return cached.(*fieldSet)
	}
	set := &fieldSet{byName: make(map[string]field)}
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		f := field{name: name, index: i, only: scope(sf.Tag.Get("only"))}
		set.list = append(set.list, f)
		set.byName[name] = f
	}
	fieldSets.Store(t, set)
	return set
}

// suggest ends the message about an unknown field with the nearest one that is allowed there.
func (s *fieldSet) suggest(unknown string, in scope) string {
	best, bestDistance := "", 3 // three slips are another word
	for _, f := range s.list {
		if f.only != "" && f.only != in {
			continue
		}
		if d := distance(unknown, f.name, bestDistance); d < bestDistance {
			best, bestDistance = f.name, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance counts the letters to add, drop or change between two words (Levenshtein); beyond
// limit it may stop counting.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
