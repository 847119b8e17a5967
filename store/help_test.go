package store_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		crashChild(path)
		return
	}
	if path := os.Getenv(moveEnv); path != "" {
		moveChild(path)
		return
	}
	flag.Parse()
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		f.Value.Set("30") // each of them writes to a disk a hundred times
	}
	os.Exit(m.Run())
}

// demo is the demo without portal passwords: hashing them takes most of an import's time.
func demo() *directory.Enterprise {
	e := sitefile.Demo()
	for _, s := range e.Sites {
		for _, u := range s.Users {
			u.PortalPassword = ""
		}
	}
	return e
}

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// bulk makes a site of n users, each with a phone, a space, a PIN and a portal password.
func bulk(n int) *directory.Enterprise {
	s := directory.NewSite()
	s.Name, s.Domain, s.Country, s.Timezone, s.ExtensionLength = "Bulk", "bulk.test", "FR", "Europe/Paris", 7
	for i := range n {
		u := directory.NewUser(directory.Person)
		u.Name = fmt.Sprintf("User %d", i)
		u.Number = directory.Number(fmt.Sprintf("+331800%05d", i))
		u.Extension = fmt.Sprintf("20%05d", i)
		u.Pack = directory.Premium
		u.PIN = "4321"
		u.Email = fmt.Sprintf("user%d@bulk.test", i)
		u.PortalPassword = directory.Secret(fmt.Sprintf("portal-%d", i))
		u.Phone = &directory.Device{
			MAC:   directory.MAC(fmt.Sprintf("02:00:00:%02x:%02x:%02x", i>>16&255, i>>8&255, i&255)),
			Model: "CP-8851-3PCC", Username: fmt.Sprintf("user%d", i), Password: "secret",
		}
		s.Users = append(s.Users, u)
	}
	return &directory.Enterprise{Name: "bulk", Sites: []*directory.Site{s}}
}
