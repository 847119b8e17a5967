package events

import (
	"context"
	"net/netip"
	"net/url"
	"time"

	"passerelle/directory"
)

// Webhook is a URL that is sent events.
type Webhook struct {
	ID     string
	Name   string // for people
	URL    string // http or https
	Types  []Type // as in Filter; none means all
	Site   string // SIP domain; empty means the whole enterprise
	Secret directory.Secret
	// Active is the switch of whoever owns the webhook. One that is off keeps its place: what happens meanwhile is sent when it
	// is on again, as far as the log has it.
	Active  bool
	Created time.Time
	// Revision grows with each change of what is above.
	Revision uint64
	// Disabled is why the server no longer tries; empty while it does. Switching the webhook on tries again.
	Disabled string
	// Failing is since when nothing could be delivered; zero while all is well.
	Failing time.Time
	// Seq is the number of the last event that was delivered or passed over. It is kept apart from the rest, once a second.
	Seq uint64 `json:"-"`
}

// WebhookStore keeps webhooks over restarts. Each call is one transaction.
type WebhookStore interface {
	// LoadWebhooks gives all webhooks.
	LoadWebhooks(ctx context.Context) ([]Webhook, error)
	// SaveWebhook keeps a webhook and its place in the log, in place of the former one with its ID.
	SaveWebhook(ctx context.Context, w Webhook) error
	// DeleteWebhook forgets a webhook; one that is not there is no fault.
	DeleteWebhook(ctx context.Context, id string) error
	// SavePlaces keeps how far webhooks are, by ID; those that are gone are passed over.
	SavePlaces(ctx context.Context, places map[string]uint64) error
}

const (
	maxWebhookName = 100
	maxWebhookURL  = 2048
	maxWebhookType = 32
)

// check gives a *FieldError for the first field that cannot be.
func (w *Webhook) check(networks []netip.Prefix) error {
	u, err := url.Parse(w.URL)
	switch {
	case len(w.Name) > maxWebhookName:
		return &FieldError{"name", "is too long"}
	case err != nil || len(w.URL) > maxWebhookURL || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return &FieldError{"url", "is no URL that begins with https:// or http://"}
	case u.User != nil:
		return &FieldError{"url", "holds a user name or password: anybody who lists the webhooks would see it"}
	case u.Fragment != "":
		return &FieldError{"url", "has a fragment, which is never sent"}
	case len(w.Types) > maxWebhookType:
		return &FieldError{"types", "are too many"}
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && !reachable(addr, networks) {
		return &FieldError{"url", ErrForbiddenAddress.Error()}
	}
	for _, t := range w.Types {
		if !t.Known() {
			return &FieldError{"types", "is no type of event"}
		}
	}
	if _, err := keyOf(w.Secret); err != nil {
		return &FieldError{"secret", err.Error()}
	}
	return nil
}

// Condition is how a webhook stands.
type Condition string

// The conditions.
const (
	Delivering Condition = "active"   // all is well
	Retrying   Condition = "failing"  // what failed is tried again
	Stopped    Condition = "disabled" // the server gave up
	Off        Condition = "off"      // its owner switched it off
)

// WebhookState is a webhook and how it stands.
type WebhookState struct {
	Webhook
	Condition Condition
	Cursor    string    // after which it goes on
	Waiting   uint64    // events of the log after the cursor, those that it does not want too
	Attempts  int       // at the event that is failing
	Next      time.Time // of the next attempt; zero while none waits
	Delivered time.Time // of the last delivery since the start; zero before
	LastError string    // of the last attempt, if it failed
}
