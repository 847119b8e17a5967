package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/call"
	"passerelle/call/trunks"
	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/gateway"
	"passerelle/hoteling"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/health"
	"passerelle/portal/httpd"
	"passerelle/portal/token"
	"passerelle/provision"
	"passerelle/sip"
	"passerelle/store/storetest"
)

// silent is a server without calls.
type silent struct{}

func (silent) Bridges() []gateway.BridgeInfo                    { return nil }
func (silent) EndBridge(context.Context, string) error          { return nil }
func (silent) Remove(context.Context, string, string) error     { return nil }
func (silent) Mute(context.Context, string, string, bool) error { return nil }
func (silent) Lock(context.Context, string, bool) error         { return nil }
func (silent) All() iter.Seq[sip.Binding]                       { return slices.Values([]sip.Binding(nil)) }
func (silent) Count() int                                       { return 0 }
func (silent) Legs() int                                        { return 0 }
func (silent) InUse() int                                       { return 0 }
func (silent) States() []trunks.State                           { return nil }

const testToken = "admin-token-of-the-tests"

// adminServer is the HTTP side of a server on the demo site, with a store of its own.
type adminServer struct {
	dir    string
	addr   string // of the network
	secure string // the same by TLS
	phones *provision.Phones
	conf   *configuration
	acc    *account.Accounts
	log    *bytes.Buffer
	stop   func()
}

