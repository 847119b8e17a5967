package hoteling

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// memory is a Store that can fail.
type memory struct {
	mu   sync.Mutex
	list map[uint64]Association
	fail error
}

func (m *memory) LoadAssociations(context.Context) ([]Association, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Collect(maps.Values(m.list)), m.fail
}

func (m *memory) ChangeAssociations(_ context.Context, free []uint64, seat []Association) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.list == nil {
		m.list = make(map[uint64]Association)
	}
	for _, host := range free {
		delete(m.list, host)
	}
	for _, a := range seat {
		maps.DeleteFunc(m.list, func(_ uint64, b Association) bool { return b.Guest == a.Guest })
		a.Since, a.Until = a.Since.Round(0).UTC(), a.Until.Round(0).UTC() // as a disk keeps it
		m.list[a.Host] = a
	}
	return nil
}

// breaks makes the store fail with err, nil mends it.
func (m *memory) breaks(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// kept is what the store holds.
func (m *memory) kept() map[uint64]Association {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.list)
}

var errDisk = errors.New("disk full")

// office is the demo's enterprise with a desk.
type office struct {
	t     *testing.T
	live  *directory.Live
	store *memory
	desk  *Desk
	log   *bytes.Buffer
	mu    sync.Mutex
	told  []Change
	stop  func()
}

// newOffice opens a desk on an enterprise; edit may change the demo's before.
func newOffice(t *testing.T, store *memory, edit ...func(e *directory.Enterprise)) *office {
	t.Helper()
	e := sitefile.Demo()
	for _, f := range edit {
		f(e)
	}
	dir, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, live: directory.NewLive(dir), store: store, log: &bytes.Buffer{}}
	o.open()
	return o
}

// open starts the desk, anew after a stop.
func (o *office) open() {
	o.t.Helper()
	o.desk = NewDesk(DeskConfig{Directory: o.live, Store: o.store, Log: slog.New(slog.NewTextHandler(o.log, &slog.HandlerOptions{ReplaceAttr: timeless}))})
	o.desk.OnChange(func(c Change) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.told = append(o.told, c)
	})
	if err := o.desk.Load(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	desk := o.desk
	go func() { _ = desk.Run(ctx) }() // ends with the test
	o.stop = func() { cancel(); <-desk.ended }
	o.t.Cleanup(o.stop)
}

// changes gives what was told since.
func (o *office) changes() []Change {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.told
	o.told = nil
	return list
}

// user finds somebody by site (p for Paris, m for Montreal) and extension.
func (o *office) user(where string) *directory.User {
	o.t.Helper()
	dir := o.live.Current()
	site := dir.Sites()[0]
	if where[0] == 'm' {
		site = dir.Sites()[1]
	}
	u, ok := dir.UserByExtension(site, where[1:])
	if !ok {
		o.t.Fatalf("nobody is %s", where)
	}
	return u
}

func (o *office) ref(where string) uint64 { o.t.Helper(); return o.user(where).Ref }

// key presses a host phone's keys.
func (o *office) key(host string, set Set) (a answer, c Challenge) {
	o.t.Helper()
	ref := o.ref(host)
	if err := o.desk.do(o.t.Context(), func() { a, c = o.desk.fromPhone(ref, "dialog of "+host, set) }); err != nil {
		o.t.Fatal(err)
	}
	return a, c
}

// guestIn goes through Guest In on a host phone as a person does who types address and PIN.
func (o *office) guestIn(host, address string, pin directory.Secret) answer {
	o.t.Helper()
	a, c := o.key(host, Set{Guest: address})
	if a != answerChallenge {
		return a
	}
	a, _ = o.key(host, Set{Guest: address, Proof: &Proof{c.Nonce, Response(c.Nonce, pin)}})
	return a
}

// at says who is signed in on a host: the extension, or nobody.
func (o *office) at(host string) string {
	o.t.Helper()
	a, ok := o.desk.On(o.ref(host))
	if !ok {
		return ""
	}
	u, _ := o.live.Current().UserByRef(a.Guest)
	return u.Extension
}

// edit changes the directory as an administrator does. Users keep their Ref.
func (o *office) edit(change func(e *directory.Enterprise)) {
	o.t.Helper()
	e := sitefile.Demo()
	refs := map[directory.Number]uint64{}
	for _, s := range o.live.Current().Sites() {
		for u := range s.Everyone() {
			refs[u.Number] = u.Ref
		}
	}
	for _, s := range e.Sites {
		for u := range s.Everyone() {
			u.Ref = refs[u.Number]
		}
	}
	change(e)
	dir, err := directory.New(e)
	if err != nil {
		o.t.Fatal(err)
	}
	o.live.Swap(dir)
	o.desk.Reexamine()
	if err := o.desk.do(o.t.Context(), func() {}); err != nil {
		o.t.Fatal(err)
	}
}

// timeless leaves out the time of a log line, whose digits may be those of a secret that must not be there.
func timeless(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
