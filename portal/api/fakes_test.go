package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/call/events"
	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/portal/auditor"
	eventlog "passerelle/portal/events"
	"passerelle/provision"
	"passerelle/sip"
)

const (
	readToken  = "read-token-of-the-tests"
	adminToken = "admin-token-of-the-tests"
)

// spaceIDs are those of the sites of testDirectory: no answer without the scope spaces:write and no log may hold them.
var spaceIDs = []string{"48213907752", "73500619280"}

func testDirectory(t *testing.T) *directory.Directory {
	t.Helper()
	paris := directory.NewSite()
	paris.Name, paris.Domain, paris.Language, paris.Country, paris.Timezone = "Paris", "paris.acme.test", directory.French, "FR", "Europe/Paris"
	paris.Numbers = []directory.Number{"+33170001000", "+33170001001", "+33170001002"}
	paris.Gateway = directory.Gateway{Number: "+33170001000", Extension: "100"}
	paris.SpaceIDCheck = false
	for i, name := range []string{"Alice Martin", "Bruno Keller", "Camille Roy"} {
		u := directory.NewUser(directory.Person)
		u.Name, u.Extension = name, []string{"201", "202", "203"}[i]
		u.Number = []directory.Number{"+33170001201", "+33170001202", "+33170001002"}[i]
		u.PIN = "246810"
		u.Phone = &directory.Device{Username: "phone-" + u.Extension, Password: "pA-6d1f0c"}
		if i < 2 {
			u.Pack, u.SpaceID = directory.Premium, directory.Secret(spaceIDs[i])
		}
		paris.Users = append(paris.Users, u)
	}
	lyon := directory.NewSite()
	lyon.Name, lyon.Domain, lyon.Language, lyon.Country, lyon.Timezone = "Lyon", "lyon.acme.test", directory.French, "FR", "Europe/Paris"
	dir, err := directory.New(&directory.Enterprise{Name: "acme", Sites: []*directory.Site{paris, lyon}})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// refOf returns the ref of the n-th user's space.
func refOf(dir *directory.Directory, n int) string {
	return directory.SpaceRef(dir.Sites()[0].Users[n].Ref)
}

type fakeBridges struct {
	mu   sync.Mutex
	live []gateway.BridgeInfo
	fail error
}

func (f *fakeBridges) Bridges() []gateway.BridgeInfo {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.live)
}

func (f *fakeBridges) EndBridge(_ context.Context, space string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	f.live = slices.DeleteFunc(f.live, func(b gateway.BridgeInfo) bool { return b.Space == space })
	return nil
}

func (f *fakeBridges) Remove(_ context.Context, space, participant string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, b := range f.live {
		if b.Space == space {
			f.live[i].Participants = slices.DeleteFunc(slices.Clone(b.Participants), func(p gateway.ParticipantInfo) bool { return p.ID == participant })
		}
	}
	return f.fail
}

func (f *fakeBridges) Mute(_ context.Context, space, participant string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, b := range f.live {
		for j, p := range b.Participants {
			if b.Space == space && p.ID == participant && f.fail == nil {
				f.live[i].Participants[j].Muted = on
				return nil
			}
		}
	}
	return cmp.Or(f.fail, gateway.ErrNoParticipant)
}

func (f *fakeBridges) Lock(_ context.Context, space string, on bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, b := range f.live {
		if b.Space == space && f.fail == nil {
			f.live[i].Locked = on
			return nil
		}
	}
	return cmp.Or(f.fail, gateway.ErrNoBridge)
}

type fakeRegistrations []sip.Binding

func (f fakeRegistrations) All() iter.Seq[sip.Binding] { return slices.Values(f) }
func (f fakeRegistrations) Count() int                 { return len(f) }

type fakeCount int

func (f fakeCount) Legs() int  { return int(f) }
func (f fakeCount) InUse() int { return int(f) }

// fakeGateways assigns as the store does: on a copy of the enterprise, checked as a whole.
type fakeGateways struct {
	live *directory.Live
	fail error
}

