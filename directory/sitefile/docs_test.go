package sitefile

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"passerelle/directory"
)

// TestEveryFieldIsDocumented looks for each field of a site file in the reference.
func TestEveryFieldIsDocumented(t *testing.T) {
	data, err := os.ReadFile("../../docs/site-file.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	seen := make(map[reflect.Type]bool)
	var walk func(reflect.Type)
	walk = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for _, f := range fieldsOf(typ).list {
			if !strings.Contains(text, "`"+f.name) && !strings.Contains(text, " "+f.name+",") && !strings.Contains(text, " "+f.name+"}") && !strings.Contains(text, "{"+f.name) {
				t.Errorf("%s of %s is not in docs/site-file.md", f.name, typ.Name())
			}
			walk(typ.Field(f.index).Type)
		}
	}
	walk(reflect.TypeFor[document]())
	if !seen[reflect.TypeFor[directory.Host]()] || len(seen) < 12 {
		t.Errorf("only %d types were seen", len(seen))
	}
}
