package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"passerelle/directory"
)

// Revert puts the values of changes back into e, all of them or, with an error, none that is kept: ErrFinal for what
// cannot be put back, ErrMeanwhile where a value is not the one that the change made.
func Revert(e *directory.Enterprise, changes []Change) error {
	for _, c := range changes {
		if c.Kind != Changed || c.Final {
			return fmt.Errorf("%s of %s: %w", c.Field, c.Name, ErrFinal)
		}
		record, ok := find(e, c)
		if !ok {
			return fmt.Errorf("%s of %s: %w", c.Field, c.Name, ErrMeanwhile)
		}
		field, ok := fieldAt(record, c.Field)
		if !ok || !bytes.Equal(jsonOf(field), c.After) {
			return fmt.Errorf("%s of %s: %w", c.Field, c.Name, ErrMeanwhile)
		}
		if field.Type() == secretType {
			field.SetString("")
			continue
		}
		former := reflect.New(field.Type())
		if err := json.Unmarshal(c.Before, former.Interface()); err != nil {
			return fmt.Errorf("%s of %s: %w (%v)", c.Field, c.Name, ErrFinal, err)
		}
		field.Set(former.Elem())
	}
	return nil
}

// find gives the record that a change concerns. A user who moved to another site is not where the change was.
func find(e *directory.Enterprise, c Change) (reflect.Value, bool) {
	for _, s := range e.Sites {
		if s.Domain != c.Site {
			continue
		}
		if c.User == 0 {
			return reflect.ValueOf(s).Elem(), true
		}
		for u := range s.Everyone() {
			if u.Ref == c.User {
				return reflect.ValueOf(u).Elem(), true
			}
		}
	}
	return reflect.Value{}, false
}

// fieldAt follows a path as the differ writes it.
func fieldAt(v reflect.Value, path string) (reflect.Value, bool) {
	for step := range strings.SplitSeq(path, ".") {
		name, index, list := strings.Cut(strings.TrimSuffix(step, "]"), "[")
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, false
		}
		found := false
		for i := range v.NumField() {
			if fieldName(v.Type().Field(i)) == name && name != "" {
				v, found = v.Field(i), true
				break
			}
		}
		if !found {
			return v, false
		}
		if list {
			i, err := strconv.Atoi(index)
			if err != nil || v.Kind() != reflect.Slice || i < 0 || i >= v.Len() {
				return v, false
			}
			v = v.Index(i)
		}
	}
	return v, true
}
