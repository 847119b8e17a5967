package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
	"passerelle/store/storetest"
)

// reloadBench is a reloader on real files, with the parts that it replaces.
type reloadBench struct {
	*reloader
	t      *testing.T
	dir    string
	config string // the file of flags
	level  *slog.LevelVar
	tokens *switchedTokens
	drain  time.Duration
	logged *syncBuffer
}

// newReloadBench starts with a good certificate, good authorities and the demo's site file.
func newReloadBench(t *testing.T) *reloadBench {
	t.Helper()
	b := &reloadBench{t: t, dir: t.TempDir(), level: &slog.LevelVar{}, logged: &syncBuffer{}}
	b.config = filepath.Join(b.dir, "passerelle.yaml")
	issue(1, nil).write(t, b.dir)
	putFile(t, b.file("ca.pem"), issue(2, nil, authority).cert)
	putFile(t, b.file("site.yaml"), sitefile.DemoFile())
	b.flags("drain-limit: 30s\nlog-level: info\napi-token: first-token-of-this-test\n")
	line := commandLine{"serve", "--config", b.config, "--tls", "127.0.0.1:0", "--site", b.file("site.yaml")}
	first, err := line.serveFlags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
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
	set, err := first.certificates()
	if err != nil {
		t.Fatal(err)
	}
	certs := &certificates{}
	certs.use(set)
	if b.tokens, err = newSwitchedTokens(first.APIToken); err != nil {
		t.Fatal(err)
	}
	b.reloader = newReloader(reloadConfig{
		flags: first, again: line.serveFlags, certificates: certs, sites: &configuration{store: st, live: directory.NewLive(d)},
		level: b.level, tokens: b.tokens, drainLimit: func(d time.Duration) { b.drain = d }, journal: st,
		log: slog.New(slog.NewJSONHandler(b.logged, &slog.HandlerOptions{Level: b.level})), metrics: prometheus.NewRegistry(),
	})
	return b
}

func (b *reloadBench) file(name string) string { return filepath.Join(b.dir, name) }

// flags writes the file of flags.
func (b *reloadBench) flags(text string) {
	b.t.Helper()
	putFile(b.t, b.config, []byte("cert: "+b.file("tls.pem")+"\nkey: "+b.file("tls.key")+"\nphone-ca: "+b.file("ca.pem")+"\n"+text))
}

// state is all that a reload may change.
func (b *reloadBench) state() string {
	set := b.cfg.certificates.current.Load()
	dir := b.cfg.sites.live.Current()
	state, err := json.Marshal([]any{set.pair.fingerprint(), set.authSum, b.level.Level(), b.known("first-token-of-this-test"), b.known("second-token-of-the-test"), b.drain, dir.Sites()[0].Users[0].Name})
	if err != nil {
		b.t.Fatal(err)
	}
	return string(state)
}

