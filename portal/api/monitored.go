package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Monitored is the list of lines whose calls a user's phone shows.
type Monitored struct {
	Line  string   `json:"line" doc:"Number of the line, or extension@domain of those without one."`
	URI   string   `json:"uri" doc:"What the phone subscribes to (RFC 4662), such as BLF_List_URI of Cisco phones."`
	Lines []string `json:"lines" nullable:"false" doc:"Extensions of the site, and numbers, as the phone shows them in order."`
}

type monitoredOutput struct {
	ETag string `header:"ETag" doc:"Of the line's record: for If-Match of a change."`
	Body Monitored
}

func (a *API) registerMonitored() {
	const path = "/lines/{line}/monitored"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, path, "get-monitored-lines", "Show which lines a phone shows as busy lamps", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*monitoredOutput, error) { return a.monitored(ctx, in.Line) })
	put := operation(ScopeUsers, "Directory", http.MethodPut, path, "set-monitored-lines", "Choose which lines a phone shows as busy lamps",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	put.Description = "The phone is told the new list at once if it is subscribed."
	huma.Register(a.huma, bySite(put), func(ctx context.Context, in *struct {
		LinePath
		IfMatch
		Body struct {
			Lines []string `json:"lines" nullable:"false" maxItems:"100"`
		}
	}) (*monitoredOutput, error) {
		u, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		change := func(u *directory.User) { u.Monitored = slices.Clone(in.Body.Lines) }
		if _, err := a.editUser(ctx, u, in.IfMatch, "monitored lines changed", always(change)); err != nil {
			return nil, err
		}
		return a.monitored(ctx, in.Line)
	})
}

func (a *API) monitored(ctx context.Context, line string) (*monitoredOutput, error) {
	u, err := a.line(ctx, line)
	if err != nil {
		return nil, err
	}
	m := Monitored{Line: u.Line(), URI: "sip:" + directory.MonitoredList + "@" + u.Site.Domain, Lines: append([]string{}, u.Monitored...)}
	if u.Number == "" {
		m.Line += "@" + u.Site.Domain
	}
	return &monitoredOutput{ETag: userTag(u), Body: m}, nil
}
