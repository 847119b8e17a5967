package admin

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/auditor"
	"passerelle/portal/i18n"
	"passerelle/portal/page"
)

// auditPage is a part of the journal of changes, the latest first.
type auditPage struct {
	Sites []*directory.Site
	Site  string // domain; empty is all
	List  page.List[auditRow]
	Later bool   // whether it is not the first part
	Older uint64 // where the next part begins; zero: there is none
	Zone  *time.Location
}

// auditRow is an entry as people read it.
type auditRow struct {
	audit.Entry
	Who     string
	What    string
	Values  []valueRow
	Undo    bool // whether who looks may take it back
	Folded  bool // too many values to show at once
	Unknown bool // What is a route or operation, no text
}

// valueRow is a change of a value.
type valueRow struct {
	Kind, Name, Field, Before, After string
}

// foldAt is how many values of an entry are shown at once.
const foldAt = 6

func (p *Portal) audits(w http.ResponseWriter, r *http.Request) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return
	}
	speak := p.view.Printer(r)
	who, q := auditor.ViewerOf(account.Of(r.Context()), p.cfg.Directory.Current()), page.ReadQuery(r)
	before, _ := strconv.ParseUint(r.URL.Query().Get("before"), 10, 64)
	d := auditPage{Sites: all, Site: strings.ToLower(r.URL.Query().Get("site")), Later: before != 0, Zone: p.view.Zone(r)}
	d.List.Query = q
	found, err := p.cfg.Audit.Audit(r.Context(), audit.Query{Before: before, Limit: page.PerPage, Match: func(e *audit.Entry) bool {
		seen, ok := who.Visible(*e)
		return ok && (d.Site == "" || ofSite(&seen, sites[0].Domain)) && (q.Text == "" || q.Matches(auditText(speak, &seen)))
	}})
	if err != nil {
		p.view.Fail(w, r, "read the journal of changes", err)
		return
	}
	for _, e := range found.Entries {
		if seen, ok := who.Visible(e); ok {
			d.List.Rows = append(d.List.Rows, newAuditRow(speak, seen, who.MayUndo(&e) == nil))
		}
	}
	d.Older, d.List.Total = found.Next, len(d.List.Rows)
	p.view.Render(w, r, pages, "audit", http.StatusOK, page.Frame{Title: p.text(r, "nav.audit"), Area: "audit", Data: d})
}

func ofSite(e *audit.Entry, domain string) bool {
	for _, s := range e.Sites() {
		if s == domain {
			return true
		}
	}
	return false
}

// auditText is what a search of the journal looks at.
func auditText(speak *i18n.Printer, e *audit.Entry) string {
	texts := []string{e.By.Name, e.By.ID, e.By.From, e.Subject, e.Deed, deedText(speak, e.Deed)}
	for _, c := range e.Changes {
		texts = append(texts, c.Name, c.Field, fieldText(speak, c.Field), string(c.Before), string(c.After))
	}
	return strings.Join(texts, "\n")
}

// deedText names a deed; one without a name is the route or operation that did it.
func deedText(speak *i18n.Printer, deed string) string {
	if speak.Has("deed." + deed) {
		return speak.T("deed." + deed)
	}
	return deed
}

// fieldText names a value, by the path that site files have where it has no name.
func fieldText(speak *i18n.Printer, path string) string {
	if speak.Has("field." + path) {
		return speak.T("field." + path)
	}
	return path
}

func newAuditRow(speak *i18n.Printer, e audit.Entry, undo bool) auditRow {
	row := auditRow{Entry: e, Who: e.By.Name, What: deedText(speak, e.Deed), Undo: undo && e.Undoable(), Folded: len(e.Changes) > foldAt}
	row.Unknown = e.Deed != "" && row.What == e.Deed
	if row.Who == "" {
		row.Who = e.By.ID
	}
	if e.By.ID == directory.OwnerAccount && e.By.Name == "" || row.Who == "" {
		row.Who = speak.T("audit.server")
	}
	if e.Deed == "" {
		row.What = speak.T("audit.changed")
	}
	for _, c := range e.Changes {
		row.Values = append(row.Values, valueRow{
			Kind: string(c.Kind), Name: c.Name, Field: fieldText(speak, c.Field), Before: rawText(speak, c.Before), After: rawText(speak, c.After),
		})
	}
	return row
}

// undoChange takes an entry of the journal back.
func (p *Portal) undoChange(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	id, err := strconv.ParseUint(r.PathValue("id"), 10, 64)
	if err != nil {
		p.view.Refuse(w, r, http.StatusNotFound)
		return
	}
	err = p.cfg.Audit.Undo(r.Context(), id, auditor.ViewerOf(account.Of(r.Context()), p.cfg.Directory.Current()).MayUndo)
	note := page.Note{Key: "undo.done"}
	switch {
	case errors.Is(err, audit.ErrNotFound):
		p.view.Refuse(w, r, http.StatusNotFound)
		return
	case errors.Is(err, auditor.ErrForbidden):
		p.view.Refuse(w, r, http.StatusForbidden)
		return
	case errors.Is(err, audit.ErrUndone):
		note = page.Note{Key: "undo.undone", Bad: true}
	case errors.Is(err, audit.ErrFinal):
		note = page.Note{Key: "undo.final", Bad: true}
	case errors.Is(err, audit.ErrMeanwhile):
		note = page.Note{Key: "undo.meanwhile", Bad: true}
	case len(directory.Faults(err)) > 0:
		note = page.Note{Key: "user.refused", Args: []any{directory.Faults(err)[0].Cause}, Bad: true}
	case err != nil:
		p.view.Fail(w, r, "undo a change", err)
		return
	default:
		p.audit(r.Context(), "change undone", "entry", id)
	}
	p.view.Note(w, r, "/audit", note)
}