// known tells whether a caller with a token is known.
func (b *reloadBench) known(token string) bool {
	r := httptest.NewRequestWithContext(b.t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := b.tokens.Identify(r)
	return err == nil
}

func (b *reloadBench) reload(what api.ReloadOptions) (api.Reloaded, error) {
	what.By = "test"
	return b.Reload(b.t.Context(), what)
}

// TestReloadTakesOver changes all that can change, first for a look, then for good.
func TestReloadTakesOver(t *testing.T) {
	b := newReloadBench(t)
	done, err := b.reload(api.ReloadOptions{})
	if err != nil || len(done.Changed)+len(done.NeedRestart) > 0 || done.Certificate == nil || done.Certificate.Names[0] != "paris.acme.test" {
		t.Fatalf("nothing new: %+v, %v", done, err)
	}
	before := b.state()
	renewed := issue(3, nil)
	renewed.write(t, b.dir)
	putFile(t, b.file("ca.pem"), issue(4, nil, authority).cert)
	putFile(t, b.file("site.yaml"), bytes.Replace(sitefile.DemoFile(), []byte("Alice Martin"), []byte("Alice Durand"), 1))
	b.flags("drain-limit: 2h\nlog-level: debug\napi-token: second-token-of-the-test\nhttp: \"127.0.0.1:1\"\nsip: [\"127.0.0.1:2\"]\n")

	for _, dry := range []bool{true, false} {
		done, err = b.reload(api.ReloadOptions{DryRun: dry, SiteFiles: true})
		if err != nil || done.DryRun != dry || done.Sites == nil || done.Sites.Sites != 2 || done.Sites.DryRun != dry {
			t.Fatalf("%+v, %v", done, err)
		}
		if want := []string{"api-token", "cert", "drain-limit", "log-level", "phone-ca"}; !slices.Equal(done.Changed, want) {
			t.Errorf("changed %q, want %q", done.Changed, want)
		}
		if want := []string{"http", "sip"}; !slices.Equal(done.NeedRestart, want) {
			t.Errorf("restart for %q, want %q", done.NeedRestart, want)
		}
		if dry && b.state() != before {
			t.Errorf("a dry run makes %s of %s", b.state(), before)
		}
	}
	if b.known("first-token-of-this-test") || !b.known("second-token-of-the-test") || b.level.Level() != slog.LevelDebug || b.drain != 2*time.Hour {
		t.Error("after the reload:", b.state())
	}
	if !b.inForce().pair.Leaf.Equal(renewed.leaf) || b.cfg.sites.live.Current().Sites()[0].Users[0].Name != "Alice Durand" {
		t.Error("certificate or site are the former ones")
	}
	done, err = b.reload(api.ReloadOptions{})
	if err != nil || len(done.Changed) > 0 || !slices.Equal(done.NeedRestart, []string{"http", "sip"}) {
		t.Errorf("a second time: %+v, %v: the restart is still needed", done, err)
	}
	if l := b.Last(); l.By != "test" || l.At.IsZero() || l.Faults != nil || l.Certificate == nil {
		t.Errorf("last: %+v", l)
	}
	if log := b.logged.String(); strings.Contains(log, "-token-of-") {
		t.Error("a token is in the log")
	}
}

// TestReloadRefuses leaves everything as it is for each fault, beside changes that are good, and says file, line, field and
// cause.
func TestReloadRefuses(t *testing.T) {
	const flags = "drain-limit: 2h\nlog-level: debug\napi-token: second-token-of-the-test\n" // lines 4 to 6
	for _, tt := range []struct {
		name  string
		spoil func(b *reloadBench)
		want  []string
	}{
		{"no YAML", func(b *reloadBench) { b.flags("http: [\n") }, []string{"passerelle.yaml:4:", "sequence end token"}},
		{"unknown flag", func(b *reloadBench) { b.flags(flags + "htpp: \"127.0.0.1:1\"\n") }, []string{"passerelle.yaml:7:1: htpp: is not the name of a flag"}},
		{"no duration", func(b *reloadBench) { b.flags("drain-limit: soon\n") }, []string{"passerelle.yaml:4:1: drain-limit: --drain-limit: "}},
		{"no level", func(b *reloadBench) { b.flags("\n\nlog-level: loud\n") }, []string{`passerelle.yaml:6:1: log-level: --log-level must be one of "debug"`}},
		{"no file of flags", func(b *reloadBench) { _ = os.Remove(b.config) }, []string{"passerelle.yaml: config: cannot be read: no such file"}},
		{"weak token", func(b *reloadBench) { b.flags("api-token: short\n") }, []string{"passerelle.yaml: api-token: ", "5 characters"}},
		{"no certificate named", func(b *reloadBench) { putFile(b.t, b.config, []byte(flags)) }, []string{"passerelle.yaml: cert: --tls, --wss and --https need --cert and --key"}},
		{"another's key", func(b *reloadBench) { putFile(b.t, b.file("tls.key"), issue(6, nil).pem) }, []string{"tls.key:1:1: key: is not the key of the certificate of "}},
		{"ended", func(b *reloadBench) {
			issue(7, nil, func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) }).write(b.t, b.dir)
		}, []string{"tls.pem:1:1: cert: the certificate ended on 2020-01-02T03:04:05Z"}},
		{"no authorities", func(b *reloadBench) { putFile(b.t, b.file("ca.pem"), nil) }, []string{"ca.pem: phone-ca: there is no certificate in it"}},
		{"site file", func(b *reloadBench) {
			putFile(b.t, b.file("site.yaml"), bytes.Replace(sitefile.DemoFile(), []byte("language: fr"), []byte("language: klingon\n    colour: red"), 1))
		}, []string{"site.yaml:", "sites[0].language: ", "sites[0].colour: "}},
		{"no site file", func(b *reloadBench) { _ = os.Remove(b.file("site.yaml")) }, []string{"site.yaml: site: cannot be read: no such file"}},
		{"all at once", func(b *reloadBench) {
			putFile(b.t, b.file("tls.pem"), nil)
			putFile(b.t, b.file("ca.pem"), nil)
			putFile(b.t, b.file("site.yaml"), []byte("sites: 7\n"))
		}, []string{"tls.pem: cert: ", "ca.pem: phone-ca: ", "site.yaml:1:"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newReloadBench(t)
			before := b.state()
			issue(5, nil).write(t, b.dir)
			putFile(t, b.file("ca.pem"), issue(8, nil, authority).cert)
			putFile(t, b.file("site.yaml"), bytes.Replace(sitefile.DemoFile(), []byte("Alice Martin"), []byte("Alice Durand"), 1))
			b.flags(flags)
			tt.spoil(b)
			_, err := b.reload(api.ReloadOptions{SiteFiles: true})
			if err == nil {
				t.Fatal("no fault")
			}
			if sitefile.Faults(err) == nil {
				t.Errorf("no list of faults: %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want %q in it", err, want)
				}
			}
			if after := b.state(); after != before {
				t.Errorf("%s became %s", before, after)
			}
			if l := b.Last(); len(l.Faults) == 0 || l.Changed != nil {
				t.Errorf("last: %+v", l)
			}
		})
	}
}

