package api

import (
	"cmp"
	"crypto/tls"
	"encoding/json"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/provision"
)

// sample is a request that an operation does in the contract's world, about the site Paris and what belongs to it.
type sample struct {
	path    string // below /api/v1, with its query; REPORT is the name of the report that was sent
	body    string // JSON unless kind says otherwise
	kind    string
	accept  string
	own     bool // about the caller itself, so that a caller of any site may
	status  int  // 0 is the first success that the description names
	prepare func(t *testing.T, w *world)
}

// samples are those of all operations, by operation ID. TestEveryOperationIsExercised fails for one that has none.
var samples = map[string]sample{}

// exercise registers the sample of an operation: one line per operation, beside the operation's other tests.
func exercise(operation string, s sample) struct{} {
	if _, twice := samples[operation]; twice {
		panic("operation " + operation + " is exercised twice")
	}
	samples[operation] = s
	return struct{}{}
}

var (
	_ = exercise("list-sites", sample{path: "/sites"})
	_ = exercise("get-gateway-number", sample{path: "/sites/paris.acme.test/gateway-number"})
	_ = exercise("put-gateway-number", sample{path: "/sites/paris.acme.test/gateway-number", body: `{"number":"+33170001001"}`})
	_ = exercise("get-hold-music", sample{path: "/sites/paris.acme.test/hold-music"})
	_ = exercise("put-hold-music", sample{path: "/sites/paris.acme.test/hold-music", body: "RIFF", kind: "audio/wav"})
	_ = exercise("delete-hold-music", sample{path: "/sites/paris.acme.test/hold-music"})
	_ = exercise("list-spaces", sample{path: "/spaces"})
	_ = exercise("regenerate-space-id", sample{path: "/spaces/space-1/regenerate"})
	_ = exercise("get-invitation", sample{path: "/spaces/space-1/invitation?language=fr"})
	_ = exercise("list-space-calls", sample{path: "/spaces/space-1/calls", prepare: calling})
	_ = exercise("call-into-space", sample{path: "/spaces/space-1/calls", body: `{"to":"0612345678"}`})
	_ = exercise("get-space-call", sample{path: "/spaces/space-1/calls/1", prepare: calling})
	_ = exercise("end-space-call", sample{path: "/spaces/space-1/calls/1", prepare: calling})
	_ = exercise("retry-space-call", sample{path: "/spaces/space-1/calls/1/retry", prepare: called})
	_ = exercise("list-bridges", sample{path: "/bridges"})
	_ = exercise("get-bridge", sample{path: "/bridges/space-1"})
	_ = exercise("end-bridge", sample{path: "/bridges/space-1"})
	_ = exercise("remove-participant", sample{path: "/bridges/space-1/participants/p1"})
	_ = exercise("list-registrations", sample{path: "/registrations"})
	_ = exercise("explain-route", sample{path: "/route?from=%2B33170001201&to=202"})
	_ = exercise("list-limits", sample{path: "/limits", prepare: lifted})
	_ = exercise("get-limits", sample{path: "/limits/+33170001201"})
	_ = exercise("lift-limits", sample{path: "/limits/+33170001201/lift", body: `{"minutes":60}`})
	_ = exercise("end-lift", sample{path: "/limits/+33170001201/lift"})
	_ = exercise("list-trunks", sample{path: "/trunks"})
	_ = exercise("list-calls", sample{path: "/calls"})
	_ = exercise("get-line-settings", sample{path: "/lines/+33170001201/settings"})
	_ = exercise("change-line-settings", sample{path: "/lines/+33170001201/settings", body: `{"dnd":true,"forwards":{"always":"0612345678"}}`})
	_ = exercise("get-monitored-lines", sample{path: "/lines/+33170001201/monitored"})
	_ = exercise("set-monitored-lines", sample{path: "/lines/+33170001201/monitored", body: `{"lines":["202"]}`})
	_ = exercise("get-mailbox", sample{path: "/mailboxes/+33170001201"})
	_ = exercise("set-mailbox", sample{path: "/mailboxes/+33170001201", body: `{"counts":[{"new":2,"old":8}]}`})
	_ = exercise("list-hoteling-hosts", sample{path: "/hoteling/hosts"})
	_ = exercise("get-hoteling-host", sample{path: "/hoteling/hosts/+33170001201"})
	_ = exercise("change-hoteling-host", sample{path: "/hoteling/hosts/+33170001201", body: `{"limit_hours":12}`})
	_ = exercise("sign-guest-in", sample{path: "/hoteling/hosts/+33170001201/guest", body: `{"guest":"+33170001202"}`})
	_ = exercise("release-host", sample{path: "/hoteling/hosts/+33170001201/guest", prepare: away})
	_ = exercise("list-hoteling-guests", sample{path: "/hoteling/guests", prepare: away})
	_ = exercise("get-hoteling-guest", sample{path: "/hoteling/guests/+33170001202", prepare: away})
	_ = exercise("change-hoteling-guest", sample{path: "/hoteling/guests/+33170001202", body: `{"limit_hours":3}`})
	_ = exercise("sign-guest-out", sample{path: "/hoteling/guests/+33170001202/host", prepare: away})
	_ = exercise("list-hoteling-refusals", sample{path: "/hoteling/refusals", prepare: refused})
	_ = exercise("list-phones", sample{path: "/phones"})
	_ = exercise("get-phone", sample{path: "/phones/00a0c9112202"})
	_ = exercise("set-up-phone", sample{path: "/phones/00a0c9112202/setup"})
	_ = exercise("resync-phone", sample{path: "/phones/00a0c9112202/resync"})
	_ = exercise("revoke-phone", sample{path: "/phones/00a0c9112202/access"})
	_ = exercise("get-phone-report", sample{path: "/phones/00a0c9112202/reports/REPORT", prepare: reported})
	_ = exercise("export-configuration", sample{path: "/export?secrets=sealed"})
	_ = exercise("import-configuration", sample{path: "/import?dry_run=true", body: "enterprise: acme\n", kind: "application/yaml"})
	_ = exercise("get-status", sample{path: "/status"})
)

