package audit

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"passerelle/directory"
)

// maxValue is how long a value may be that the journal keeps, in bytes of JSON.
const maxValue = 2048

// tooLong is what the journal shows of a longer one.
var tooLong = json.RawMessage(`"…"`)

// DiffUser gives what is different in a user or workspace; nil for one that comes or goes.
func DiffUser(before, after *directory.User, domain string) []Change {
	u, kind := after, Changed
	switch {
	case before == nil:
		kind = Added
	case after == nil:
		u, kind = before, Removed
	}
	base := Change{Kind: kind, Site: domain, User: u.Ref, Name: u.Name}
	if kind != Changed {
		return []Change{base}
	}
	d := differ{base: base}
	d.structs("", reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
	return d.changes
}

// DiffSite gives what is different in a site without its users; nil for one that comes or goes.
func DiffSite(before, after *directory.Site) []Change {
	s, kind := after, Changed
	switch {
	case before == nil:
		kind = Added
	case after == nil:
		s, kind = before, Removed
	}
	base := Change{Kind: kind, Site: s.Domain, Name: s.Name}
	if kind != Changed {
		return []Change{base}
	}
	d := differ{base: base}
	d.structs("", reflect.ValueOf(before).Elem(), reflect.ValueOf(after).Elem())
	return d.changes
}

// differ walks two values of one type side by side, by the names that site files give their fields.
type differ struct {
	base    Change
	changes []Change
}

// fieldName is what site files call a field; empty for what is none of theirs. Users are records of their own.
func fieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	if !f.IsExported() || name == "-" || f.Type == usersType {
		return ""
	}
	return name
}

var (
	usersType  = reflect.TypeFor[[]*directory.User]()
	secretType = reflect.TypeFor[directory.Secret]()
	textType   = reflect.TypeFor[encoding.TextMarshaler]()
)

func (d *differ) structs(path string, a, b reflect.Value) {
	for i := range a.NumField() {
		if name := fieldName(a.Type().Field(i)); name != "" {
			d.values(strings.TrimPrefix(path+"."+name, "."), a.Field(i), b.Field(i))
		}
	}
}

func (d *differ) values(path string, a, b reflect.Value) {
	switch t := a.Type(); {
	case t.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil():
		d.values(path, a.Elem(), b.Elem())
	case t.Kind() == reflect.Struct && !t.Implements(textType):
		d.structs(path, a, b)
	case t.Kind() == reflect.Slice && a.Len() == b.Len() && isRecord(t.Elem()):
		for i := range a.Len() {
			d.values(fmt.Sprintf("%s[%d]", path, i), a.Index(i), b.Index(i))
		}
	default:
		d.leaf(path, a, b)
	}
}

// isRecord says whether a type has fields of its own.
func isRecord(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !t.Implements(textType)
}

func (d *differ) leaf(path string, a, b reflect.Value) {
	c := d.base
	c.Field = path
	if a.Type() == secretType {
		if a.String() != b.String() { // reflect's String is the text itself
			c.Before, c.After = jsonOf(a), jsonOf(b)
			// None can be taken away again, and a space whose ID was taken away is given another.
			c.Final = a.String() != "" && (path != "space_id" || b.String() != "")
			d.changes = append(d.changes, c)
		}
		return
	}
	c.Before, c.After = jsonOf(a), jsonOf(b)
	c.Final = hasSecret(a.Type())
	if bytes.Equal(c.Before, c.After) {
		return
	}
	for _, v := range []*json.RawMessage{&c.Before, &c.After} {
		if len(*v) > maxValue {
			*v, c.Final = tooLong, true
		}
	}
	d.changes = append(d.changes, c)
}

// jsonOf writes a value as records of the store do, where secrets are ***; an empty one is null.
func jsonOf(v reflect.Value) json.RawMessage {
	if (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && (v.IsNil() || v.Kind() != reflect.Pointer && v.Len() == 0) {
		return json.RawMessage("null")
	}
	raw, err := json.Marshal(v.Interface())
	if err != nil { // the types have no value that does not encode
		return tooLong
	}
	return raw
}

// hasSecret says whether values of a type may hold a secret.
func hasSecret(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasSecret(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if fieldName(t.Field(i)) != "" && hasSecret(t.Field(i).Type) {
				return true
			}
		}
		return false
	default:
		return t == secretType
	}
}
