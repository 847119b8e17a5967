package events

import (
	"reflect"
	"slices"
	"strings"
)

// changedFields names, as paths of the site file, the fields in which two records of one type differ. Fields that the file has
// not, and those that are left out, are not looked at. A list that differs is named as a whole.
func changedFields[T any](before, after *T, left ...string) (paths []string) {
	differ(reflect.ValueOf(before), reflect.ValueOf(after), "", func(path string) {
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}, left)
	return paths
}

// differ calls found with the path of each field that differs.
func differ(a, b reflect.Value, path string, found func(path string), left []string) {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				found(path)
			}
			return
		}
		differ(a.Elem(), b.Elem(), path, found, left)
	case reflect.Struct:
		for f, v := range a.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if name == "-" || !f.IsExported() {
				continue
			}
			if name == "" {
				name = strings.ToLower(f.Name)
			}
			if path != "" {
				name = path + "." + name
			}
			if !slices.Contains(left, name) {
				differ(v, b.FieldByIndex(f.Index), name, found, left)
			}
		}
	case reflect.Slice:
		if a.Len() != b.Len() {
			found(path)
			return
		}
		for i := range a.Len() {
			same := true
			differ(a.Index(i), b.Index(i), path, func(string) { same = false }, left)
			if !same {
				found(path)
				return
			}
		}
	default:
		if !reflect.DeepEqual(a.Interface(), b.Interface()) {
			found(path)
		}
	}
}