func (f *fakeGateways) AssignGateway(_ context.Context, domain string, number directory.Number, expect *directory.Number) error {
	if f.fail != nil {
		return f.fail
	}
	if s, ok := f.live.Current().SiteByDomain(domain); ok && expect != nil && *expect != s.Gateway.Number {
		return ErrChanged
	}
	e := &directory.Enterprise{Name: "acme"}
	for _, s := range f.live.Current().Sites() {
		site := *s
		if site.Domain == domain {
			site.Gateway.Number = number
		}
		e.Sites = append(e.Sites, &site)
	}
	dir, err := directory.New(e)
	if err == nil {
		f.live.Swap(dir)
	}
	return err
}

type fakeConfiguration struct {
	got     []sitefile.Source
	dry     bool
	steps   int // calls of progress before fail
	fail    error
	secrets sitefile.SecretMode
}

func (f *fakeConfiguration) Import(_ context.Context, files []sitefile.Source, dry bool, progress func(done, total int)) (Imported, error) {
	for _, file := range files { // the data is the request's
		f.got = append(f.got, sitefile.Source{Name: file.Name, Data: slices.Clone(file.Data)})
	}
	f.dry = dry
	for i := range f.steps {
		progress(i+1, f.steps)
	}
	return Imported{Sites: 1, Users: 3}, f.fail
}

func (f *fakeConfiguration) Export(_ context.Context, s sitefile.SecretMode) ([]byte, error) {
	f.secrets = s
	return []byte("enterprise: acme\n"), f.fail
}

// fakeRoutes plans by the directory, or fails.
type fakeRoutes struct {
	live *directory.Live
	fail error
}

func (f fakeRoutes) Explain(from, to string) (call.Explanation, error) {
	if f.fail != nil {
		return call.Explanation{}, f.fail
	}
	return call.Explain(f.live.Current(), from, to, call.Limits{})
}

// world is an API on fakes, with all it logged.
type world struct {
	api      *API
	dir      *directory.Live
	brid     *fakeBridges
	outs     *fakeSpaceCalls
	lives    *fakeLiveCalls
	regs     fakeRegistrations
	gates    *fakeGateways
	conf     *fakeConfiguration
	reloads  *fakeReloader
	routes   fakeRoutes
	trunks   fakeTrunks
	guard    *call.FraudGuard
	records  *cdr.Journal
	events   EventLog
	hooks    *hooks
	hooked   *eventlog.Webhooks
	music    HoldMusic
	settings Settings
	editor   *fakeEditor
	made     *fakeTokens
	answers  *fakeAnswers
	desk     *hoteling.Desk
	phones   Phones
	audits   *fakeAudit
	kept     *fakeSources
	down     []trunks.State
	tokens   *Tokens
	report   string // name of the report that a phone sent
	log      *bytes.Buffer
	start    time.Time
}