func startAdmin(t *testing.T, dir string) *adminServer {
	t.Helper()
	st := storetest.New(t)
	if err := st.Import(t.Context(), sitefile.Demo(), nil); err != nil {
		t.Fatal(err)
	}
	e, err := st.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &adminServer{dir: dir, addr: l.Addr().String(), conf: &configuration{store: st, live: directory.NewLive(d)}, log: &bytes.Buffer{}}
	log := slog.New(slog.NewJSONHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ready := &httpd.Readiness{}
	ready.Set(httpd.StateReady)
	secure, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.secure = secure.Addr().String()
	s.phones = provision.New(provision.Config{Directory: s.conf.live, Secure: account.Secure, Log: log})
	s.acc = newAccounts(st, s.conf.live, "", log)
	tokens, err := newSwitchedTokens(testToken)
	if err != nil {
		t.Fatal(err)
	}
	given, err := token.Open(t.Context(), st, s.acc, log)
	if err != nil {
		t.Fatal(err)
	}
	w, err := openWeb(webConfig{
		accounts: s.acc, desk: hoteling.NewDesk(hoteling.DeskConfig{Directory: s.conf.live}),
		api: api.Config{Version: "v1", Directory: s.conf.live, Bridges: silent{}, Registrations: silent{}, Legs: silent{}, Ports: silent{}, Trunks: silent{},
			Routes: routes{live: s.conf.live}, Limits: call.NewFraudGuard(call.FraudConfig{}), Gateways: s.conf, Configuration: s.conf, Editor: s.conf, Tokens: given, Answers: st.Answers(), Health: health.New(health.Config{Directory: s.conf.live}), Accounts: portalAccounts{s.acc, "https://portal.acme.test"}, Log: log},
		tokens: api.Either{First: tokens, Second: given}, listener: l, secure: tls.NewListener(secure, testCertificates().webTLS()), phones: s.phones.Handler(), dataDir: dir, readiness: ready,
		metrics: prometheus.NewRegistry(), log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.run(ctx) }() // ends by cancel, awaited by stop
	s.stop = func() {
		cancel()
		if err, ok := <-done; ok && err != nil {
			t.Error(err)
		}
		close(done)
		s.stop = func() {}
	}
	t.Cleanup(func() { s.stop() })
	return s
}

func adminGet(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAdminSocketIsTheOwners(t *testing.T) {
	dir := t.TempDir()
	if _, running := adminClient(dir); running {
		t.Error("a server runs before it is started")
	}
	s := startAdmin(t, dir)
	info, err := os.Lstat(filepath.Join(dir, adminSocket))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("beside the socket: %v %v", left, err)
	}
	client, running := adminClient(dir)
	if !running {
		t.Fatal("the running server is not seen")
	}
	if code, body := adminGet(t, client, adminURL+"/api/v1/status"); code != http.StatusOK || !strings.Contains(body, `"version":"v1"`) {
		t.Errorf("status over the socket: %d %s", code, body)
	}
	if code, _ := adminGet(t, http.DefaultClient, "http://"+s.addr+"/api/v1/status"); code != http.StatusUnauthorized {
		t.Errorf("status over the network without token: %d", code)
	}
	s.stop()
	if _, err := os.Lstat(filepath.Join(dir, adminSocket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket stays behind: %v", err)
	}
	if _, running := adminClient(dir); running {
		t.Error("a server runs after its end")
	}
}

func TestAdminSocketTakesThePlaceOfADeadOne(t *testing.T) {
	dir := t.TempDir()
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, adminSocket)})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	if _, running := adminClient(dir); running {
		t.Error("a dead socket counts as a server")
	}
	first, err := listenAdmin(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := listenAdmin(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if _, running := adminClient(dir); !running {
		t.Error("the older listener took the newer one's socket away")
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestAdminSocketInADeepDirectory(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc here")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 30))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	startAdmin(t, dir)
	client, running := adminClient(dir)
	if !running {
		t.Fatal("the running server is not seen")
	}
	if code, _ := adminGet(t, client, adminURL+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
}

func TestAdminImport(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	client, _ := adminClient(s.dir)
	demo := sitefile.DemoFile()
	renamed := sitefile.Source{Name: "demo.yaml", Data: bytes.Replace(demo, []byte("Alice Martin"), []byte("Alice Durand"), 1)}
	name := func() string { return s.conf.live.Current().Sites()[0].Users[0].Name }
	ref := s.conf.live.Current().Sites()[0].Users[0].Ref

	got, err := adminImport(t.Context(), client, []sitefile.Source{renamed}, true, nil)
	if err != nil || !got.DryRun || got.Sites != 2 || name() != "Alice Martin" {
		t.Errorf("dry run: %+v, %v; the name is %q", got, err, name())
	}

	steps := 0
	got, err = adminImport(t.Context(), client, []sitefile.Source{renamed}, false, func(int, int) { steps++ })
	if err != nil || got.DryRun || got.Users == 0 || steps == 0 || name() != "Alice Durand" {
		t.Errorf("import: %+v, %v after %d steps; the name is %q", got, err, steps, name())
	}
	if s.conf.live.Current().Sites()[0].Users[0].Ref != ref {
		t.Error("the user has another ref: links to the space would break")
	}

	bad := sitefile.Source{Name: "bad.yaml", Data: bytes.Replace(demo, []byte("language: fr"), []byte("language: klingon\n    colour: red"), 1)}
	_, err = adminImport(t.Context(), client, []sitefile.Source{bad}, false, nil)
	var refused *refusedError
	if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity || len(strings.Split(err.Error(), "\n")) != 2 || !strings.HasPrefix(err.Error(), "bad.yaml:") {
		t.Errorf("faults: %v", err)
	}
	if name() != "Alice Durand" {
		t.Error("a refused import changed something")
	}
}

func TestAdminGatewayNumberTakesEffect(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	client, _ := adminClient(s.dir)
	site := s.conf.live.Current().Sites()[0]
	was := site.Gateway.Number
	put := func(body string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, adminURL+"/api/v1/sites/"+site.Domain+"/gateway-number", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if code := put(`{"number":null}`); code != http.StatusOK {
		t.Fatalf("take away: %d", code)
	}
	if _, ok := s.conf.live.Current().SiteByGateway(was); ok {
		t.Error("the number still leads to the gateway")
	}
	other, err := json.Marshal(map[string]string{"number": string(site.Numbers[1])})
	if err != nil {
		t.Fatal(err)
	}
	if code := put(string(other)); code != http.StatusOK {
		t.Fatalf("assign another: %d", code)
	}
	if now, ok := s.conf.live.Current().SiteByGateway(site.Numbers[1]); !ok || now.Domain != site.Domain {
		t.Error("the other number does not lead to the gateway")
	}
	kept, err := s.conf.store.Load(t.Context())
	if err != nil || kept.Sites[0].Gateway.Number != site.Numbers[1] {
		t.Errorf("stored: %v, %v", kept.Sites[0].Gateway.Number, err)
	}
}

func TestAdminExportImportsToTheSameState(t *testing.T) {
	s := startAdmin(t, t.TempDir())
	client, _ := adminClient(s.dir)
	id := s.conf.live.Current().Spaces()[0].ID.Reveal()
	export := func(mode sitefile.SecretMode) string {
		t.Helper()
		file, err := adminExport(t.Context(), client, mode)
		if err != nil {
			t.Fatal(mode, err)
		}
		return string(file)
	}
	clear := export(sitefile.SecretsClear)
	for _, mode := range []sitefile.SecretMode{sitefile.SecretsSealed, sitefile.SecretsOmitted, sitefile.SecretsClear} {
		file := export(mode)
		if shown := strings.Contains(file, id); shown != (mode == sitefile.SecretsClear) {
			t.Errorf("%s: a space ID is in the file: %t", mode, shown)
		}
		if _, err := adminImport(t.Context(), client, []sitefile.Source{{Name: string(mode) + ".yaml", Data: []byte(file)}}, false, nil); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
		if after := export(sitefile.SecretsClear); after != clear {
			t.Errorf("%s: the state after import differs:\n%s", mode, after)
		}
	}
	s.stop() // the log is whole
	if strings.Contains(s.log.String(), id) {
		t.Error("a space ID is in the log")
	}
}
