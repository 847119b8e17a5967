package trunks

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/sip"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// outside is the world of trunks: names, and servers that answer or do not. It is DNS and Requests at once.
type outside struct {
	mu     sync.Mutex
	srv    map[string][]SRV
	hosts  map[string][]netip.Addr
	ttl    time.Duration
	black  bool                      // DNS answers nothing
	code   map[netip.AddrPort]int    // status of a server; absent means that nobody answers
	conn   map[netip.AddrPort]uint64 // number of our connection
	asked  map[netip.AddrPort]int    // requests by server
	seen   []sip.Request             // REGISTERs
	lookup int
}

func newOutside() *outside {
	return &outside{
		srv: make(map[string][]SRV), hosts: make(map[string][]netip.Addr), ttl: time.Minute,
		code: make(map[netip.AddrPort]int), conn: make(map[netip.AddrPort]uint64), asked: make(map[netip.AddrPort]int),
	}
}

func (o *outside) look(ctx context.Context) error {
	o.mu.Lock()
	o.lookup++
	black := o.black
	o.mu.Unlock()
	if black {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return nil
}

func (o *outside) SRV(ctx context.Context, name string) ([]SRV, time.Duration, error) {
	if err := o.look(ctx); err != nil {
		return nil, 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.srv[name]) == 0 {
		return nil, 0, ErrNoRecords
	}
	return o.srv[name], o.ttl, nil
}

func (o *outside) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	if err := o.look(ctx); err != nil {
		return nil, 0, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.hosts[host]) == 0 {
		return nil, 0, ErrNoRecords
	}
	return o.hosts[host], o.ttl, nil
}

func (o *outside) Request(ctx context.Context, r sip.Request) (*sip.Response, error) {
	at := r.Target.Source.Remote
	o.mu.Lock()
	o.asked[at]++
	if r.Method == "REGISTER" {
		o.seen = append(o.seen, r)
	}
	code, there := o.code[at]
	conn := o.conn[at]
	o.mu.Unlock()
	if !there {
		<-ctx.Done()
		return nil, context.Cause(ctx)
	}
	return &sip.Response{Code: code, Reason: sip.StatusText(code), CSeq: r.CSeq, Connection: conn}, nil
}

// set changes the world.
func (o *outside) set(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f()
}

func (o *outside) count(at string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[netip.MustParseAddrPort(at)]
}

func (o *outside) registers() []sip.Request {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]sip.Request{}, o.seen...)
}

// watch runs Trunks on the demo with one trunk, in a bubble.
func watch(t *testing.T, o *outside, edit func(tr *directory.Trunk), scenario func(t *testing.T, tr *directory.Trunk, all *Trunks)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		live, tr := oneTrunk(t, edit)
		all := New(Config{Directory: live, Requests: o, DNS: o})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- all.Run(ctx) }() // ends with cancel
		synctest.Wait()
		defer func() { // also after a scenario that failed
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		scenario(t, tr, all)
	})
}

// oneTrunk is the demo's enterprise with one trunk of Paris.
func oneTrunk(t *testing.T, edit func(tr *directory.Trunk)) (*directory.Live, *directory.Trunk) {
	t.Helper()
	e := sitefile.Demo()
	tr := e.Sites[0].Trunks[0]
	tr.Site, tr.NoProbe = e.Sites[0], false
	edit(tr)
	dir, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return directory.NewLive(dir), tr
}

func wantCondition(t *testing.T, all *Trunks, want Condition) State {
	t.Helper()
	synctest.Wait()
	states := all.States()
	if len(states) != 1 || states[0].Condition != want {
		t.Fatalf("%+v, want one trunk %s", states, want)
	}
	return states[0]
}

func wantHops(t *testing.T, all *Trunks, tr *directory.Trunk, want ...string) {
	t.Helper()
	synctest.Wait()
	var got []string
	for _, h := range all.Hops(tr) {
		got = append(got, h.Addr.String())
	}
	if len(got) != len(want) {
		t.Fatalf("ways %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("ways %v, want %v", got, want)
		}
	}
}

var (
	first, second = netip.MustParseAddrPort("192.0.2.1:5060"), netip.MustParseAddrPort("192.0.2.2:5060")
	errCall       = &sip.StatusError{Code: 408, Err: errors.New("no answer at all")}
)
