package sitefile

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"

	"passerelle/directory"
)

// maxIndex bounds the lists that columns can make.
const maxIndex = 31

// column is a column of a CSV file: where in a user its cells go.
type column struct {
	name string
	path []step // nil when the name means nothing
	list bool   // cells hold several values, parted by spaces or semicolons
}

// step is a field, or one element of a list if index is not negative.
type step struct {
	field string
	index int
}

// parseColumn reads names such as phone.username and softphones[0].password, and says what is
// wrong with others.
func parseColumn(name string) (column, string) {
	col := column{name: name}
	t, in := reflect.TypeFor[directory.User](), person
	for part := range strings.SplitSeq(name, ".") {
		s, ok := parseStep(part)
		if !ok {
			return col, "is not the name of a field"
		}
		if t.Kind() != reflect.Struct {
			return column{name: name}, "unknown column: " + part + " has no fields"
		}
		fields := fieldsOf(t)
		f, known := fields.byName[s.field]
		if !known || f.only != "" && f.only != in {
			return column{name: name}, "unknown column" + fields.suggest(s.field, in)
		}
		if below, ok := scopes[s.field]; ok {
			in = below
		}
		t = t.Field(f.index).Type
		if t.Kind() == reflect.Slice && s.index >= 0 {
			t = t.Elem()
		} else if s.index >= 0 {
			return column{name: name}, "unknown column: " + s.field + " is not a list"
		}
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		col.path = append(col.path, s)
	}
	switch {
	case t.Kind() == reflect.Slice && isScalar(t.Elem()):
		col.list = true
	case !isScalar(t):
		return column{name: name}, "needs the name of a field behind it, parted by a dot"
	}
	return col, ""
}

func parseStep(part string) (step, bool) {
	field, index, indexed := strings.Cut(part, "[")
	if !indexed {
		return step{field: field, index: -1}, field != ""
	}
	i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
	return step{field: field, index: i}, err == nil && strings.HasSuffix(index, "]") && i >= 0 && i <= maxIndex
}

// isScalar says whether a type is written as one value.
func isScalar(t reflect.Type) bool {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return true
	}
	return false
}

// put sets the cell in the tree of its row.
func (c column) put(n *node, cell string, at position) {
	for i, s := range c.path {
		last := i == len(c.path)-1
		child := n.get(s.field)
		if child == nil {
			child = &node{kind: mapping, at: at}
			if s.index >= 0 {
				child.kind = sequence
			}
			n.entries = append(n.entries, entry{key: s.field, at: at, value: child})
		}
		if s.index >= 0 {
			for len(child.items) <= s.index {
				child.items = append(child.items, &node{kind: mapping, at: at})
			}
			child = child.items[s.index]
		}
		switch {
		case !last:
			n = child
		case c.list:
			child.kind = sequence
			for _, v := range strings.FieldsFunc(cell, func(r rune) bool { return r == ' ' || r == ';' || r == ',' }) {
				child.items = append(child.items, &node{kind: scalar, text: v, at: at})
			}
		default:
			child.kind, child.text = scalar, cell
		}
	}
}