func calling(t *testing.T, w *world) {
	t.Helper()
	if _, err := w.outs.Call(t.Context(), "space-1", "0612345678"); err != nil {
		t.Fatal(err)
	}
}

func called(t *testing.T, w *world) {
	t.Helper()
	calling(t, w)
	if err := w.outs.EndOutcall(t.Context(), "space-1", "1"); err != nil {
		t.Fatal(err)
	}
}

func lifted(t *testing.T, w *world) {
	t.Helper()
	w.guard.Lift(t.Context(), w.dir.Current().Sites()[0].Users[0], 3600e9)
}

func away(t *testing.T, w *world) {
	t.Helper()
	if _, err := w.desk.SignIn(t.Context(), 1, 2, hoteling.ByAPI); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, w *world) {
	t.Helper()
	if _, err := w.desk.SignIn(t.Context(), 1, 3, hoteling.ByAPI); err == nil {
		t.Fatal("Camille is no guest and was let in")
	}
}

// reported sends a report of Bruno's phone.
func reported(t *testing.T, w *world) {
	t.Helper()
	phones := w.phones.(*provision.Phones)
	device := func(method, path, body string) string {
		r := httptest.NewRequestWithContext(t.Context(), method, "https://pbx.acme.test"+path, strings.NewReader(body))
		r.TLS = &tls.ConnectionState{}
		rec := httptest.NewRecorder()
		phones.Handler().ServeHTTP(rec, r)
		return rec.Body.String()
	}
	setup, _, err := phones.NewSetup(t.Context(), deskMAC)
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(device(http.MethodGet, setup+"00a0c9112202.xml", ""), "https://pbx.acme.test")
	own, _, _ = strings.Cut(own, "$MA.xml")
	device(http.MethodPut, own+"prt", "a report")
	state, err := phones.State(deskMAC)
	if err != nil || len(state.Reports) == 0 {
		t.Fatal("no report was taken:", err)
	}
	w.report = state.Reports[0].Name
}

// contractWorld is a site Paris where there is something of everything, and a site Lyon with one user.
func contractWorld(t *testing.T) *world {
	t.Helper()
	return newWorld(t, func(w *world) {
		e := w.dir.Current().Enterprise()
		paris, lyon := e.Sites[0], e.Sites[1]
		alice, bruno := paris.Users[0], paris.Users[1]
		alice.Phone.Host = directory.NewHost()
		alice.Phone.Host.Enabled = true
		bruno.Guest = directory.Guest{Allowed: true, Enabled: true, LimitHours: 8}
		bruno.Phone.MAC, bruno.Phone.Model = deskMAC, "CP-8851-3PCC"
		paris.Phones.URL = "https://pbx.acme.test"
		dana := directory.NewUser(directory.Person)
		dana.Name, dana.Extension, dana.Email, dana.Roles = "Dana Petit", "301", "dana@acme.test", []directory.Role{directory.SiteAdmin}
		lyon.Users = append(lyon.Users, dana)
		room := directory.NewUser(directory.Workspace)
		room.Name, room.Extension = "Salle 2", "307"
		room.Phone = &directory.Device{Username: "salle-2", Password: "pA-6d1f0c"}
		paris.Workspaces = append(paris.Workspaces, room)
		room.Ref, dana.Ref = 5, 4
		carrier := directory.NewTrunk()
		carrier.Name, carrier.Address, carrier.Channels = "carrier", "192.0.2.1:5060", 2
		paris.Trunks = append(paris.Trunks, carrier)
		dir, err := directory.New(e)
		if err != nil {
			t.Fatal(err)
		}
		w.dir.Swap(dir)
		w.trunks = fakeTrunks{{Trunk: carrier, Condition: trunks.Up, Since: w.start}}
		w.records, _ = journal(t, 2)
		w.lives = &fakeLiveCalls{live: someCalls(w.start).live[:2]} // of Paris
		w.regs[1].Username = bruno.Phone.Username
		w.phones = provision.New(provision.Config{Directory: w.dir, Registrations: w.regs, Notices: &notifier{}, Reports: t.TempDir()})
	})
}

