package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/auditor"
	"passerelle/portal/health"
	"passerelle/portal/httpd"
	"passerelle/portal/sources"
	"passerelle/portal/token"
	"passerelle/portal/web"
	"passerelle/provision"
	"passerelle/sip"
	"passerelle/store"
	"passerelle/store/storetest"
)

// world is the portal on a store of its own, behind the server's own front, on a real listener.
type world struct {
	*config
	url    string
	live   *fakeLive
	outs   *fakeCalls
	acc    *account.Accounts
	desk   *hoteling.Desk
	phones *provision.Phones
	tokens *token.Keeper
	guard  *sip.Guard
	kept   *sources.Sources
	log    *syncBuffer
	factor []string     // recovery codes of who has a second factor
	read   atomic.Int64 // how often pages have read the store
}

// countedRecords counts the reads of accounts.
type countedRecords struct {
	account.Records
	n *atomic.Int64
}

func (c countedRecords) Account(ctx context.Context, id string) (directory.Account, error) {
	c.n.Add(1)
	return c.Records.Account(ctx, id)
}

// countedSessions counts the reads of sessions.
type countedSessions struct {
	*store.Sessions
	n *atomic.Int64
}

func (c countedSessions) Find(token string) ([]byte, bool, error) {
	c.n.Add(1)
	return c.Sessions.Find(token)
}

// newWorld serves the demo's enterprise with another administrator for each role.
func newWorld(t *testing.T) *world {
	t.Helper()
	e := sitefile.Demo()
	paris := e.Sites[0]
	paris.Users[1].Roles = []directory.Role{directory.HelpDesk} // Bruno
	e.Sites[1].Users[0].Roles = []directory.Role{directory.SiteAdmin}
	return newWorldOf(t, e)
}

// newWorldOf serves an enterprise; change may have the pages stand on something else.
func newWorldOf(t testing.TB, e *directory.Enterprise, change ...func(*world, *web.Config)) *world {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	t.Cleanup(srv.Close)
	w := &world{config: &config{store: storetest.New(t)}, live: &fakeLive{}, outs: &fakeCalls{}, log: &syncBuffer{}, url: "http://" + srv.Listener.Addr().String()}
	if err := w.store.Import(t.Context(), e, nil); err != nil {
		t.Fatal(err)
	}
	w.config.live = directory.NewLive(w.load(t))
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.acc = account.New(account.Config{Directory: w.config.live, Passwords: w.store, Records: countedRecords{w.store, &w.read}, Sessions: countedSessions{w.store.Sessions(), &w.read}, Log: log})
	w.desk = hoteling.NewDesk(hoteling.DeskConfig{Directory: w.config.live, Log: log})
	w.phones = provision.New(provision.Config{Directory: w.config.live, Registrations: w.live, Notices: w.live, Log: log})
	w.guard = sip.NewGuard(sip.GuardConfig{})
	w.kept = sources.New(sources.Config{Directory: w.config.live, Registrations: w.live, Guard: w.guard, SignIns: w.acc, Store: w.store})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.desk.Run(ctx) }() // ended by the cleanup, which waits
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var err error
	if w.tokens, err = token.Open(t.Context(), w.store, w.acc, log); err != nil {
		t.Fatal(err)
	}
	cfg := web.Config{
		LiveCalls: w.live, Tokens: w.tokens,
		Accounts: w.acc, Directory: w.config.live, Bridges: w.live, Registrations: w.live, Gateways: w.config, Settings: w.config, SpaceCalls: w.outs, Desk: w.desk, Phones: w.phones, Trunks: w.live, Configuration: w.config, Records: w.live, Version: "v1", Log: log,
		Health: health.New(health.Config{Directory: w.config.live, Trunks: w.live.States, Blocked: w.kept.Blocked}), Sources: w.kept,
		Audit: w.config, Auditor: auditor.New(w.config.live, w.store, log),
	}
	for _, f := range change {
		f(w, &cfg)
	}
	pages := web.New(cfg)
	a, err := api.New(api.Config{Version: "v1", Directory: w.config.live, Bridges: w.live, Registrations: w.live, Tokens: w.tokens, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := api.NewTokens()
	if err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = httpd.NewFront(httpd.Config{API: a, Pages: pages, Version: "v1", Log: log}).Handler(api.Either{First: tokens, Second: w.tokens})
	srv.Start()
	return w
}

// config changes the stored enterprise as the server does.
type config struct {
	store *store.Store
	live  *directory.Live
	mu    sync.Mutex
	told  func(progress func(done, total int)) // in an import, before it changes anything; nil: nothing is told
}

func (c *config) load(t testing.TB) *directory.Directory {
	t.Helper()
	d, err := c.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (c *config) read(ctx context.Context) (*directory.Directory, error) {
	e, err := c.store.Load(ctx)
	if err != nil {
		return nil, err
	}
	return directory.New(e)
}

func (c *config) edit(ctx context.Context, change func(*directory.Enterprise) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.store.Edit(ctx, nil, func(e *directory.Enterprise) (*directory.Enterprise, error) { return e, change(e) })
	if err != nil {
		return err
	}
	d, err := c.read(ctx)
	if err == nil {
		c.live.Swap(d)
	}
	return err
}

func (c *config) AssignGateway(ctx context.Context, domain string, number directory.Number, expect *directory.Number) error {
	return c.edit(ctx, func(e *directory.Enterprise) error {
		for _, s := range e.Sites {
			if s.Domain == domain {
				if expect != nil && *expect != s.Gateway.Number {
					return api.ErrChanged
				}
				s.Gateway.Number = number
			}
		}
		return nil
	})
}

func (c *config) SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error {
	return c.edit(ctx, func(e *directory.Enterprise) error {
		for _, s := range e.Sites {
			for u := range s.Everyone() {
				if u.Ref == ref {
					change(u)
				}
			}
		}
		return nil
	})
}

// Import implements api.Configuration, as the server does.
func (c *config) Import(ctx context.Context, files []sitefile.Source, dry bool, progress func(done, total int)) (api.Imported, error) {
	var n api.Imported
	read := func(current *directory.Enterprise) (*directory.Enterprise, error) {
		next, err := sitefile.Read(sitefile.Options{Base: current}, files...)
		if err != nil {
			return nil, err
		}
		n = api.Imported{Sites: len(next.Sites)}
		for _, s := range next.Sites {
			n.Users += len(s.Users)
			n.Workspaces += len(s.Workspaces)
		}
		return next, nil
	}
	if dry {
		current, err := c.store.Load(ctx)
		if err == nil {
			_, err = read(current)
		}
		return n, err
	}
	if c.told != nil {
		c.told(progress)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.store.Edit(ctx, nil, read); err != nil {
		return n, err
	}
	d, err := c.read(ctx)
	if err == nil {
		c.live.Swap(d)
	}
	return n, err
}

// Export implements api.Configuration.
func (c *config) Export(context.Context, sitefile.SecretMode) ([]byte, error) {
	return nil, errors.New("not exported")
}

// site is a site as it is now.
func (w *world) site(t *testing.T, domain string) *directory.Site {
	t.Helper()
	s, ok := w.config.live.Current().SiteByDomain(domain)
	if !ok {
		t.Fatal("no site", domain)
	}
	return s
}

// user is a user of the directory as it is now.
func (w *world) user(t *testing.T, email string) *directory.User {
	t.Helper()
	u, ok := w.config.live.Current().UserByEmail(email)
	if !ok {
		t.Fatal("no user", email)
	}
	return u
}

// fakeLive is what happens on the server, as a test has it.
type fakeLive struct {
	mu      sync.Mutex
	bridges []gateway.BridgeInfo
	binding []sip.Binding
	calls   []call.LiveCall
	ended   []string
	trunks  []trunks.State
	records []cdr.Record // newest first
	deaf    error        // what phones answer that are told to fetch
	asked   atomic.Int64 // how often pages have asked for any of it
}

// Between implements api.Records.
func (f *fakeLive) Between(_ time.Time, _ cdr.Mark, n int, match func(cdr.Record) bool) ([]cdr.Record, error) {
	var found []cdr.Record
	for _, r := range f.records {
		if match(r) && len(found) < n {
			found = append(found, r)
		}
	}
	return found, nil
}

func (f *fakeLive) Notify(context.Context, sip.Notice) error { return f.deaf }

func (f *fakeLive) States() []trunks.State {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.trunks)
}

func (f *fakeLive) set(b ...gateway.BridgeInfo) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bridges = b
}

func (f *fakeLive) Bridges() []gateway.BridgeInfo {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.bridges)
}

