package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/portal/i18n"
)

//go:embed layout.html
var layoutSource string

//go:embed parts.html
var partsSource string

// Set is a package's templates, in every language. It is immutable.
type Set struct {
	byName map[directory.Language]map[string]*template.Template
}

// MustSet parses the templates of files, each a page of its own that defines "content"; it panics on a fault, which is ours.
func MustSet(files fs.FS, pattern string) *Set {
	names, err := fs.Glob(files, pattern)
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("templates %s: none, %v", pattern, err))
	}
	s := &Set{byName: make(map[directory.Language]map[string]*template.Template)}
	for _, lang := range i18n.Languages {
		base := template.Must(template.New("layout").Funcs(funcs(i18n.For(lang))).Parse(layoutSource))
		template.Must(base.New("parts").Parse(partsSource))
		s.byName[lang] = make(map[string]*template.Template)
		for _, name := range names {
			t := template.Must(template.Must(base.Clone()).ParseFS(files, name))
			s.byName[lang][strings.TrimSuffix(path.Base(name), ".html")] = t
		}
	}
	return s
}

// funcs are what templates call, in one language.
func funcs(p *i18n.Printer) template.FuncMap {
	return template.FuncMap{
		"t": func(key string, args ...any) string {
			if len(args) == 1 { // a message brings its arguments as a list
				if list, ok := args[0].([]any); ok {
					args = list
				}
			}
			return p.T(key, args...)
		},
		"n":     p.N,
		"num":   p.Number,
		"date":  p.DateTime,
		"dur":   p.Duration,
		"since": func(t time.Time) string { return p.Duration(time.Since(t)) },
		"until": func(t time.Time) string { return p.Duration(time.Until(t)) },
		"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"phone": func(n any) string { return i18n.Phone(fmt.Sprint(n)) },
		"tel":   tel,
		"dict":  dict,
		"lang":  func() string { return string(p.Language()) },
		"asset": assetURL,
		"icon":  icon,
	}
}

// tel lets a telephone link through the templates' filter of addresses, which knows http and mailto only.
func tel(link string) template.URL {
	if !strings.HasPrefix(link, "tel:+") {
		return ""
	}
	return template.URL(link) //nolint:gosec // the scheme is checked, and a telephone link runs nothing
}

// dict gives a template several values by name.
func dict(pairs ...any) map[string]any {
	m := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return m
}
