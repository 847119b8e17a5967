package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"passerelle/directory/audit"
	"passerelle/directory/sitefile"
	"passerelle/portal/api"
)

// reloader takes over, while the server runs, what has changed in the flags, their file, the certificates and the site
// files. Everything is read and checked before anything changes; then each part is replaced as a whole. Calls, registrations
// and connections that are up go on.
type reloader struct {
	cfg     reloadConfig
	log     *slog.Logger
	metrics *reloadMetrics

	mu      sync.Mutex // one reload at a time
	running *serveCmd  // the flags in force, and those that a restart will bring
	started *serveCmd  // the flags that the server was started with
	last    api.LastReload

	noticed [sha256.Size]byte // of files that the watch has seen; zero before the first look
	refused [sha256.Size]byte // of files that it could not use
}

// reloadConfig is what a reloader reads and replaces.
type reloadConfig struct {
	flags        *serveCmd
	again        func(context.Context) (*serveCmd, error) // reads the flags anew; nil where they cannot change
	certificates *certificates                            // nil where nothing listens by TLS
	sites        *configuration
	level        *slog.LevelVar
	tokens       *switchedTokens
	drainLimit   func(time.Duration)
	journal      journal // of changes
	log          *slog.Logger
	metrics      *prometheus.Registry
}

// journal keeps who changed what; the store satisfies it.
type journal interface {
	Record(ctx context.Context, e audit.Entry) (uint64, error)
}

var _ api.Reloader = (*reloader)(nil)

// atOnce are the flags whose change is in force after a reload; the others need a restart.
var atOnce = []string{"api-token", "cert", "drain-limit", "key", "log-level", "phone-ca"}

// deedReload is a reload in the journal.
const deedReload = "reload"

// onImport are flags that only say what an import takes.
const onImport = "site"

// newReloader tells of a certificate that is not valid now, which the server starts with all the same: a telephone system with
// an old certificate is better than none.
func newReloader(cfg reloadConfig) *reloader {
	r := &reloader{cfg: cfg, log: cfg.log, metrics: newReloadMetrics(cfg.metrics), running: cfg.flags, started: cfg.flags}
	r.metrics.certificate(cfg.certificates)
	if set := r.inForce(); set != nil {
		if err := set.inTime(time.Now()); err != nil {
			r.log.Error("the certificate is not valid, phones and browsers may refuse it", "err", err)
		}
	}
	return r
}

// Reload implements api.Reloader.
func (r *reloader) Reload(ctx context.Context, what api.ReloadOptions) (api.Reloaded, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	done, err := r.reload(ctx, what)
	if !what.DryRun {
		r.note(ctx, what.By, done, err)
	}
	return done, err
}

// Last implements api.Reloader.
func (r *reloader) Last() api.LastReload {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.last
	if c := r.inForce(); c != nil {
		l.Certificate = c.pair.info()
	}
	return l
}

// inForce is the snapshot of certificates in force; nil where there is none.
func (r *reloader) inForce() *certificateSet {
	if r.cfg.certificates == nil {
		return nil
	}
	return r.cfg.certificates.current.Load()
}

// next is what a reload has read and found good.
type next struct {
	flags        *serveCmd
	certificates *certificateSet
	tokens       api.Identifier
	sites        []sitefile.Source
	done         api.Reloaded
}

// reload reads, checks, and puts in force.
func (r *reloader) reload(ctx context.Context, what api.ReloadOptions) (api.Reloaded, error) {
	n, err := r.read(ctx, what)
	if err != nil {
		return api.Reloaded{}, err
	}
	n.done.DryRun = what.DryRun
	if what.SiteFiles {
		// Last of all that can fail, and in one transaction of its own.
		imported, err := r.cfg.sites.Import(ctx, n.sites, what.DryRun, nil)
		if err != nil {
			return api.Reloaded{}, err
		}
		imported.DryRun = what.DryRun
		n.done.Sites = &imported
	}
	if !what.DryRun {
		r.use(n)
	}
	return n.done, nil
}

