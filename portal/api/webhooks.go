package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/portal/events"
)

// Webhooks is what the API asks of those who are sent events; events.Webhooks satisfies it.
type Webhooks interface {
	// Webhooks gives all webhooks.
	Webhooks() []events.WebhookState
	// Webhook gives one; events.ErrNoWebhook means that there is none.
	Webhook(id string) (events.WebhookState, error)
	// Create adds a webhook that begins after the cursor.
	Create(ctx context.Context, w events.Webhook, from string) (events.WebhookState, error)
	// Change alters a webhook and, if a cursor is given, has it go on from there.
	Change(ctx context.Context, id, from string, change func(*events.Webhook) error) (events.WebhookState, error)
	// Delete removes a webhook unless may refuses.
	Delete(ctx context.Context, id string, may func(events.Webhook) error) error
	// Test sends a test event; an events.AttemptError says why it did not arrive.
	Test(ctx context.Context, id string) error
}

// WebhookFields are what the owner of a webhook chooses.
type WebhookFields struct {
	Name   string        `json:"name" required:"false" maxLength:"100" doc:"For people."`
	URL    string        `json:"url" required:"false" maxLength:"2048" format:"uri" doc:"http or https; it may hold no password, as whoever lists the webhooks sees it." example:"https://crm.acme.test/passerelle"`
	Types  []events.Type `json:"types" required:"false" nullable:"false" maxItems:"32" doc:"Types of events, with call.* for every type of a subject; none means all. events.lost always comes."`
	Site   string        `json:"site" required:"false" maxLength:"255" doc:"Only what concerns the site with this SIP domain; empty means the whole enterprise."`
	Active bool          `json:"active" required:"false" default:"true" doc:"Off, the webhook keeps its place: what happens meanwhile is sent when it is on again, as far as the log has it."`
}

// Webhook is a URL that is sent events, and how it stands.
type Webhook struct {
	ID string `json:"id"`
	WebhookFields
	Created      time.Time  `json:"created"`
	State        string     `json:"state" enum:"active,failing,disabled,off" doc:"failing is tried again and again; disabled is what the server gave up: switching it on tries again."`
	Cursor       string     `json:"cursor" doc:"The id of the last event that was delivered or passed over."`
	Waiting      uint64     `json:"waiting" doc:"Events of the log after the cursor, those that the webhook does not want too."`
	FailingSince *time.Time `json:"failing_since,omitempty"`
	Attempts     int        `json:"attempts,omitempty" doc:"At the event that fails."`
	NextAttempt  *time.Time `json:"next_attempt,omitempty"`
	LastError    string     `json:"last_error,omitempty"`
	Disabled     string     `json:"disabled_because,omitempty"`
	Delivered    *time.Time `json:"delivered,omitempty" doc:"When an event was last delivered since the start of the server."`
}

// WebhookWithSecret is a webhook and what signs what it is sent, which is shown once.
type WebhookWithSecret struct {
	Webhook
	Secret string `json:"secret" doc:"Signs each delivery (standardwebhooks.com); it is not shown again." example:"whsec_…"`
}

func newWebhook(s events.WebhookState) Webhook {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		t = t.UTC()
		return &t
	}
	w := Webhook{
		ID: s.ID, WebhookFields: WebhookFields{Name: s.Name, URL: s.URL, Types: s.Types, Site: s.Site, Active: s.Active}, Created: s.Created, State: string(s.Condition),
		Cursor: s.Cursor, Waiting: s.Waiting, FailingSince: at(s.Failing), Attempts: s.Attempts, NextAttempt: at(s.Next), LastError: s.LastError,
		Disabled: s.Disabled, Delivered: at(s.Delivered),
	}
	if w.Types == nil {
		w.Types = []events.Type{}
	}
	return w
}

// webhookTag tells one state of a webhook's settings from another.
func webhookTag(w events.Webhook) string { return fmt.Sprintf(`"webhook-%s-%d"`, w.ID, w.Revision) }

// WebhookPath names a webhook.
type WebhookPath struct {
	ID string `path:"id" maxLength:"64" doc:"Of the webhook."`
}

var errNoWebhook = huma.Error404NotFound(events.ErrNoWebhook.Error())

