package sitefile

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"passerelle/directory"
)

// FormatOptions says how to write.
type FormatOptions struct {
	// Secrets says how; the zero value is SecretsClear.
	Secrets SecretMode
	// Seal seals a secret under a label; needed for SecretsSealed.
	Seal func(purpose directory.Purpose, label, text string) string
}

// Format writes the enterprise as a site file that Parse reads to the same state. Fields that
// have their default are left out, but for those of the sites, which a reader looks for.
func Format(e *directory.Enterprise, opts FormatOptions) []byte {
	f := &formatter{opts: opts, sealed: make(map[*directory.Secret]string)}
	if opts.Secrets == SecretsSealed {
		f.seal(e)
	}
	fmt.Fprintf(&f.out, "enterprise: %s\n", quote(e.Name))
	if opts.Secrets == SecretsSealed || opts.Secrets == SecretsOmitted {
		fmt.Fprintf(&f.out, "secrets: %s\n", opts.Secrets)
	}
	f.out.WriteString("sites:\n")
	for _, s := range e.Sites {
		f.block(reflect.ValueOf(s).Elem(), reflect.ValueOf(directory.NewSite()).Elem(), 2, true, "")
	}
	if len(e.Sites) == 0 {
		f.out.Truncate(f.out.Len() - 1)
		f.out.WriteString(" []\n")
	}
	return f.out.Bytes()
}

type formatter struct {
	opts   FormatOptions
	out    bytes.Buffer
	sealed map[*directory.Secret]string
}

// seal prepares the sealed text of every secret.
func (f *formatter) seal(e *directory.Enterprise) {
	for _, s := range e.Sites {
		for u := range s.Everyone() {
			u.EachSecret(func(field string, p directory.Purpose, secret *directory.Secret) {
				f.sealed[secret] = f.opts.Seal(p, userLabel(s, u, field), secret.Reveal())
			})
		}
		for _, t := range s.Trunks {
			t.EachSecret(func(field string, p directory.Purpose, secret *directory.Secret) {
				f.sealed[secret] = f.opts.Seal(p, trunkLabel(s, t, field), secret.Reveal())
			})
		}
	}
}

// block writes a struct over several lines, as an element of a list (its first line behind a
// dash) or not.
func (f *formatter) block(v, def reflect.Value, indent int, dash bool, in scope) {
	lead := strings.Repeat(" ", indent)
	first := lead
	if dash {
		first, lead = lead+"- ", lead+"  "
		indent += 2
	}
	for _, fd := range f.fields(v, def, in) {
		f.out.WriteString(first + fd.name + ":")
		first = lead
		below, ok := scopes[fd.name]
		if !ok {
			below = in
		}
		f.field(fd.value, fd.def, indent, below)
	}
	if first != lead { // nothing written: an empty mapping keeps its place in the list
		f.out.WriteString(first + "{}\n")
	}
}

// field writes a value behind its name.
func (f *formatter) field(v, def reflect.Value, indent int, in scope) {
	if text, ok := f.inline(v, def, in); ok {
		f.out.WriteString(" " + text + "\n")
		return
	}
	f.out.WriteString("\n")
	if v.Kind() == reflect.Pointer {
		f.block(v.Elem(), fresh(v.Type().Elem(), in).Elem(), indent+2, false, in)
		return
	}
	if v.Kind() == reflect.Struct {
		f.block(v, def, indent+2, false, in)
		return
	}
	for i := range v.Len() { // a list of structs
		item := v.Index(i)
		if item.Kind() == reflect.Pointer {
			item = item.Elem()
		}
		def := fresh(item.Type(), in).Elem()
		if text, ok := f.inline(item, def, in); ok && item.Type() != reflect.TypeFor[directory.User]() {
			f.out.WriteString(strings.Repeat(" ", indent+2) + "- " + text + "\n")
			continue
		}
		f.block(item, def, indent+2, true, in)
	}
}

// inline gives a value on one line, if it has that shape: scalars, lists of scalars, small structs.
func (f *formatter) inline(v, def reflect.Value, in scope) (string, bool) {
	if text, ok := f.scalar(v); ok {
		return text, true
	}
	switch v.Kind() {
	case reflect.Pointer:
		if isScalar(v.Type().Elem()) {
			return f.scalar(v.Elem())
		}
		return f.inline(v.Elem(), fresh(v.Type().Elem(), in).Elem(), in)
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			text, ok := f.scalar(v.Index(i))
			if !ok {
				return "", false
			}
			items[i] = text
		}
		return "[" + strings.Join(items, ", ") + "]", true
	case reflect.Struct:
		var parts []string
		for _, fd := range f.fields(v, def, in) {
			below, ok := scopes[fd.name]
			if !ok {
				below = in
			}
			text, ok := f.inline(fd.value, fd.def, below)
			if !ok || fd.value.Kind() == reflect.Slice || fd.value.Kind() == reflect.Pointer && !isScalar(fd.value.Type().Elem()) {
				return "", false
			}
			parts = append(parts, fd.name+": "+text)
		}
		return "{" + strings.Join(parts, ", ") + "}", true
	}
	return "", false
}

// written is a field to write.
type written struct {
	name       string
	value, def reflect.Value
}

// fields gives the fields of a struct that must be written.
func (f *formatter) fields(v, def reflect.Value, in scope) []written {
	var out []written
	for _, fd := range fieldsOf(v.Type()).list {
		if fd.only != "" && fd.only != in {
			continue
		}
		w := written{name: fd.name, value: v.Field(fd.index), def: def.Field(fd.index)}
		switch {
		case w.value.Type() == reflect.TypeFor[directory.Secret]():
			if w.value.Len() == 0 || f.opts.Secrets == SecretsOmitted {
				continue
			}
		case v.Type() == reflect.TypeFor[directory.Site]() && isScalar(w.value.Type()):
		case w.value.Kind() == reflect.Slice && w.value.Len() == 0:
			continue
		case reflect.DeepEqual(w.value.Interface(), w.def.Interface()):
			continue
		}
		out = append(out, w)
	}
	return out
}

// scalar gives a single value as YAML.
func (f *formatter) scalar(v reflect.Value) (string, bool) {
	if secret, ok := v.Interface().(directory.Secret); ok {
		if text, sealed := f.sealed[v.Addr().Interface().(*directory.Secret)]; sealed {
			return quote(text), true
		}
		return quote(secret.Reveal()), true
	}
	switch v.Kind() {
	case reflect.String:
		return quote(v.String()), true
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true
	case reflect.Int:
		return strconv.FormatInt(v.Int(), 10), true
	}
	return "", false
}
