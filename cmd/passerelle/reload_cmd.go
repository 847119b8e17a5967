package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"passerelle/portal/api"
)

// reloadCmd has the running server take over what has changed.
type reloadCmd struct {
	Data   string `help:"Directory of the store of the running server." default:"./data" placeholder:"DIR"`
	Sites  bool   `help:"Import the site files of --site too; what the portal has changed in those sites since is lost."`
	DryRun bool   `help:"Only check, and say what would change."`
}

// Help implements kong's help provider.
func (reloadCmd) Help() string {
	return `The running server reads the file of --config, the certificates of --cert, --key and --phone-ca and, with --sites, the files
of --site anew. All of it is checked first; with a single fault nothing changes. Calls, registrations and connections that
are up go on. SIGHUP does the same without --sites, and changed certificates are noticed without it.

Example: passerelle reload --data /var/lib/passerelle`
}

// Run reloads and says what is in force now.
func (c *reloadCmd) Run(ctx context.Context) error {
	client, running := adminClient(c.Data)
	if !running {
		return fmt.Errorf("no server runs on %s", c.Data)
	}
	done, err := adminReload(ctx, client, c.Sites, c.DryRun)
	if err != nil {
		return listFaults(err)
	}
	return writeReloaded(os.Stdout, done)
}

// adminReload has the running server reload.
func adminReload(ctx context.Context, client *http.Client, sites, dryRun bool) (done api.Reloaded, err error) {
	query := url.Values{"site_files": {strconv.FormatBool(sites)}, "dry_run": {strconv.FormatBool(dryRun)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, adminURL+"/api/v1/configuration/reload?"+query.Encode(), nil)
	if err != nil {
		return done, fmt.Errorf("ask the running server: %w", err)
	}
	resp, err := adminDo(client, r)
	if err != nil {
		return done, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&done); err != nil {
		return done, fmt.Errorf("read the answer of the running server: %w", err)
	}
	return done, nil
}

// writeReloaded tells a reload in words.
func writeReloaded(w io.Writer, done api.Reloaded) error {
	var b strings.Builder
	verb := "in force now"
	if done.DryRun {
		verb = "no fault found, nothing was changed; a reload would change"
	}
	changed := "nothing new"
	if len(done.Changed) > 0 {
		changed = strings.Join(done.Changed, ", ")
	}
	fmt.Fprintf(&b, "%s: %s\n", verb, changed)
	if done.Sites != nil {
		fmt.Fprintf(&b, "sites: %s\n", inNumbers(*done.Sites))
	}
	if c := done.Certificate; c != nil {
		fmt.Fprintf(&b, "certificate of %s, until %s\n", strings.Join(c.Names, ", "), c.NotAfter.Local().Format(time.DateTime))
	}
	if len(done.NeedRestart) > 0 {
		fmt.Fprintf(&b, "cannot change while the server runs, a restart takes it over: %s\n", strings.Join(done.NeedRestart, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
