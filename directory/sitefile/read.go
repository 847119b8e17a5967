package sitefile

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	_ "time/tzdata" // a machine without a tz database checks time zones all the same
	"unicode/utf8"

	"passerelle/directory"
)

// Source is a file in memory. Names that end in .csv are bulk users, all others are YAML.
type Source struct {
	Name string
	Data []byte
}

// Options says how to read.
type Options struct {
	// Base is what the server has already; the sites of the files replace its sites with the same
	// domain, and bulk users are added to its sites. Nil means nothing. Read takes it over.
	Base *directory.Enterprise
	// Unseal opens the secrets of files written with secrets: sealed; nil refuses such files.
	Unseal func(purpose directory.Purpose, label, sealed string) (string, error)
}

// Parse reads one site file by itself. Its error, if any, is an *Error with every fault.
func Parse(name string, data []byte) (*directory.Enterprise, error) {
	return Read(Options{}, Source{Name: name, Data: data})
}

// Read reads site files and bulk users together, over what is there already, and checks the whole.
// Its error, if any, is an *Error with every fault of every file.
func Read(opts Options, sources ...Source) (*directory.Enterprise, error) {
	r := &reader{decoder: newDecoder(), unseal: opts.Unseal}
	base := opts.Base
	if base == nil {
		base = &directory.Enterprise{}
	}
	incoming := &directory.Enterprise{}
	keep := false
	for _, src := range sources {
		if isCSV(src) {
			continue
		}
		keep = r.site(src, incoming) || keep
	}
	r.sameEnterprise(base, incoming)
	all := directory.Merge(base, incoming, keep)
	for _, src := range sources {
		if isCSV(src) {
			r.users(src, all)
		}
	}
	r.check(all)
	if len(r.faults) > 0 {
		return nil, &Error{Faults: sorted(r.faults, sources)}
	}
	return all, nil
}

func isCSV(s Source) bool { return strings.EqualFold(filepath.Ext(s.Name), ".csv") }

// reader gathers what the files say and what is wrong with it.
type reader struct {
	*decoder
	unseal func(purpose directory.Purpose, label, sealed string) (string, error)
	// named is where the enterprise got its name.
	named position
	// broken says that a file could not be understood, so rules across files would mislead.
	broken bool
}

// document is the root of a site file.
type document struct {
	Enterprise string            `yaml:"enterprise"`
	Secrets    SecretMode        `yaml:"secrets"`
	Sites      []*directory.Site `yaml:"sites"`
}

// site adds the sites of a YAML file to e; keep says that the file leaves its secrets out.
func (r *reader) site(src Source, e *directory.Enterprise) (keep bool) {
	if !r.text(src) {
		return false
	}
	root, faults := parseYAML(src.Name, src.Data)
	r.faults = append(r.faults, faults...)
	if root == nil {
		r.broken = true
		return false
	}
	doc := &document{}
	r.object(root, reflect.ValueOf(doc), "", "")
	if root.kind != mapping {
		r.broken = true
		return false
	}
	if doc.Enterprise == "" && !r.failed[place{doc, "enterprise"}] {
		r.fault(position{file: src.Name, line: 1, column: 1}, "enterprise", "is missing")
	}
	if len(doc.Sites) == 0 && root.get("sites") == nil {
		r.fault(position{file: src.Name, line: 1, column: 1}, "sites", "is missing")
	}
	if e.Name != "" && doc.Enterprise != "" && doc.Enterprise != e.Name {
		r.fault(r.places[place{doc, "enterprise"}].position, "enterprise", "%q, but %s has %q: one server serves one enterprise", doc.Enterprise, r.named.file, e.Name)
	} else if e.Name == "" {
		e.Name, r.named = doc.Enterprise, r.places[place{doc, "enterprise"}].position
	}
	for _, s := range doc.Sites {
		if r.unread[s] {
			continue
		}
		s.Domain = strings.ToLower(s.Domain)
		if doc.Secrets == SecretsSealed {
			r.openSite(s)
		}
	}
	e.Sites = append(e.Sites, doc.Sites...)
	return doc.Secrets == SecretsOmitted
}

// sameEnterprise refuses to mix two enterprises on one server. A file that replaces every site
// may rename the enterprise.
func (r *reader) sameEnterprise(base, incoming *directory.Enterprise) {
	if base.Name == "" || incoming.Name == "" || base.Name == incoming.Name {
		return
	}
	again := make(map[string]bool)
	for _, s := range incoming.Sites {
		again[s.Domain] = true
	}
	for _, s := range base.Sites {
		if !again[strings.ToLower(s.Domain)] {
			r.fault(r.named, "enterprise", "%q, but the server has %q with site %s: one server serves one enterprise", incoming.Name, base.Name, s.Name)
			return
		}
	}
}

// check applies the directory's rules. Fields that could not be read have been reported, so what
// the rules say of the same place is not.
func (r *reader) check(e *directory.Enterprise) {
	if r.broken {
		return
	}
	for _, f := range directory.Validate(e) {
		if r.unread[f.Owner] || r.failed[place{f.Owner, f.Field}] {
			continue
		}
		at, ok := r.find(f.Owner, f.Field)
		if !ok {
			at = spot{position{file: storedData}, f.Path}
		}
		r.fault(at.position, at.path, "%s", r.cause(f, at))
	}
}

// storedData stands for the file in faults of what the server has already.
const storedData = "stored data"

// cause is the fault's cause, with the place of the other value as a reader of the file finds it.
func (r *reader) cause(f *directory.Fault, at spot) string {
	if f.First == nil {
		return f.Cause
	}
	first, ok := r.find(f.First.Owner, f.First.Field)
	var where string
	switch {
	case !ok:
		where = f.First.Path + " of the stored data"
	case first.file != at.file:
		where = fmt.Sprintf("%s:%d", first.file, first.line)
	case first.line == at.line:
		where = first.path
	default:
		where = fmt.Sprintf("line %d", first.line)
	}
	return strings.Replace(f.Cause, f.First.Path, where, 1)
}

// maxFile bounds a file; a site of 100 000 users stays below it.
const maxFile = 64 << 20

// text says whether a file can be read as text at all.
func (r *reader) text(src Source) bool {
	switch {
	case len(src.Data) > maxFile:
		r.fault(position{file: src.Name}, "", "is larger than %d MiB", maxFile>>20)
	case !utf8.Valid(src.Data):
		line, column := 1, 1
		for rest := src.Data; ; {
			c, size := utf8.DecodeRune(rest)
			if c == utf8.RuneError && size <= 1 {
				break
			}
			if column++; c == '\n' {
				line, column = line+1, 1
			}
			rest = rest[size:]
		}
		r.fault(position{src.Name, line, column}, "", "is not UTF-8")
	default:
		return true
	}
	r.broken = true
	return false
}

//go:embed demo.yaml
var demo []byte

// DemoFile gives the text of the demo's site file.
func DemoFile() []byte { return append([]byte(nil), demo...) }

// Demo gives the bilingual enterprise of the demo, fresh each time. Its passwords are public.
func Demo() *directory.Enterprise {
	e, err := Parse("demo.yaml", demo)
	if err != nil {
		panic(fmt.Sprintf("sitefile: the built-in demo is broken: %v", err))
	}
	return e
}
