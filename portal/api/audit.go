package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/audit"
	"passerelle/portal/auditor"
)

// Audit is the journal of changes.
type Audit interface {
	// Audit gives entries, the latest first.
	Audit(ctx context.Context, q audit.Query) (audit.Page, error)
	// Undo takes an entry back: see audit.Undo. Faults come as the directory's own.
	Undo(ctx context.Context, id uint64, may func(*audit.Entry) error) error
}

// AuditEntry is one deed in the journal of changes.
type AuditEntry struct {
	ID       uint64        `json:"id" doc:"Later entries have greater ones."`
	At       time.Time     `json:"at"`
	By       AuditActor    `json:"by"`
	Deed     string        `json:"deed" doc:"What was done; for what has no name of its own, the route or operation." example:"gateway.assign"`
	Subject  string        `json:"subject,omitempty" doc:"What it was done to, where the changes do not say it."`
	Site     string        `json:"site,omitempty" doc:"SIP domain of the site, where the changes do not say it."`
	Changes  []AuditChange `json:"changes" nullable:"false"`
	More     int           `json:"more,omitempty" doc:"How many further changes it made that are not kept."`
	Undoable bool          `json:"undoable" doc:"Whether it can be taken back, unless something was changed again since."`
	Undoes   uint64        `json:"undoes,omitempty" doc:"Entry that this one took back."`
	UndoneBy uint64        `json:"undone_by,omitempty" doc:"Entry that took this one back."`
}

// AuditActor is who did it.
type AuditActor struct {
	ID   string `json:"id,omitempty" doc:"Account, name of the token, or line; absent for the server itself."`
	Name string `json:"name,omitempty"`
	Via  string `json:"via" enum:"portal,api,socket,phone,server"`
	From string `json:"from,omitempty" doc:"Address that the request came from."`
}

// AuditChange is one value that is another now, or a record that came or went.
type AuditChange struct {
	Kind   string `json:"kind" enum:"changed,added,removed"`
	Site   string `json:"site" doc:"SIP domain of the site that it concerns."`
	Name   string `json:"name" doc:"Of the user, workspace or site at that time."`
	Field  string `json:"field,omitempty" doc:"Path of the value as site files write it; absent for a whole record." example:"forwards.always"`
	Before any    `json:"before,omitempty" doc:"Secrets are ***."`
	After  any    `json:"after,omitempty"`
}

func newAuditEntry(e audit.Entry) AuditEntry {
	out := AuditEntry{
		ID: e.ID, At: e.At.UTC(), By: AuditActor{ID: e.By.ID, Name: e.By.Name, Via: string(e.By.Via), From: e.By.From}, Deed: e.Deed,
		Subject: e.Subject, Site: e.Site, Changes: []AuditChange{}, More: e.More, Undoable: e.Undoable(), Undoes: e.Undoes, UndoneBy: e.UndoneBy,
	}
	for _, c := range e.Changes {
		out.Changes = append(out.Changes, AuditChange{
			Kind: string(c.Kind), Site: c.Site, Name: c.Name, Field: c.Field, Before: plain(c.Before), After: plain(c.After),
		})
	}
	return out
}

// plain is a kept value as an answer has it.
func plain(raw json.RawMessage) any {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil
	}
	return v
}

// auditPath names an entry of the journal.
type auditPath struct {
	ID uint64 `path:"id" minimum:"1" doc:"Entry of the journal."`
}

func (a *API) registerAudit() {
	list := operation(ScopeRead, "Operation", http.MethodGet, "/audit", "list-changes", "List what was changed, by whom, the latest first")
	list.Description = "Who changed what, when, from where, with the values before and after; secrets are ***. A page may be short, or empty, while more follow: a search reads a bounded number of entries at a time."
	huma.Register(a.huma, bySite(list), a.listAudit)
	undo := operation(ScopeUsers, "Operation", http.MethodPost, "/audit/{id}/undo", "undo-change", "Take a change back",
		http.StatusNotFound, http.StatusConflict, http.StatusServiceUnavailable)
	undo.Description = "All its values are again what they were before, in one step. It is refused once one of them was changed again, and for what made or removed a record or touched a secret. Changes of a site take the scope directory:write, those of roles, addresses and the like a caller for the whole enterprise with the scope admin."
	undo.DefaultStatus = http.StatusNoContent
	huma.Register(a.huma, bySite(undo), func(ctx context.Context, in *auditPath) (*struct{}, error) {
		err := a.cfg.Audit.Undo(ctx, in.ID, viewerOf(ctx).MayUndo)
		return nil, a.undone(ctx, err)
	})
}

