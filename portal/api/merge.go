package api

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// merge puts the members of a JSON object into the fields of the struct that to points at, by their json names: objects are
// merged into structs, everything else takes the place of what was there (RFC 7396). The object has passed its schema, so a
// member that is no field is a fault of ours.
func merge(to any, object []byte) error {
	return mergeValue(reflect.ValueOf(to).Elem(), object)
}

func mergeValue(to reflect.Value, object []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return fmt.Errorf("read an object: %w", err)
	}
	for name, member := range members {
		field, ok := fieldNamed(to, name)
		if !ok {
			return fmt.Errorf("%s has no field %s", to.Type(), name)
		}
		inner := field
		if inner.Kind() == reflect.Pointer && inner.Type().Elem().Kind() == reflect.Struct {
			if inner.IsNil() {
				inner.Set(reflect.New(inner.Type().Elem()))
			}
			inner = inner.Elem()
		}
		var err error
		if inner.Kind() == reflect.Struct && !inner.Addr().Type().Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			err = mergeValue(inner, member)
		} else {
			field.SetZero() // or the elements of a list would keep what the new ones do not say
			err = json.Unmarshal(member, field.Addr().Interface())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// fieldNamed is the field with that json name.
func fieldNamed(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); tag == name && tag != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// shown fills a struct of an answer with what a record of the directory has under the same json names. Secrets come as ***
// and are the caller's to take out.
func shown(record, answer any) error {
	raw, err := json.Marshal(record)
	if err == nil {
		err = json.Unmarshal(raw, answer)
	}
	if err != nil {
		return fmt.Errorf("show a record: %w", err)
	}
	return nil
}
