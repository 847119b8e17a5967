package store_test

import (
	"errors"
	"fmt"
	"testing"

	"passerelle/directory"
	"passerelle/store/storetest"
)

func TestAllowedSourcesAreKept(t *testing.T) {
	s := storetest.New(t)
	for _, text := range []string{"203.0.113.9", "2001:db8::/32", "192.0.2.77/24", "192.0.2.0/24"} {
		p, err := directory.ParseRange(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AllowSource(t.Context(), directory.AllowedSource{Range: p, Note: text}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.AllowedSources(t.Context())
	if err != nil || len(all) != 3 || all[0].Range.String() != "192.0.2.0/24" || all[0].Note != "192.0.2.0/24" || all[1].Range.String() != "203.0.113.9/32" {
		t.Fatalf("%+v %v", all, err)
	}
	if was, err := s.DisallowSource(t.Context(), all[0].Range); !was || err != nil {
		t.Error(was, err)
	}
	if was, err := s.DisallowSource(t.Context(), all[0].Range); was || err != nil {
		t.Error(was, err)
	}
}

func TestAllowedSourcesAreBounded(t *testing.T) {
	s := storetest.New(t)
	last := error(nil)
	for i := range directory.MaxAllowedSources + 1 {
		p, err := directory.ParseRange(fmt.Sprintf("10.0.%d.%d", i/256, i%256))
		if err != nil {
			t.Fatal(err)
		}
		if last = s.AllowSource(t.Context(), directory.AllowedSource{Range: p}); last != nil && i < directory.MaxAllowedSources {
			t.Fatal(i, last)
		}
	}
	if !errors.Is(last, directory.ErrTooManyRanges) {
		t.Error(last)
	}
}

func TestRangesThatAreTooWide(t *testing.T) {
	for _, text := range []string{"0.0.0.0/0", "10.0.0.0/7", "::/0", "2001::/31", "::ffff:10.0.0.0/104", "x", "", "10.0.0.0/33", "fe80::1%eth0/64"} {
		if p, err := directory.ParseRange(text); !errors.Is(err, directory.ErrBadRange) {
			t.Errorf("%q is read as %s, %v", text, p, err)
		}
	}
	if p, err := directory.ParseRange("::ffff:10.1.2.3"); err != nil || p.String() != "10.1.2.3/32" {
		t.Error(p, err)
	}
}