// TestReloadNoticesFiles takes over a renewed certificate by itself, not while its files are being written, and refuses a bad
// one once.
func TestReloadNoticesFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newReloadBench(t)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.run(ctx, nil) }() // until stop
		first := b.inForce().pair.Leaf
		renewed := issue(3, nil)
		putFile(t, b.file("tls.pem"), renewed.cert) // and the key has still to come
		time.Sleep(lookEvery + lookEvery/2)
		renewed.write(t, b.dir)
		time.Sleep(lookEvery)
		if got := b.inForce().pair.Leaf; !got.Equal(first) {
			t.Error("taken over at the first look")
		}
		time.Sleep(lookEvery)
		synctest.Wait()
		if got := b.inForce().pair.Leaf; !got.Equal(renewed.leaf) {
			t.Error("not taken over")
		}
		if l := b.Last(); l.By != byFiles || !slices.Equal(l.Changed, []string{"cert"}) {
			t.Errorf("last: %+v", l)
		}
		kept, err := b.cfg.sites.store.Audit(t.Context(), audit.Query{Limit: 10})
		if err != nil || len(kept.Entries) == 0 || kept.Entries[0].Deed != deedReload || kept.Entries[0].Subject != byFiles {
			t.Errorf("in the journal: %+v, %v", kept.Entries, err)
		}
		if err := os.Remove(b.file("tls.key")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * lookEvery)
		if got := b.inForce().pair.Leaf; !got.Equal(renewed.leaf) {
			t.Error("another certificate without a key")
		}
		if got := testutil.ToFloat64(b.metrics.reloads.WithLabelValues(string(reloadRefused))); got != 1 {
			t.Errorf("refused %v times, want once", got)
		}
		if got := testutil.ToFloat64(b.metrics.reloads.WithLabelValues(string(reloadDone))); got != 1 {
			t.Errorf("done %v times, want once", got)
		}
		if l := b.Last(); len(l.Faults) != 1 || !strings.Contains(l.Faults[0], "tls.key: key: cannot be read") {
			t.Errorf("last: %+v", l)
		}
		again := issue(4, nil)
		again.write(t, b.dir)
		time.Sleep(3 * lookEvery)
		synctest.Wait()
		if got := b.inForce().pair.Leaf; !got.Equal(again.leaf) {
			t.Error("not taken over after a fault")
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestStartWithAnEndedCertificate serves and says so, and takes over other changes while it waits for a better one.
func TestStartWithAnEndedCertificate(t *testing.T) {
	b := newReloadBench(t)
	ended := issue(9, nil, func(c *x509.Certificate) { c.NotAfter = time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC) })
	ended.write(t, b.dir)
	set, err := readCertificates(b.file("tls.pem"), b.file("tls.key"), "")
	if err != nil {
		t.Fatal(err)
	}
	b.cfg.certificates.use(set)
	b.cfg.metrics = prometheus.NewRegistry()
	b.reloader = newReloader(b.cfg)
	if !strings.Contains(b.logged.String(), "the certificate ended on 2020-01-02") {
		t.Error("the log does not tell:", b.logged.String())
	}
	b.flags("log-level: debug\n")
	if _, err := b.reload(api.ReloadOptions{}); err != nil || b.level.Level() != slog.LevelDebug {
		t.Errorf("%v, level %v", err, b.level.Level())
	}
}
