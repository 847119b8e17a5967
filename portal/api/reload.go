package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/audit"
)

// Reloader takes over what has changed in the files that the server was started with.
type Reloader interface {
	// Reload reads flags, certificates and, if asked, site files; checks all of it; and puts it in force, or with a single
	// fault nothing. Faults of files come as sitefile's own.
	Reload(ctx context.Context, what ReloadOptions) (Reloaded, error)
	// Last tells how the last reload went, and the certificate in force.
	Last() LastReload
}

// ReloadOptions say what a reload takes over.
type ReloadOptions struct {
	By               string // who asks, for the log
	DryRun           bool   // check only
	SiteFiles        bool   // import the site files that the flags name, too
	CertificatesOnly bool   // leave the flags as they are
}

// Reloaded says what a reload has put in force, or would.
type Reloaded struct {
	Changed     []string     `json:"changed" doc:"Flags whose value, or whose file's contents, is another now." example:"[\"cert\",\"log-level\"]"`
	NeedRestart []string     `json:"need_restart" doc:"Flags whose change waits for a restart, such as addresses." example:"[\"sip\"]"`
	Certificate *Certificate `json:"certificate,omitempty" doc:"Of SIP and HTTP by TLS; absent where neither is spoken."`
	Sites       *Imported    `json:"sites,omitempty" doc:"What is configured after the import of the site files, if it was asked for."`
	DryRun      bool         `json:"dry_run" doc:"True when nothing was changed."`
}

// Certificate is what others may know of the server's certificate.
type Certificate struct {
	Names       []string  `json:"names" doc:"Names and addresses that it proves."`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	Fingerprint string    `json:"fingerprint" doc:"SHA-256 in hexadecimal."`
}

// LastReload is how the last reload went. Its zero value means that there was none.
type LastReload struct {
	At          time.Time    `json:"at,omitzero" doc:"Absent when there was none since the start."`
	By          string       `json:"by,omitempty" doc:"Who asked: the name of a caller of the API, SIGHUP, or changed files."`
	Changed     []string     `json:"changed,omitempty"`
	NeedRestart []string     `json:"need_restart,omitempty"`
	Faults      []string     `json:"faults,omitempty" doc:"Why it was refused, one line each; nothing was changed then."`
	Certificate *Certificate `json:"certificate,omitempty" doc:"The one in force."`
}

func (a *API) registerReload() {
	op := operation(ScopeAdmin, "Operation", http.MethodPost, "/configuration/reload", "reload-configuration", "Take over changed flags and certificates",
		http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Description = "Reads the file of flags, the certificates and, if asked, the site files of the flags anew. With a single fault nothing changes, and " +
		"every fault is told by file, line, field and cause. Calls, registrations and connections that are up go on."
	huma.Register(a.huma, op, a.reload)
	huma.Register(a.huma, operation(ScopeRead, "Operation", http.MethodGet, "/configuration/reload", "get-last-reload", "Show the last reload and the certificate in force"),
		func(context.Context, *struct{}) (*struct{ Body LastReload }, error) {
			return &struct{ Body LastReload }{Body: a.cfg.Reloader.Last()}, nil
		})
}

func (a *API) reload(ctx context.Context, in *struct {
	DryRun    bool `query:"dry_run" doc:"Check only, change nothing."`
	SiteFiles bool `query:"site_files" doc:"Import the site files of the flags too; what the portal has changed in those sites since is lost."`
}) (*struct{ Body Reloaded }, error) {
	what := ReloadOptions{By: callerOf(ctx).id.Name, DryRun: in.DryRun, SiteFiles: in.SiteFiles}
	done, err := a.cfg.Reloader.Reload(ctx, what)
	if err != nil {
		if faults := faultDetails(err); len(faults) > 0 {
			return nil, huma.Error422UnprocessableEntity("the files have faults; nothing was changed", faults...)
		}
		return nil, a.fail(ctx, "reload", err)
	}
	if in.DryRun {
		audit.Of(ctx).Refused() // nothing was done
	} else {
		a.audit(ctx, "configuration reloaded", "changed", done.Changed, "site_files", in.SiteFiles)
	}
	return &struct{ Body Reloaded }{Body: done}, nil
}