// described is an operation of the description.
type described struct {
	*huma.Operation
	method string
}

// operationsByID are those of the description.
func operationsByID(w *world) map[string]described {
	all := map[string]described{}
	for _, item := range w.api.huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{
			http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post, http.MethodDelete: item.Delete, http.MethodPatch: item.Patch,
		} {
			if op != nil {
				all[op.OperationID] = described{op, method}
			}
		}
	}
	return all
}

// ask sends the sample as who is known by that identity.
func (s sample) ask(t *testing.T, w *world, method string, who Identity, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	rq := request{method: method, path: "/api/v1" + strings.Replace(s.path, "REPORT", cmp.Or(w.report, "none"), 1), body: s.body, header: map[string]string{}}
	if s.body != "" {
		rq.header["Content-Type"] = "application/json"
		if s.kind != "" {
			rq.header["Content-Type"] = s.kind
		}
	}
	if s.accept != "" {
		rq.header["Accept"] = s.accept
	}
	for i := 0; i+1 < len(header); i += 2 {
		rq.header[header[i]] = header[i+1]
	}
	return w.send(t, known(who), rq)
}

// known takes every caller for one identity.
type known Identity

func (k known) Identify(*http.Request) (Identity, error) { return Identity(k), nil }

var (
	ofEnterprise = Identity{Name: "ops", Scopes: []Scope{ScopeAdmin}}
	ofParis      = Identity{Name: "paris", Account: "user-1", Scopes: []Scope{ScopeAdmin}, Site: "paris.acme.test"}
	ofLyon       = Identity{Name: "lyon", Scopes: []Scope{ScopeAdmin}, Site: "lyon.acme.test"}
)

// world is the shared one for samples that change nothing, else one of the sample's own.
func (s sample) world(t *testing.T, shared *world, method string) *world {
	t.Helper()
	if method == http.MethodGet && s.prepare == nil {
		return shared
	}
	w := contractWorld(t)
	if s.prepare != nil {
		s.prepare(t, w)
	}
	return w
}

// TestEveryOperationIsExercised holds what each operation of the description answers to what the description says: the
// status, the media type, the schema of the body.
func TestEveryOperationIsExercised(t *testing.T) {
	shared := contractWorld(t)
	all := operationsByID(shared)
	for id := range samples {
		if _, there := all[id]; !there {
			t.Errorf("the sample of %s is of no operation", id)
		}
	}
	for id, op := range all {
		s, there := samples[id]
		if !there {
			t.Errorf("%s is not exercised: add a line exercise(%q, sample{path: …}) to the tests", id, id)
			continue
		}
		t.Run(id, func(t *testing.T) {
			w := s.world(t, shared, op.method)
			if !strings.HasPrefix("/api/v1"+s.path, op.Path[:strings.Index(op.Path+"{", "{")]) {
				t.Errorf("the sample's path is not of %s", op.Path)
			}
			who := ofEnterprise
			if isBySite(op.Operation) {
				who = ofParis // which may do with its own what the enterprise may
			}
			rec := s.ask(t, w, op.method, who)
			want := s.status
			if want == 0 {
				want = success(op.Operation)
			}
			if rec.Code != want {
				t.Fatalf("%d %s, want %d", rec.Code, rec.Body, want)
			}
			w.wantSchema(t, op.Operation, rec)
		})
	}
}

// success is the status of an operation that was done.
func success(op *huma.Operation) int {
	var codes []string
	for code := range op.Responses {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	n, _ := strconv.Atoi(codes[0])
	return n
}

// wantSchema holds an answer to what the description of the operation says of its status.
func (w *world) wantSchema(t *testing.T, op *huma.Operation, rec *httptest.ResponseRecorder) {
	t.Helper()
	told := op.Responses[strconv.Itoa(rec.Code)]
	if told == nil {
		if told = op.Responses["default"]; told == nil {
			t.Errorf("status %d is not in the description", rec.Code)
			return
		}
	}
	if len(told.Content) == 0 {
		if rec.Body.Len() > 0 {
			t.Errorf("a body that is not in the description: %s", rec.Body)
		}
		return
	}
	kind, _, _ := mime.ParseMediaType(rec.Header().Get("Content-Type"))
	media := told.Content[kind]
	if media == nil {
		t.Errorf("media type %q is not in the description", kind)
		return
	}
	if !strings.HasSuffix(kind, "json") {
		return
	}
	var body any
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Errorf("%v in %s", err, rec.Body)
		return
	}
	found := &huma.ValidateResult{}
	huma.Validate(w.api.huma.OpenAPI().Components.Schemas, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, body, found)
	for _, err := range found.Errors {
		t.Errorf("%s: %v", rec.Body, err)
	}
}