// undone is the answer to an undoing.
func (a *API) undone(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, auditor.ErrForbidden):
		return huma.Error403Forbidden(err.Error())
	case errors.Is(err, audit.ErrNotFound):
		return huma.Error404NotFound(audit.ErrNotFound.Error())
	case errors.Is(err, audit.ErrUndone), errors.Is(err, audit.ErrFinal), errors.Is(err, audit.ErrMeanwhile):
		return huma.Error409Conflict(err.Error())
	}
	if faults := faultDetails(err); len(faults) > 0 {
		return huma.Error409Conflict("the directory does not allow it", faults...)
	}
	return a.fail(ctx, "undo a change", err)
}

type listAudit struct {
	Limit  int       `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most entries to return."`
	Cursor string    `query:"cursor" maxLength:"32" doc:"Where to go on: next_cursor of the page before."`
	Site   string    `query:"site" maxLength:"255" doc:"Only entries that concern the site with this SIP domain."`
	By     string    `query:"by" maxLength:"255" doc:"Only entries of this account, token or line."`
	Deed   string    `query:"deed" maxLength:"128" doc:"Only entries of this deed."`
	Since  time.Time `query:"since" doc:"Only entries of that time or later."`
	Until  time.Time `query:"until" doc:"Only entries before that time."`
}

// viewerOf is the caller as one who looks at the journal.
func viewerOf(ctx context.Context) auditor.Viewer {
	id := callerOf(ctx).id
	of := func(s Scope) func(string) bool {
		return func(domain string) bool { return id.Sees(domain) && id.May(s) }
	}
	return auditor.Viewer{All: id.Site == "" && id.May(ScopeAdmin), Sees: id.Sees, Users: of(ScopeUsers), Sites: of(ScopeDirectory)}
}

func (a *API) listAudit(ctx context.Context, in *listAudit) (*pageOutput[AuditEntry], error) {
	who := viewerOf(ctx)
	who.All = who.All || callerOf(ctx).id.Site == ""
	q := audit.Query{Limit: in.Limit, Since: in.Since, Until: in.Until, Match: func(e *audit.Entry) bool {
		seen, ok := who.Visible(*e)
		return ok && (in.By == "" || e.By.ID == in.By) && (in.Deed == "" || e.Deed == in.Deed) && (in.Site == "" || concerns(&seen, in.Site))
	}}
	if in.Cursor != "" {
		var err error
		if q.Before, err = strconv.ParseUint(in.Cursor, 10, 64); err != nil || q.Before == 0 {
			return nil, invalid("query.cursor", errBadCursor.Error())
		}
	}
	page, err := a.cfg.Audit.Audit(ctx, q)
	if err != nil {
		return nil, a.fail(ctx, "list changes", err)
	}
	out := &pageOutput[AuditEntry]{Body: Page[AuditEntry]{Items: []AuditEntry{}}}
	for _, e := range page.Entries {
		if seen, ok := who.Visible(e); ok {
			out.Body.Items = append(out.Body.Items, newAuditEntry(seen))
		}
	}
	if page.Next != 0 {
		out.Body.NextCursor = strconv.FormatUint(page.Next, 10)
		next := url.Values{"cursor": {out.Body.NextCursor}, "limit": {strconv.Itoa(in.Limit)}}
		for k, v := range map[string]string{"site": in.Site, "by": in.By, "deed": in.Deed, "since": stamp(in.Since), "until": stamp(in.Until)} {
			if v != "" {
				next.Set(k, v)
			}
		}
		out.Link = "</api/v1/audit?" + next.Encode() + `>; rel="next"`
	}
	return out, nil
}

// stamp writes a time as queries have it; empty for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// concerns says whether an entry is of a site.
func concerns(e *audit.Entry, domain string) bool {
	for _, s := range e.Sites() {
		if strings.EqualFold(s, domain) {
			return true
		}
	}
	return false
}
