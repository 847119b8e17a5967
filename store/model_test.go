package store_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"passerelle/directory"
	"passerelle/sip"
	"passerelle/store"
	"passerelle/store/storetest"
)

// model is what a store should hold, in plain maps.
type model struct {
	order    []string                     // domains
	sites    map[string]*directory.Site   // by domain
	bindings map[sip.BindingKey]time.Time // expiries
	refs     map[directory.Number]uint64  // of users that are there
	lastRef  uint64
}

// TestStoreAgainstModel does random deeds to a store and to a model of it: after each of them, and
// after reopening the file, both hold the same.
func TestStoreAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.db", time.Now().UnixNano()))
		s, err := store.Open(path, storetest.Key)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { storetest.Close(t, s) }()
		m := &model{sites: make(map[string]*directory.Site), bindings: make(map[sip.BindingKey]time.Time), refs: make(map[directory.Number]uint64)}
		rt.Repeat(map[string]func(*rapid.T){
			"import":   func(rt *rapid.T) { m.importSites(t, rt, s) },
			"bindings": func(rt *rapid.T) { m.saveBindings(t, rt, s) },
			"reopen": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = store.Open(path, storetest.Key); err != nil {
					rt.Fatal(err)
				}
			},
			"": func(rt *rapid.T) { m.compare(t, rt, s) },
		})
	})
}

// drawSite makes a site out of few domains and numbers, so that imports replace and collide.
func drawSite(rt *rapid.T) *directory.Site {
	site := directory.NewSite()
	i := rapid.IntRange(0, 2).Draw(rt, "site")
	site.Name, site.Domain, site.Country, site.Timezone = fmt.Sprintf("Site %d", i), fmt.Sprintf("s%d.test", i), "FR", "Europe/Paris"
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 5), 0, 4, rapid.ID).Draw(rt, "users") {
		u := directory.NewUser(directory.Person)
		if rapid.Bool().Draw(rt, "workspace") {
			u = directory.NewUser(directory.Workspace)
			site.Workspaces = append(site.Workspaces, u)
		} else {
			u.PIN = directory.Secret(rapid.StringMatching(`[0-9]{4,6}`).Draw(rt, "pin"))
			site.Users = append(site.Users, u)
		}
		u.Name = rapid.StringMatching(`[a-zé]{1,8}`).Draw(rt, "name")
		u.Number = directory.Number(fmt.Sprintf("+3317000%04d", n))
		u.Phone = &directory.Device{Username: fmt.Sprintf("phone%d", n), Password: directory.Secret(rapid.StringN(1, 8, -1).Draw(rt, "password"))}
	}
	return site
}

func (m *model) importSites(t *testing.T, rt *rapid.T, s *store.Store) {
	e := &directory.Enterprise{Name: "model"}
	for range rapid.IntRange(1, 2).Draw(rt, "sites") {
		e.Sites = append(e.Sites, drawSite(rt))
	}
	next, order := m.replaced(e)
	sound := len(directory.Validate(&directory.Enterprise{Sites: next})) == 0 && distinctDomains(e)
	err := s.Import(t.Context(), e, nil)
	if (err == nil) != sound {
		rt.Fatalf("import: %v, the rules say %v", err, sound)
	}
	if !sound {
		return
	}
	m.order = order
	refs := make(map[directory.Number]uint64)
	kinds := make(map[directory.Number]directory.UserKind)
	for _, old := range m.sites {
		for u := range old.Everyone() {
			kinds[u.Number] = u.Kind
		}
	}
	replaced := make(map[directory.Number]bool) // only users of replaced sites are taken for the same
	for _, site := range e.Sites {
		if old := m.sites[site.Domain]; old != nil {
			for u := range old.Everyone() {
				replaced[u.Number] = true
			}
		}
	}
	for _, site := range next {
		for u := range site.Everyone() {
			ref, known := m.refs[u.Number]
			same := known && kinds[u.Number] == u.Kind && (replaced[u.Number] || m.sites[site.Domain] == site)
			if !same {
				m.lastRef++
				ref = m.lastRef
			}
			refs[u.Number] = ref
		}
	}
	m.refs = refs
	m.sites = make(map[string]*directory.Site)
	for _, site := range next {
		m.sites[site.Domain] = site
	}
}

// replaced gives the sites after an import of e.
func (m *model) replaced(e *directory.Enterprise) (sites []*directory.Site, order []string) {
	now := make(map[string]*directory.Site)
	order = slices.Clone(m.order)
	for domain, site := range m.sites {
		now[domain] = site
	}
	for _, site := range e.Sites {
		if now[site.Domain] == nil {
			order = append(order, site.Domain)
		}
		now[site.Domain] = site
	}
	for _, domain := range order {
		sites = append(sites, now[domain])
	}
	return sites, order
}

func distinctDomains(e *directory.Enterprise) bool {
	return len(e.Sites) < 2 || e.Sites[0].Domain != e.Sites[1].Domain
}

func (m *model) saveBindings(t *testing.T, rt *rapid.T, s *store.Store) {
	key := func(label string) sip.Binding {
		return sip.Binding{
			AOR:     sip.NewAOR(rapid.SampledFrom([]string{"201", "202"}).Draw(rt, label+" user"), "s0.test"),
			Contact: rapid.SampledFrom([]string{"sip:a@192.0.2.1", "sip:b@192.0.2.2"}).Draw(rt, label+" contact"),
		}
	}
	var put []sip.Binding
	var del []sip.BindingKey
	for range rapid.IntRange(0, 2).Draw(rt, "del") {
		b := key("del")
		del = append(del, b.Key())
		delete(m.bindings, b.Key())
	}
	for range rapid.IntRange(0, 2).Draw(rt, "put") {
		b := key("put")
		b.Expires = time.Unix(rapid.Int64Range(0, 1<<33).Draw(rt, "expires"), 0).UTC()
		put = append(put, b)
		m.bindings[b.Key()] = b.Expires
	}
	if err := s.SaveBindings(t.Context(), put, del); err != nil {
		rt.Fatal(err)
	}
}

func (m *model) compare(t *testing.T, rt *rapid.T, s *store.Store) {
	e, err := s.Load(t.Context())
	if err != nil {
		rt.Fatal(err)
	}
	want := &directory.Enterprise{}
	if len(m.order) > 0 {
		want.Name = "model"
	}
	for _, domain := range m.order {
		want.Sites = append(want.Sites, m.sites[domain])
	}
	if diff := cmp.Diff(want, e, sameEnterprise); diff != "" {
		rt.Fatal("the store differs from the model:\n" + diff)
	}
	seen := make(map[uint64]bool)
	for _, site := range e.Sites {
		for u := range site.Everyone() {
			if seen[u.Ref] || u.Ref != m.refs[u.Number] {
				rt.Fatalf("%s has number %d, want %d", u.Number, u.Ref, m.refs[u.Number])
			}
			seen[u.Ref] = true
		}
	}
	bindings, err := s.LoadBindings(t.Context())
	if err != nil {
		rt.Fatal(err)
	}
	got := make(map[sip.BindingKey]time.Time)
	for _, b := range bindings {
		got[b.Key()] = b.Expires
	}
	if diff := cmp.Diff(m.bindings, got); diff != "" {
		rt.Fatal("the bindings differ from the model:\n" + diff)
	}
}