func (a *API) registerWebhooks() {
	const path = "/webhooks/{id}"
	op := func(method, path, id, summary string, errs ...int) huma.Operation {
		return bySite(operation(ScopeEvents, "Operation", method, path, id, summary, errs...))
	}
	huma.Register(a.huma, op(http.MethodGet, "/webhooks", "list-webhooks", "List the webhooks"), func(ctx context.Context, in *PageQuery) (*pageOutput[Webhook], error) {
		all := []Webhook{}
		for _, s := range a.cfg.Webhooks.Webhooks() {
			if seesWebhook(ctx, s.Webhook) {
				all = append(all, newWebhook(s))
			}
		}
		return paginate(*in, "/api/v1/webhooks", url.Values{}, all, func(w Webhook) string { return w.Name + "\x00" + w.ID })
	})
	huma.Register(a.huma, op(http.MethodGet, path, "get-webhook", "Show a webhook", http.StatusNotFound), func(ctx context.Context, in *WebhookPath) (*record[Webhook], error) {
		return a.webhook(ctx, in.ID)
	})
	create := op(http.MethodPost, "/webhooks", "create-webhook", "Have events sent to a URL", http.StatusNotFound, http.StatusConflict, http.StatusGone, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	create.Description = "Each event is a POST of its own, in their order, signed; an answer of 2xx within 15 s is a receipt, and everything else is tried again. The secret is in this answer only."
	create.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, create, a.createWebhook)
	change := op(http.MethodPatch, path, "change-webhook", "Change a webhook, or have it go on elsewhere in the log", http.StatusNotFound, http.StatusGone, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	change.Description = "Only what the body names changes (RFC 7396). Any change has a webhook that the server disabled tried again at once."
	huma.Register(a.huma, change, a.changeWebhook)
	renew := op(http.MethodPost, path+"/secret", "renew-webhook-secret", "Give a webhook another secret", http.StatusNotFound, http.StatusPreconditionFailed, http.StatusServiceUnavailable)
	huma.Register(a.huma, renew, func(ctx context.Context, in *struct {
		WebhookPath
		IfMatch
	}) (*record[WebhookWithSecret], error) {
		s, err := a.editWebhook(ctx, in.ID, "", in.IfMatch, func(w *events.Webhook) error {
			w.Secret = events.NewSecret()
			return nil
		})
		if err != nil {
			return nil, err
		}
		return withSecret(s), nil
	})
	test := op(http.MethodPost, path+"/test", "test-webhook", "Send a webhook a test event", http.StatusNotFound, http.StatusServiceUnavailable)
	test.Description = "The event has the type webhook.test and comes beside the others, once. The answer says what became of it."
	huma.Register(a.huma, test, a.testWebhook)
	huma.Register(a.huma, op(http.MethodDelete, path, "delete-webhook", "Send a URL nothing more", http.StatusNotFound, http.StatusPreconditionFailed, http.StatusServiceUnavailable),
		func(ctx context.Context, in *struct {
			WebhookPath
			IfMatch
		}) (*struct{}, error) {
			err := a.cfg.Webhooks.Delete(ctx, in.ID, func(w events.Webhook) error { return mayChange(ctx, w, in.IfMatch) })
			if err != nil {
				return nil, a.webhookFault(ctx, "delete webhook", err)
			}
			a.audit(ctx, "webhook deleted", "webhook", in.ID)
			return nil, nil
		})
}

// seesWebhook says whether the caller sees a webhook: who is confined to a site sees those of the site.
func seesWebhook(ctx context.Context, w events.Webhook) bool {
	id := callerOf(ctx).id
	return id.Site == "" || w.Site != "" && id.Sees(w.Site)
}

// mayChange refuses a change of a webhook that the caller does not see, or has not seen as it is.
func mayChange(ctx context.Context, w events.Webhook, seen IfMatch) error {
	if !seesWebhook(ctx, w) {
		return events.ErrNoWebhook
	}
	return seen.check(webhookTag(w))
}

func (a *API) webhook(ctx context.Context, id string) (*record[Webhook], error) {
	s, err := a.cfg.Webhooks.Webhook(id)
	if err != nil || !seesWebhook(ctx, s.Webhook) {
		return nil, errNoWebhook
	}
	return &record[Webhook]{ETag: webhookTag(s.Webhook), Body: newWebhook(s)}, nil
}

func withSecret(s events.WebhookState) *record[WebhookWithSecret] {
	return &record[WebhookWithSecret]{ETag: webhookTag(s.Webhook), Body: WebhookWithSecret{Webhook: newWebhook(s), Secret: s.Secret.Reveal()}}
}

type createWebhook struct {
	Body struct {
		WebhookFields
		Secret string `json:"secret,omitempty" writeOnly:"true" maxLength:"128" doc:"whsec_ and the base64 of 24 to 64 bytes; absent has the server make one."`
		Cursor string `json:"cursor,omitempty" maxLength:"64" doc:"The event after which it begins, or oldest; absent means latest."`
	}
}

func (a *API) createWebhook(ctx context.Context, in *createWebhook) (*record[WebhookWithSecret], error) {
	b := in.Body
	b.Site = cmp.Or(b.Site, callerOf(ctx).id.Site)
	if b.URL == "" {
		return nil, invalid("body.url", "is missing")
	}
	if err := a.webhookSite(ctx, &b.Site); err != nil {
		return nil, err
	}
	s, err := a.cfg.Webhooks.Create(ctx, events.Webhook{
		Name: b.Name, URL: b.URL, Types: b.Types, Site: b.Site, Active: b.Active, Secret: directory.Secret(b.Secret),
	}, b.Cursor)
	if err != nil {
		return nil, a.webhookFault(ctx, "create webhook", err)
	}
	a.audit(ctx, "webhook created", "webhook", s.ID, "site", s.Site)
	out := withSecret(s)
	out.Location = "/api/v1/webhooks/" + s.ID
	return out, nil
}

// webhookSite holds the site of a webhook to those that the caller sees, and writes it as the directory does.
func (a *API) webhookSite(ctx context.Context, domain *string) error {
	if *domain == "" {
		return nil
	}
	site, err := a.site(ctx, *domain)
	if err != nil {
		return err
	}
	*domain = site.Domain
	return nil
}

type changeWebhook struct {
	WebhookPath
	IfMatch
	Body struct {
		Name   *string        `json:"name,omitempty" maxLength:"100"`
		URL    *string        `json:"url,omitempty" maxLength:"2048" format:"uri"`
		Types  *[]events.Type `json:"types,omitempty" maxItems:"32"`
		Site   *string        `json:"site,omitempty" maxLength:"255"`
		Active *bool          `json:"active,omitempty"`
		Cursor string         `json:"cursor,omitempty" maxLength:"64" doc:"The event after which it goes on: latest leaves out what waits, oldest sends again what the log has."`
	}
}

func (a *API) changeWebhook(ctx context.Context, in *changeWebhook) (*record[Webhook], error) {
	b := in.Body
	if _, err := a.webhook(ctx, in.ID); err != nil {
		return nil, err
	}
	if b.Site != nil {
		if *b.Site == "" && callerOf(ctx).id.Site != "" {
			return nil, invalid("body.site", "must stay the site of the token")
		}
		if err := a.webhookSite(ctx, b.Site); err != nil {
			return nil, err
		}
	}
	s, err := a.editWebhook(ctx, in.ID, b.Cursor, in.IfMatch, func(w *events.Webhook) error {
		set(&w.Name, b.Name)
		set(&w.URL, b.URL)
		set(&w.Types, b.Types)
		set(&w.Site, b.Site)
		set(&w.Active, b.Active)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &record[Webhook]{ETag: webhookTag(s.Webhook), Body: newWebhook(s)}, nil
}

// editWebhook changes a webhook that the caller sees.
func (a *API) editWebhook(ctx context.Context, id, from string, seen IfMatch, change func(*events.Webhook) error) (events.WebhookState, error) {
	s, err := a.cfg.Webhooks.Change(ctx, id, from, func(w *events.Webhook) error {
		if err := mayChange(ctx, *w, seen); err != nil {
			return err
		}
		return change(w)
	})
	if err != nil {
		return s, a.webhookFault(ctx, "change webhook", err)
	}
	a.audit(ctx, "webhook changed", "webhook", id)
	return s, nil
}

// TestResult is what became of a test event.
type TestResult struct {
	Delivered bool   `json:"delivered"`
	Error     string `json:"error,omitempty"`
	Took      int64  `json:"took_ms"`
}

func (a *API) testWebhook(ctx context.Context, in *WebhookPath) (*struct{ Body TestResult }, error) {
	if _, err := a.webhook(ctx, in.ID); err != nil {
		return nil, err
	}
	began := time.Now()
	err := a.cfg.Webhooks.Test(ctx, in.ID)
	out := &struct{ Body TestResult }{Body: TestResult{Delivered: err == nil, Took: time.Since(began).Milliseconds()}}
	if failed, ok := errors.AsType[*events.AttemptError](err); ok {
		out.Body.Error = failed.Error()
		return out, nil
	}
	if err != nil {
		return nil, a.webhookFault(ctx, "test webhook", err)
	}
	return out, nil
}

func (a *API) webhookFault(ctx context.Context, doing string, err error) error {
	field, isField := errors.AsType[*events.FieldError](err)
	switch {
	case isField:
		return invalid("body."+field.Field, field.Cause)
	case errors.Is(err, events.ErrNoWebhook):
		return errNoWebhook
	case errors.Is(err, events.ErrTooMany):
		return huma.Error409Conflict(err.Error())
	case errors.Is(err, events.ErrBadCursor):
		return invalid("body.cursor", errBadCursor.Error())
	case errors.Is(err, events.ErrGone):
		return huma.Error410Gone(events.ErrGone.Error())
	}
	return a.fail(ctx, doing, err)
}