// read reads everything and returns every fault that it finds.
func (r *reloader) read(ctx context.Context, what api.ReloadOptions) (*next, error) {
	n := &next{flags: r.running, done: api.Reloaded{Changed: []string{}, NeedRestart: []string{}}}
	if r.cfg.again != nil && !what.CertificatesOnly {
		flags, err := r.cfg.again(ctx)
		if err != nil {
			return nil, err // what they name cannot be told
		}
		n.flags = flags
		if err := r.compare(n); err != nil {
			return nil, err
		}
	}
	var faults []error
	if err := r.readCertificates(n); err != nil {
		faults = append(faults, err)
	}
	if tokens, err := identifier(n.flags.APIToken); err != nil {
		faults = append(faults, n.flags.fault("api-token", err.Error()))
	} else {
		n.tokens = tokens
	}
	if what.SiteFiles {
		var err error
		if n.sites, err = n.flags.siteFiles(); err == nil {
			_, err = r.cfg.sites.Import(ctx, n.sites, true, nil)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) > 0 {
		return nil, joinFaults(faults...)
	}
	return n, nil
}

// compare tells which flags have changed, and of which the change has to wait.
func (r *reloader) compare(n *next) error {
	changed, err := differing(r.running, n.flags)
	if err != nil {
		return err
	}
	for _, name := range changed {
		if slices.Contains(atOnce, name) {
			n.done.Changed = append(n.done.Changed, name)
		}
	}
	waiting, err := differing(r.started, n.flags)
	if err != nil {
		return err
	}
	for _, name := range waiting {
		if !slices.Contains(atOnce, name) && name != onImport {
			n.done.NeedRestart = append(n.done.NeedRestart, name)
		}
	}
	return nil
}

// readCertificates reads those that the flags name, for what listens by TLS since the start.
func (r *reloader) readCertificates(n *next) error {
	set, err := n.flags.certificates()
	if err != nil {
		return err
	}
	if r.cfg.certificates == nil {
		n.done.Changed, n.done.NeedRestart = part(n.done.Changed, n.done.NeedRestart, "cert", "key", "phone-ca")
		return nil
	}
	if set == nil { // TLS goes with the restart; until then it is spoken
		return nil
	}
	now := r.cfg.certificates.current.Load()
	if set.pair.sum != now.pair.sum {
		if err := set.inTime(time.Now()); err != nil {
			return err
		}
	}
	n.done.Certificate = set.pair.info()
	if set.same(now) {
		return nil
	}
	n.certificates = set
	for name, differs := range map[string]bool{"cert": set.pair.sum != now.pair.sum, "phone-ca": set.authSum != now.authSum} {
		if differs && !slices.Contains(n.done.Changed, name) {
			n.done.Changed = append(n.done.Changed, name)
		}
	}
	slices.Sort(n.done.Changed)
	return nil
}

// part moves names from one sorted list to another.
func part(from, to []string, names ...string) (left, joined []string) {
	left = slices.DeleteFunc(from, func(name string) bool {
		moves := slices.Contains(names, name)
		if moves {
			to = append(to, name)
		}
		return moves
	})
	slices.Sort(to)
	return left, to
}

// use puts what was read in force. Nothing of it can fail.
func (r *reloader) use(n *next) {
	if n.certificates != nil {
		r.cfg.certificates.use(n.certificates)
		r.metrics.certificate(r.cfg.certificates)
	}
	r.cfg.level.Set(levelOf(n.flags.LogLevel))
	r.cfg.tokens.use(n.tokens)
	r.cfg.drainLimit(n.flags.DrainLimit)
	r.running = n.flags
}

// note keeps and logs how a reload went.
func (r *reloader) note(ctx context.Context, by string, done api.Reloaded, err error) {
	r.last = api.LastReload{At: time.Now().UTC(), By: by}
	if err != nil {
		r.last.Faults = faultLines(err)
		r.metrics.count(reloadRefused)
		r.log.ErrorContext(ctx, "reload refused, nothing was changed", "by", by, "err", err)
		return
	}
	r.last.Changed, r.last.NeedRestart = done.Changed, done.NeedRestart
	r.metrics.count(reloadDone)
	if audit.Of(ctx) == nil && len(done.Changed) > 0 { // nobody's request, which would leave its own trail
		if _, err := r.cfg.journal.Record(ctx, audit.Entry{By: audit.Actor{Via: audit.ViaServer}, Deed: deedReload, Subject: by}); err != nil {
			r.log.ErrorContext(ctx, "reload not recorded", "err", err)
		}
	}
	r.log.InfoContext(ctx, "reloaded", "by", by, "changed", done.Changed, "need_restart", done.NeedRestart)
}

// faultLines gives one line per fault.
func faultLines(err error) []string {
	var lines []string
	for _, f := range sitefile.Faults(err) {
		lines = append(lines, f.Error())
	}
	if lines == nil {
		lines = []string{fmt.Sprint(err)}
	}
	return lines
}
