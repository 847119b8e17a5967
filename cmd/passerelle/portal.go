package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"

	"passerelle/directory"
	"passerelle/portal/account"
	portal "passerelle/portal/web"
	"passerelle/store"
)

var (
	_ account.Passwords = (*store.Store)(nil)
	_ account.Records   = (*store.Store)(nil)
	_ account.Sessions  = (*store.Sessions)(nil)
)

// newAccounts knows the portal's users by the store. origin is where browsers open the portal, empty when each request says.
func newAccounts(st *store.Store, live *directory.Live, origin string, log *slog.Logger) *account.Accounts {
	return account.New(account.Config{Directory: live, Passwords: st, Records: st, Sessions: st.Sessions(), Origin: origin, Log: log})
}

// pages are the portal's, on what the API stands on.
func pages(cfg webConfig) http.Handler {
	if cfg.accounts == nil {
		return nil
	}
	return portal.New(portal.Config{
		LiveCalls: cfg.api.LiveCalls, Tokens: cfg.api.Tokens,
		Accounts: cfg.accounts, Directory: cfg.api.Directory, Bridges: cfg.api.Bridges, Registrations: cfg.api.Registrations,
		Gateways: cfg.api.Gateways, Settings: cfg.api.Settings, SpaceCalls: cfg.api.SpaceCalls, Desk: cfg.desk, Phones: cfg.api.Phones, Trunks: cfg.api.Trunks, Configuration: cfg.api.Configuration, Records: cfg.api.Records, Audit: cfg.api.Audit, Health: cfg.api.Health, Sources: cfg.api.Sources, Auditor: cfg.api.Auditor, Provider: cfg.provider, Version: cfg.api.Version, Log: cfg.log,
	})
}

// printSetup prints the link that makes the owner's account while nobody administers the enterprise. It goes to the
// terminal and not to the log, as whoever has it owns the server. base is where browsers open the portal.
func printSetup(ctx context.Context, w io.Writer, accounts *account.Accounts, base string) error {
	path, err := accounts.SetupPath(ctx)
	if err != nil || path == "" {
		return err
	}
	_, err = fmt.Fprintf(w, "\nNobody administers this server yet. Open this link within %d hours, once, to create the owner's account:\n\n  %s%s\n\n",
		int(account.SetupLife.Hours()), base, path)
	return err
}

// reachable is a listening address as a browser on this machine opens it.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
