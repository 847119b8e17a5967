package auditor

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// Store keeps the journal; package store satisfies it.
type Store interface {
	// Record adds an entry and gives its ID.
	Record(ctx context.Context, e audit.Entry) (uint64, error)
}

// Auditor records. It is safe for concurrent use; a nil one records nothing.
type Auditor struct {
	dir   *directory.Live
	store Store
	log   *slog.Logger
}

// New does no work yet; a nil log discards.
func New(dir *directory.Live, store Store, log *slog.Logger) *Auditor {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Auditor{dir: dir, store: store, log: log}
}

// recordLimit bounds the writing of one entry after its deed, whoever has gone meanwhile.
const recordLimit = 10 * time.Second

// done records a deed that is done, unless the store has it with the change it made.
func (a *Auditor) done(ctx context.Context, t *audit.Trail, d deed) {
	if !t.Open() || d.stored || d.name == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordLimit)
	defer cancel()
	if _, err := a.store.Record(ctx, t.Entry()); err != nil {
		a.log.ErrorContext(ctx, "deed not recorded", "deed", t.Deed, "by", t.Actor.ID, "err", err)
	}
}

// Pages gives a router whose routes leave a trail in the journal.
func (a *Auditor) Pages(mux page.Router) page.Router {
	if a == nil {
		return mux
	}
	return router{a, mux}
}

type router struct {
	a   *Auditor
	mux page.Router
}

// HandleFunc implements page.Router.
func (r router) HandleFunc(pattern string, next func(http.ResponseWriter, *http.Request)) {
	d, recorded := deedOf(pages, pattern)
	if !recorded {
		r.mux.HandleFunc(pattern, next)
		return
	}
	r.mux.HandleFunc(pattern, func(w http.ResponseWriter, rq *http.Request) {
		t := r.a.trail(d, actorOf(rq), rq.PathValue)
		if p := account.Of(rq.Context()); t.Site == "" && p != nil && p.User != nil && ownRoute(pattern) {
			t.Subject, t.Site = named(p.User), p.User.Site.Domain
		}
		ctx := audit.With(rq.Context(), t)
		s := &status{ResponseWriter: w}
		next(s, rq.WithContext(ctx))
		if s.code < http.StatusBadRequest {
			r.a.done(ctx, t, d)
		}
	})
}

// ownRoute says whether a route is of the own things of who is signed in.
func ownRoute(pattern string) bool {
	return strings.HasPrefix(pattern, "POST /hub") || strings.HasPrefix(pattern, "POST /account")
}

// status notes the status of an answer.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

// Unwrap lets http.ResponseController find the connection.
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// actorOf is who sends a request of the portal.
func actorOf(r *http.Request) audit.Actor {
	by := audit.Actor{Via: audit.ViaPortal, From: account.Source(r)}
	if p := account.Of(r.Context()); p != nil {
		by.ID, by.Name = p.Account.ID, p.Name
	}
	return by
}

// Operation runs an operation of the API, by its ID, with a trail in the context: param gives the values of its path. do
// gives the status of the answer.
func (a *Auditor) Operation(ctx context.Context, id, method string, by audit.Actor, param func(string) string, do func(context.Context) int) {
	d, recorded := deedOf(operations, id)
	if a == nil || !recorded || d.unsafeOnly() && (method == http.MethodGet || method == http.MethodHead) {
		do(ctx)
		return
	}
	t := a.trail(d, by, param)
	ctx = audit.With(ctx, t)
	if do(ctx) < http.StatusBadRequest {
		a.done(ctx, t, d)
	}
}

// trail is what a request is about to leave.
func (a *Auditor) trail(d deed, by audit.Actor, value func(string) string) *audit.Trail {
	t := &audit.Trail{Actor: by, Deed: d.name}
	dir := a.dir.Current()
	t.Subject, t.Site = subject(dir, value)
	if ref, ok := directory.UserOfAccount(by.ID); ok && by.Name == "" {
		if u, ok := dir.UserByRef(ref); ok {
			t.Actor.Name = u.Name
		}
	}
	return t
}
