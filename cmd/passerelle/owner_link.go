package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"passerelle/portal/account"
	"passerelle/portal/api"
)

// ownerLinkCmd lets whoever holds the server into its owner's account.
type ownerLinkCmd struct {
	Data string `help:"Data directory of the running server." default:"./data" placeholder:"DIR"`
}

// Help implements kong's help provider.
func (ownerLinkCmd) Help() string {
	return `For an owner who has lost the password or the second factor. Whoever opens the link, once and within an hour, gives name,
address and password anew; second factors are taken away and sessions end. The server must be running.

Example: passerelle owner-link --data /var/lib/passerelle`
}

// Run prints the link.
func (c *ownerLinkCmd) Run(ctx context.Context) error {
	client, running := adminClient(c.Data)
	if !running {
		return errors.New("no server runs on " + c.Data + ": start it first")
	}
	link, err := adminOwnerLink(ctx, client)
	if err != nil {
		return err
	}
	return writeOwnerLink(os.Stdout, link)
}

// writeOwnerLink prints a link for people.
func writeOwnerLink(w io.Writer, link api.OwnerLink) error {
	_, err := fmt.Fprintf(w, "Open this link once, before %s, to make the owner's account anew:\n\n  %s\n\n", link.Until.Local().Format("15:04 on 2 January"), link.URL)
	return err
}

// adminOwnerLink has the running server draw a link.
func adminOwnerLink(ctx context.Context, client *http.Client) (api.OwnerLink, error) {
	var link api.OwnerLink
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, adminURL+"/api/v1/owner/link", nil)
	if err != nil {
		return link, fmt.Errorf("ask the running server: %w", err)
	}
	resp, err := adminDo(client, r)
	if err != nil {
		return link, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&link); err != nil {
		return link, fmt.Errorf("read the answer of the running server: %w", err)
	}
	return link, nil
}

// portalAccounts are the accounts of the portal as the API asks for them.
type portalAccounts struct {
	*account.Accounts
	base string // where browsers open the portal
}

// OwnerLink implements api.PortalAccounts.
func (o portalAccounts) OwnerLink(ctx context.Context) (string, time.Time, error) {
	path, until := o.OwnerPath(ctx)
	return o.base + path, until, nil
}
