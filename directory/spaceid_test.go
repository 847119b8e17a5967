package directory_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"passerelle/directory"
)

func TestValidSpaceID(t *testing.T) {
	check := &directory.Site{SpaceIDLength: 11, SpaceIDCheck: true}
	free := &directory.Site{SpaceIDLength: 8}
	for _, test := range []struct {
		site *directory.Site
		id   string
		want bool
	}{
		{check, "48213907752", true},
		{check, "73500619280", true},
		{check, "48213907751", false},
		{check, "5724", true}, // Damm's own example, shorter than full length
		{check, "5725", false},
		{check, "482139077520", false}, // longer than full length
		{check, "", false},
		{check, "572x", false},
		{check, "572", false},
		{free, "12345678", true},
		{free, "1234", true},
		{free, "123456789", false},
		{free, "123", false},
		{free, "12.4", false},
	} {
		if got := directory.ValidSpaceID(test.site, test.id); got != test.want {
			t.Errorf("%q with check %v: %v", test.id, test.site.SpaceIDCheck, got)
		}
	}
}

// TestSpaceIDCheckDigit wants each wrong digit and each swap of neighbours to be noticed.
func TestSpaceIDCheckDigit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		site := &directory.Site{SpaceIDLength: rapid.IntRange(4, 15).Draw(t, "length"), SpaceIDCheck: true}
		secret, err := directory.NewSpaceID(site, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		id := []byte(secret.Reveal())
		if len(id) != site.SpaceIDLength || id[0] == '0' || !directory.ValidSpaceID(site, string(id)) {
			t.Fatalf("generated %s", id)
		}
		for i := range id {
			for d := byte('0'); d <= '9'; d++ {
				wrong := bytes.Clone(id)
				wrong[i] = d
				if d != id[i] && directory.ValidSpaceID(site, string(wrong)) {
					t.Fatalf("%s with one wrong digit, %s, is valid", id, wrong)
				}
			}
			if i > 0 && id[i] != id[i-1] {
				wrong := bytes.Clone(id)
				wrong[i], wrong[i-1] = id[i-1], id[i]
				if directory.ValidSpaceID(site, string(wrong)) {
					t.Fatalf("%s with two digits swapped, %s, is valid", id, wrong)
				}
			}
		}
	})
}

func TestNewSpaceIDUsesEveryDigitAlike(t *testing.T) {
	site := &directory.Site{SpaceIDLength: 11}
	var count [10]int
	const rounds = 5000
	for range rounds {
		id, err := directory.NewSpaceID(site, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []byte(id.Reveal()[1:]) {
			count[c-'0']++
		}
	}
	for d, n := range count { // 5000 expected, 67 is one standard deviation
		if n < 5000-7*67 || n > 5000+7*67 {
			t.Errorf("digit %d came %d times of %d", d, n, 10*rounds)
		}
	}
}

func TestNewSpaceIDFails(t *testing.T) {
	if _, err := directory.NewSpaceID(&directory.Site{SpaceIDLength: 3}, rand.Reader); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("three digits: %v", err)
	}
	if _, err := directory.NewSpaceID(&directory.Site{SpaceIDLength: 11}, bytes.NewReader([]byte{1, 2, 3})); !errors.Is(err, io.EOF) {
		t.Errorf("no more randomness: %v", err)
	}
}

func TestFillSpaceIDs(t *testing.T) {
	// There are 900 IDs of four digits with a check digit and no leading zero: a hundred users find
	// a hundred different ones.
	site := directory.NewSite()
	site.SpaceIDLength = 4
	for range 100 {
		u := directory.NewUser(directory.Person)
		u.Pack = directory.Premium
		site.Users = append(site.Users, u)
	}
	site.Users = append(site.Users, directory.NewUser(directory.Person)) // not entitled
	e := &directory.Enterprise{Sites: []*directory.Site{site}}
	n, err := directory.FillSpaceIDs(e, rand.Reader)
	if err != nil || n != 100 {
		t.Fatal(n, err)
	}
	seen := make(map[directory.Secret]bool)
	for i, u := range site.Users {
		if seen[u.SpaceID] || (u.SpaceID == "") != (i == 100) {
			t.Errorf("user %d has an ID: %v, taken: %v", i, u.SpaceID != "", seen[u.SpaceID])
		}
		seen[u.SpaceID] = true
	}
	if n, err := directory.FillSpaceIDs(e, rand.Reader); n != 0 || err != nil {
		t.Errorf("a second time: %d, %v", n, err)
	}
	// One thousand users do not fit into the 900 IDs: an error, not an endless search.
	for range 900 {
		u := directory.NewUser(directory.Person)
		u.Pack = directory.Premium
		site.Users = append(site.Users, u)
	}
	if _, err := directory.FillSpaceIDs(e, rand.Reader); !errors.Is(err, directory.ErrInvalid) {
		t.Errorf("more users than IDs: %v", err)
	}
}
