package web

import (
	"log/slog"
	"net/http"

	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/admin"
	"passerelle/portal/api"
	"passerelle/portal/auditor"
	"passerelle/portal/hub"
	"passerelle/portal/page"
	"passerelle/portal/signin"
	"passerelle/portal/token"
)

// Desk signs guests in and out; package hoteling satisfies it.
type Desk interface {
	admin.Desk
	hub.Desk
}

// Config is what the pages stand on: what the API stands on, and the accounts. All is required but Log.
type Config struct {
	Accounts      *account.Accounts
	Directory     *directory.Live
	Bridges       api.Bridges
	LiveCalls     api.LiveCalls
	Registrations api.Registrations
	Gateways      api.Gateways
	Settings      api.Settings
	SpaceCalls    api.SpaceCalls
	Desk          Desk
	Trunks        api.Trunks
	Configuration api.Configuration
	Records       api.Records
	Phones        admin.Phones
	Tokens        api.TokenKeeper
	Audit         api.Audit
	Health        api.Health
	Sources       api.Sources
	Provider      signin.Provider  // where people may sign in too; nil is nowhere
	Auditor       *auditor.Auditor // records what is done; nil records nothing
	Version       string           // of the program
	Log           *slog.Logger     // nil discards
}

// New gives the handler of all pages. A path that is none of theirs is answered 404.
func New(cfg Config) http.Handler {
	view := page.NewRenderer(page.Config{Accounts: cfg.Accounts, Directory: cfg.Directory, Version: cfg.Version, Log: cfg.Log})
	mux := http.NewServeMux()
	recorded := cfg.Auditor.Pages(mux)
	signin.New(cfg.Accounts, view, cfg.Log).WithProvider(cfg.Provider).Routes(recorded)
	admin.New(admin.Config{
		View: view, Accounts: cfg.Accounts, Directory: cfg.Directory, Bridges: cfg.Bridges, LiveCalls: cfg.LiveCalls, Registrations: cfg.Registrations,
		Gateways: cfg.Gateways, Settings: cfg.Settings, Desk: cfg.Desk, Phones: cfg.Phones, Trunks: cfg.Trunks, Configuration: cfg.Configuration, Audit: cfg.Audit, Health: cfg.Health, Sources: cfg.Sources, Log: cfg.Log,
	}).Routes(recorded)
	hub.New(hub.Config{View: view, Directory: cfg.Directory, Bridges: cfg.Bridges, Settings: cfg.Settings, Desk: cfg.Desk, Calls: cfg.SpaceCalls, Records: cfg.Records, Log: cfg.Log}).Routes(recorded)
	token.NewPages(cfg.Tokens, view, cfg.Log).Routes(recorded)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { view.Refuse(w, r, http.StatusNotFound) })
	all := http.NewServeMux()
	all.HandleFunc("GET /assets/{name}", page.Asset)
	all.Handle("/", cfg.Accounts.Load(mux))
	return all
}
