package sitefile_test

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// FuzzParse wants that no file panics, that every refusal has faults with a cause, and that what
// is accepted becomes a directory and comes back from a written file.
func FuzzParse(f *testing.F) {
	paths, err := filepath.Glob(filepath.Join(sites, "*.yaml"))
	if err != nil || len(paths) < 10 {
		f.Fatal("no seeds:", len(paths), err)
	}
	for _, path := range paths {
		f.Add(read(f, path))
	}
	f.Add(sitefile.DemoFile())
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := sitefile.Parse("fuzz.yaml", data)
		accepted(t, e, err)
	})
}

// FuzzUsers does the same with a CSV file for the demo's enterprise.
func FuzzUsers(f *testing.F) {
	f.Add([]byte("site,name,number,extension,pack,phone.mac,phone.model,phone.username,phone.password\nParis,User 0,+33930000000,210,standard,02:00:00:00:00:00,CP-8851-3PCC,user0,secret\n"))
	f.Add([]byte("\ufeffsite;name;number;roles;guest.allowed;softphones[1].username;softphones[1].password\nmontreal.acme.test;\"X \"\"y\"\"\";+15145550999;site_admin help_desk;true;a;b\n"))
	f.Add([]byte("site,number,pin\nParis,+33170001201,9999\nParis,+33170001201,1111\n"))
	f.Add([]byte("site,name\n\"Paris"))
	f.Add([]byte("name,phone,phone.lines[0].number,softphones[99].username,site.x,\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, sitefile.Source{Name: "fuzz.csv", Data: data})
		accepted(t, e, err)
	})
}

func accepted(t *testing.T, e *directory.Enterprise, err error) {
	t.Helper()
	if err != nil {
		faults := sitefile.Faults(err)
		if e != nil || len(faults) == 0 {
			t.Fatalf("refused without faults: %v", err)
		}
		for _, f := range faults {
			if f.Cause == "" || f.File == "" {
				t.Fatalf("a fault without cause or file: %+v", f)
			}
		}
		return
	}
	text := sitefile.Format(e, sitefile.FormatOptions{})
	again, err := sitefile.Parse("again.yaml", text)
	if err != nil {
		t.Fatalf("what was written does not read: %v\n%s", err, text)
	}
	if diff := cmp.Diff(e, again, same); diff != "" {
		t.Fatalf("changed by writing and reading:\n%s\n%s", diff, text)
	}
	if _, err := directory.New(e); err != nil {
		t.Fatalf("sound for the parser, not for the directory: %v", err)
	}
}
