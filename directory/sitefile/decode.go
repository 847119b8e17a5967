package sitefile

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"passerelle/directory"
)

// decoder fills the directory's types from nodes by the names in their yaml tags and remembers
// where each field came from.
type decoder struct {
	faults []*Fault
	places map[place]spot
	failed map[place]bool // fields, and with an empty name structs, that could not be read whole
	unread map[any]bool   // structs of which nothing could be read
}

// place is a field of a struct: the struct's address and the field's name, an index behind it for
// the elements of a list.
type place struct {
	owner any
	field string
}

// spot is where a field was read: its position, and its path or column in the file.
type spot struct {
	position
	path string
}

func newDecoder() *decoder {
	return &decoder{places: make(map[place]spot), failed: make(map[place]bool), unread: make(map[any]bool)}
}

func newFault(at position, field, format string, args ...any) *Fault {
	return &Fault{File: at.file, Line: at.line, Column: at.column, Field: field, Cause: fmt.Sprintf(format, args...)}
}

func (d *decoder) fault(at position, field, format string, args ...any) {
	d.faults = append(d.faults, newFault(at, field, format, args...))
}

// scope is where a struct stands, for the fields that are allowed in some places only.
type scope string

const (
	person    scope = "person"
	workspace scope = "workspace"
	phone     scope = "phone"
	softphone scope = "softphone"
)

// scopes gives the scope below a field.
var scopes = map[string]scope{
	"users": person, "workspaces": workspace, "phone": phone, "softphones": softphone,
}

// object fills the struct that ptr points to.
func (d *decoder) object(n *node, ptr reflect.Value, path string, in scope) {
	owner := ptr.Interface()
	if n.kind != mapping {
		if n.kind != refused {
			d.fault(n.at, path, "must be a mapping of fields, not %s", n.describe())
		}
		d.unread[owner] = true
		return
	}
	d.places[place{owner, ""}] = spot{n.at, path}
	fields := fieldsOf(ptr.Type().Elem())
	given := make(map[string]bool)
	for _, e := range n.entries {
		f, known := fields.byName[e.key]
		where := join(path, e.key)
		switch {
		case !known:
			d.fault(e.at, where, "unknown field%s", fields.suggest(e.key, in))
			continue
		case f.only != "" && f.only != in && in != "":
			d.fault(e.at, where, "is not allowed for a %s", in)
			continue
		case given[e.key]:
			d.fault(e.at, where, "is given twice")
			continue
		}
		given[e.key] = true
		at := e.at
		if e.value.kind == scalar {
			at = e.value.at
		}
		d.places[place{owner, e.key}] = spot{at, where}
		below, ok := scopes[e.key]
		if !ok {
			below = in
		}
		before := len(d.faults)
		d.value(e.value, ptr.Elem().Field(f.index), where, place{owner, e.key}, below)
		if len(d.faults) > before || e.value.kind == refused {
			d.failed[place{owner, e.key}], d.failed[place{owner, ""}] = true, true
		}
	}
}

// value fills one field or element.
func (d *decoder) value(n *node, v reflect.Value, path string, where place, in scope) {
	if n.kind == null || n.kind == refused { // "key:" without a value says nothing
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if text, ok := d.scalar(n, path); ok {
			if err := u.UnmarshalText([]byte(text)); err != nil {
				d.fault(n.at, path, "%v", err)
				// The field is not absent: later rules shall not say so.
				if v.Kind() == reflect.String {
					v.SetString(text)
				}
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if text, ok := d.scalar(n, path); ok {
			v.SetString(text)
		}
	case reflect.Bool:
		if text, ok := d.scalar(n, path); ok {
			if text != "true" && text != "false" || n.quoted {
				d.fault(n.at, path, "must be true or false")
				return
			}
			v.SetBool(text == "true")
		}
	case reflect.Int:
		if text, ok := d.scalar(n, path); ok {
			i, err := strconv.Atoi(text)
			if err != nil || n.quoted || text[0] == '+' {
				d.fault(n.at, path, "must be a whole number")
				return
			}
			v.SetInt(int64(i))
		}
	case reflect.Struct:
		d.object(n, v.Addr(), path, in)
	case reflect.Pointer:
		if v.IsNil() { // a CSV row adds to what is there
			v.Set(fresh(v.Type().Elem(), in))
		}
		if v.Elem().Kind() == reflect.Struct {
			d.object(n, v, path, in)
		} else {
			d.value(n, v.Elem(), path, where, in)
		}
	case reflect.Slice:
		d.list(n, v, path, where, in)
	default:
		panic("sitefile: no rule for " + v.Type().String())
	}
}

// list fills a slice.
func (d *decoder) list(n *node, v reflect.Value, path string, where place, in scope) {
	if n.kind != sequence {
		d.fault(n.at, path, "must be a list, not %s", n.describe())
		return
	}
	// The full length at once: the elements' addresses are remembered.
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		at := fmt.Sprintf("%s[%d]", path, i)
		element := place{where.owner, fmt.Sprintf("%s[%d]", where.field, i)}
		d.places[element] = spot{item.at, at}
		if item.kind == null || item.kind == refused {
			if item.kind == null {
				d.fault(item.at, at, "is empty")
			}
			if v.Type().Elem().Kind() == reflect.Pointer {
				v.Index(i).Set(fresh(v.Type().Elem().Elem(), in))
				d.unread[v.Index(i).Interface()] = true
			}
			continue
		}
		d.value(item, v.Index(i), at, element, in)
	}
}

// scalar gives the text of a single value.
func (d *decoder) scalar(n *node, path string) (string, bool) {
	if n.kind != scalar {
		d.fault(n.at, path, "must be a single value, not %s", n.describe())
		return "", false
	}
	return n.text, true
}

// fresh gives a pointer to a new value with its defaults.
func fresh(t reflect.Type, in scope) reflect.Value {
	switch t {
	case reflect.TypeFor[directory.Site]():
		return reflect.ValueOf(directory.NewSite())
	case reflect.TypeFor[directory.User]():
		if in == workspace {
			return reflect.ValueOf(directory.NewUser(directory.Workspace))
		}
		return reflect.ValueOf(directory.NewUser(directory.Person))
	case reflect.TypeFor[directory.Host]():
		return reflect.ValueOf(directory.NewHost())
	case reflect.TypeFor[directory.Trunk]():
		return reflect.ValueOf(directory.NewTrunk())
	}
	return reflect.New(t)
}

// find gives the spot of a field, or that of what is around it when the field is absent.
func (d *decoder) find(owner any, field string) (spot, bool) {
	if at, ok := d.places[place{owner, field}]; ok {
		return at, true
	}
	list, _, indexed := strings.Cut(field, "[")
	if at, ok := d.places[place{owner, list}]; ok && indexed {
		return at, true
	}
	at, ok := d.places[place{owner, ""}]
	if field != "" {
		at.path = join(at.path, field)
	}
	return at, ok
}

func join(path, field string) string {
	if path == "" {
		return field
	}
	return path + "." + field
}