func newWorld(t *testing.T, change ...func(*world)) *world {
	t.Helper()
	dir := testDirectory(t)
	w := &world{dir: directory.NewLive(dir), brid: &fakeBridges{}, outs: &fakeSpaceCalls{}, conf: &fakeConfiguration{}, reloads: &fakeReloader{}, log: &bytes.Buffer{}, start: time.Now().Add(-time.Hour)}
	w.audits = &fakeAudit{}
	w.lives = &fakeLiveCalls{}
	w.routes, w.guard = fakeRoutes{live: w.dir}, call.NewFraudGuard(call.FraudConfig{})
	w.gates = &fakeGateways{live: w.dir}
	w.editor, w.music = &fakeEditor{live: w.dir}, &fakeMusic{live: w.dir}
	w.settings, w.made, w.answers = w.editor, someTokens(), &fakeAnswers{kept: map[string][]byte{}}
	w.desk = hoteling.NewDesk(hoteling.DeskConfig{Directory: w.dir})
	go func() { _ = w.desk.Run(t.Context()) }() // ends with the test
	w.brid.live = []gateway.BridgeInfo{{
		Space: refOf(dir, 0), Owner: "Alice Martin", Site: "paris.acme.test", Since: w.start,
		Participants: []gateway.ParticipantInfo{
			{ID: "p1", Name: "Alice Martin", Number: "+33170001201", Since: w.start, Codec: "PCMA", Talking: true, CallID: "a@paris", Delay: 60 * time.Millisecond},
			{ID: "p2", Name: "+33612345678", Since: w.start, Codec: "PCMU", Held: true, CallID: "b@carrier", Lost: 4},
		},
	}}
	for _, user := range []string{"+33170001201", "+33170001202", "201"} {
		w.regs = append(w.regs, sip.Binding{
			AOR: sip.NewAOR(user, "paris.acme.test"), Contact: "sip:" + user + "@192.0.2.7:5060", Username: "phone", UserAgent: "Cisco-CP-8851-3PCC/12.0.4",
			Source: sip.Source{Transport: "UDP", Remote: netip.MustParseAddrPort("192.0.2.7:5060"), Flow: 1}, Since: w.start, Refreshed: w.start,
			Expires: w.start.Add(2 * time.Hour),
		})
	}
	w.phones = provision.New(provision.Config{Directory: w.dir, Registrations: w.regs})
	w.events, w.hooks = newEventLog(t, 1000), newHooks()
	for _, f := range change {
		f(w)
	}
	var err error
	w.tokens, err = NewTokens(Token{Name: "monitor", Scope: ScopeRead, Secret: readToken}, Token{Name: "ops", Scope: ScopeAdmin, Secret: adminToken}, Token{Name: "crm", Scope: ScopeEvents, Secret: eventsToken})
	if err != nil {
		t.Fatal(err)
	}
	kept, troubles := w.newTroubles()
	w.api, err = New(Config{
		Version: "v1.2.3", Started: w.start, Directory: w.dir, Bridges: w.brid, SpaceCalls: w.outs, Registrations: w.regs, Legs: fakeCount(3), Ports: fakeCount(2),
		Events:   w.events,
		Webhooks: w.webhooks(t),
		Routes:   w.routes, Limits: w.guard, Trunks: w.trunks, TrunkCalls: callsByChannels{}, Mailboxes: events.NewMessageWaiting(events.MessageWaitingConfig{}), Gateways: w.gates, Configuration: w.conf, Records: w.records, Settings: w.settings, Editor: w.editor, HoldMusic: w.music, Hoteling: w.desk, Phones: w.phones, Accounts: fakeAccounts{},
		Tokens:   w.made,
		Answers:  w.answers,
		Reloader: w.reloads, LiveCalls: w.lives,
		Log:    slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Health: troubles, Sources: kept,
		Audit: w.audits, Auditor: auditor.New(w.dir, w.audits, nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

type request struct {
	method, path, token, body string
	header                    map[string]string
}

// do sends a request to the API as the network does and returns the answer.
func (w *world) do(t *testing.T, rq request) *httptest.ResponseRecorder {
	t.Helper()
	return w.send(t, w.tokens, rq)
}

func (w *world) send(t *testing.T, who Identifier, rq request) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), rq.method, rq.path, strings.NewReader(rq.body))
	if rq.token != "" {
		r.Header.Set("Authorization", "Bearer "+rq.token)
	}
	for k, v := range rq.header {
		r.Header.Set(k, v)
	}
	rec := httptest.NewRecorder()
	w.api.Handler(who).ServeHTTP(rec, r)
	return rec
}

// get fetches path with a token and decodes the answer, which must be 200.
func get[T any](t *testing.T, w *world, path, token string) T {
	t.Helper()
	rec := w.do(t, request{method: http.MethodGet, path: path, token: token})
	if rec.Code != http.StatusOK {
		t.Fatalf("GET %s: %d %s", path, rec.Code, rec.Body)
	}
	var v T
	if err := json.Unmarshal(rec.Body.Bytes(), &v); err != nil {
		t.Fatalf("GET %s: %v in %s", path, err, rec.Body)
	}
	return v
}

var errBroken = errors.New("disk on fire at /var/lib/secret-place")
