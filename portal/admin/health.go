package admin

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/health"
	"passerelle/portal/page"
	"passerelle/portal/sources"
)

// healthPage is what is wrong now, who is kept out, and who never is.
type healthPage struct {
	Problems []problemRow
	Blocked  []blockedRow
	Allowed  []directory.AllowedSource
	Owns     bool // whether who looks may let sources in
	Zone     *time.Location
	// What was typed and refused.
	Source, Note, Fault string
}

// problemRow is a problem in the reader's language.
type problemRow struct {
	Bad            bool
	Text, Do, Href string
	Site           string // name; empty: the server's
	Since          time.Time
}

// blockedRow is a source, or an account, that is kept out.
type blockedRow struct {
	sources.Blocked
	Range string // for the form that allows it; empty: it is no source
	Tries int
}

// problems are those that who is signed in sees.
func (p *Portal) problems(r *http.Request) []problemRow {
	who, dir, speak := account.Of(r.Context()), p.cfg.Directory.Current(), p.view.Printer(r)
	sees := func(domain string) bool {
		s, ok := dir.SiteByDomain(domain)
		return ok && who.Sees(s)
	}
	var rows []problemRow
	for _, pr := range health.Visible(p.cfg.Health.Problems(), who.Owns(), sees) {
		row := problemRow{Bad: pr.Severity == health.Bad, Text: pr.Text(speak), Do: pr.Do(speak), Href: pr.Href, Since: pr.Since}
		if s, ok := dir.SiteByDomain(pr.Site); ok {
			row.Site = s.Name
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *Portal) health(w http.ResponseWriter, r *http.Request) {
	p.showHealth(w, r, http.StatusOK, healthPage{})
}

func (p *Portal) showHealth(w http.ResponseWriter, r *http.Request, status int, d healthPage) {
	who, dir := account.Of(r.Context()), p.cfg.Directory.Current()
	d.Problems, d.Owns, d.Zone = p.problems(r), who.Owns(), p.view.Zone(r)
	for _, b := range p.cfg.Sources.Blocked() {
		mine := slices.ContainsFunc(b.Sites, func(domain string) bool {
			s, ok := dir.SiteByDomain(domain)
			return ok && who.Sees(s)
		})
		if !mine && !d.Owns {
			continue
		}
		row := blockedRow{Blocked: b, Tries: int(min(b.Count, math.MaxInt32))}
		if b.Source.IsValid() {
			row.Range = b.Source.String()
		}
		d.Blocked = append(d.Blocked, row)
	}
	if d.Owns {
		var err error
		if d.Allowed, err = p.cfg.Sources.Allowed(r.Context()); err != nil {
			p.view.Fail(w, r, "list allowed sources", err)
			return
		}
	}
	p.view.Render(w, r, pages, "health", status, page.Frame{Title: p.text(r, "nav.health"), Area: "health", Data: d})
}

// sourceOwner says whether who is signed in may let sources in, as they come to all sites; else the request is answered.
func (p *Portal) sourceOwner(w http.ResponseWriter, r *http.Request) bool {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !account.Of(r.Context()).Owns() {
		p.view.Refuse(w, r, http.StatusForbidden)
		return false
	}
	return true
}

// liftSource lets what is kept out in again, until it gives cause anew.
func (p *Portal) liftSource(w http.ResponseWriter, r *http.Request) {
	if !p.sourceOwner(w, r) {
		return
	}
	b, err := p.cfg.Sources.Lift(r.PathValue("id"), func(sources.Blocked) error { return nil })
	switch {
	case errors.Is(err, sources.ErrNotBlocked):
		p.view.Note(w, r, "/health", page.Note{Key: "blocked.over", Bad: true})
	case err != nil:
		p.view.Fail(w, r, "let a source in", err)
	default:
		audit.Of(r.Context()).About(b.Name())
		p.audit(r.Context(), "source let in again", "kind", string(b.Kind), "source", b.Source)
		p.view.Note(w, r, "/health", page.Note{Key: "blocked.lifted", Args: []any{b.Name()}})
	}
}

// allowSource keeps a source from ever being blocked.
func (p *Portal) allowSource(w http.ResponseWriter, r *http.Request) {
	if !p.sourceOwner(w, r) {
		return
	}
	who := account.Of(r.Context())
	source, note := r.PostFormValue("source"), r.PostFormValue("note")
	kept, err := p.cfg.Sources.Allow(r.Context(), source, note, who.Name)
	switch {
	case errors.Is(err, directory.ErrBadRange):
		p.showHealth(w, r, http.StatusUnprocessableEntity, healthPage{Source: source, Note: note, Fault: p.text(r, "allowed.bad")})
	case errors.Is(err, directory.ErrTooManyRanges):
		p.showHealth(w, r, http.StatusUnprocessableEntity, healthPage{Source: source, Note: note, Fault: p.text(r, "allowed.full")})
	case err != nil:
		p.view.Fail(w, r, "allow a source", err)
	default:
		audit.Of(r.Context()).About(kept.Range.String())
		p.audit(r.Context(), "source allowed", "source", kept.Range)
		p.view.Note(w, r, "/health", page.Note{Key: "allowed.done", Args: []any{kept.Range}, Undo: &page.Undo{
			Action: "/health/allowed/remove", Fields: []page.Field{{Name: "source", Value: kept.Range.String()}},
		}})
	}
}

// disallowSource lets a source be blocked again.
func (p *Portal) disallowSource(w http.ResponseWriter, r *http.Request) {
	if !p.sourceOwner(w, r) {
		return
	}
	source := r.PostFormValue("source")
	was, err := p.cfg.Sources.Disallow(r.Context(), source)
	switch {
	case err != nil:
		p.view.Fail(w, r, "no longer allow a source", err)
	case !was:
		p.view.Note(w, r, "/health", page.Note{Key: "allowed.gone", Bad: true})
	default:
		audit.Of(r.Context()).About(source)
		p.audit(r.Context(), "source no longer allowed", "source", source)
		p.view.Note(w, r, "/health", page.Note{Key: "allowed.removed", Args: []any{source}})
	}
}