// meetsLocked tells why the space has no such participant, as the gateway does; an empty one is anybody.
func (f *fakeLive) meetsLocked(space, participant string) error {
	i := slices.IndexFunc(f.bridges, func(b gateway.BridgeInfo) bool { return b.Space == space })
	if i < 0 {
		return gateway.ErrNoBridge
	}
	if participant != "" && !slices.ContainsFunc(f.bridges[i].Participants, func(p gateway.ParticipantInfo) bool { return p.ID == participant }) {
		return gateway.ErrNoParticipant
	}
	return nil
}

func (f *fakeLive) EndBridge(_ context.Context, space string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.meetsLocked(space, ""); err != nil {
		return err
	}
	f.ended = append(f.ended, space)
	f.bridges = slices.DeleteFunc(f.bridges, func(b gateway.BridgeInfo) bool { return b.Space == space })
	return nil
}

func (f *fakeLive) Remove(_ context.Context, space, participant string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.meetsLocked(space, participant); err != nil {
		return err
	}
	f.ended = append(f.ended, space+"/"+participant)
	for i, b := range f.bridges {
		if b.Space == space {
			f.bridges[i].Participants = slices.DeleteFunc(slices.Clone(b.Participants), func(p gateway.ParticipantInfo) bool { return p.ID == participant })
		}
	}
	return nil
}

func (f *fakeLive) setCalls(c ...call.LiveCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = c
}

func (f *fakeLive) LiveCalls() []call.LiveCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fakeLive) EndCall(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = append(f.ended, "call "+id)
	if !slices.ContainsFunc(f.calls, func(c call.LiveCall) bool { return c.ID == id }) {
		return call.ErrNoCall
	}
	f.calls = slices.DeleteFunc(slices.Clone(f.calls), func(c call.LiveCall) bool { return c.ID == id })
	return nil
}

func (f *fakeLive) Mute(_ context.Context, space, participant string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.meetsLocked(space, participant); err != nil {
		return err
	}
	f.ended = append(f.ended, fmt.Sprint(space, "/", participant, " muted ", on))
	for i, b := range f.bridges {
		if b.Space == space {
			f.bridges[i].Participants = slices.Clone(b.Participants)
			for j, p := range b.Participants {
				f.bridges[i].Participants[j].Muted = p.ID == participant && on
			}
		}
	}
	return nil
}

func (f *fakeLive) Lock(_ context.Context, space string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.meetsLocked(space, ""); err != nil {
		return err
	}
	f.ended = append(f.ended, fmt.Sprint(space, " locked ", on))
	for i, b := range f.bridges {
		f.bridges[i].Locked = b.Space == space && on
	}
	return nil
}

func (f *fakeLive) All() iter.Seq[sip.Binding] {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Values(slices.Clone(f.binding))
}

func (f *fakeLive) Count() int { return len(f.binding) }

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
