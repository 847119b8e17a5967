package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/sip"
)

// Mailboxes is what waits for lines; events.MessageWaiting satisfies it.
type Mailboxes interface {
	// Summary returns what waits for a line; it does not wait.
	Summary(aor sip.AOR) events.Summary
	// Set keeps what waits for a line and lights its lamps.
	Set(ctx context.Context, aor sip.AOR, s events.Summary) error
}

// Mailbox is what waits for a line.
type Mailbox struct {
	Line    string     `json:"line" doc:"Number of the line, or extension@domain of those without one."`
	Name    string     `json:"name"`
	Site    string     `json:"site" doc:"SIP domain of the site."`
	Waiting bool       `json:"waiting" doc:"New messages wait: the lamp is lit."`
	Counts  []Messages `json:"counts" nullable:"false" doc:"By class of message; empty where the mailbox tells no numbers."`
}

// Messages are the messages of one class in a mailbox.
type Messages struct {
	Class     string `json:"class,omitempty" maxLength:"64" pattern:"^[A-Za-z-]+$" patternDescription:"letters and hyphens" doc:"Class of message (RFC 3458); absent means voice messages." default:"Voice-Message" example:"Voice-Message"`
	New       int    `json:"new" minimum:"0" maximum:"1000000"`
	Old       int    `json:"old,omitempty" minimum:"0" maximum:"1000000"`
	UrgentNew int    `json:"urgent_new,omitempty" minimum:"0" maximum:"1000000" doc:"Among the new ones."`
	UrgentOld int    `json:"urgent_old,omitempty" minimum:"0" maximum:"1000000" doc:"Among the old ones."`
}

func newMailbox(u *directory.User, s events.Summary) Mailbox {
	m := Mailbox{Line: u.Line(), Name: u.Name, Site: u.Site.Domain, Waiting: s.Waiting, Counts: []Messages{}}
	if u.Number == "" {
		m.Line += "@" + u.Site.Domain
	}
	for _, c := range s.Counts {
		m.Counts = append(m.Counts, Messages{Class: c.Class, New: c.New, Old: c.Old, UrgentNew: c.UrgentNew, UrgentOld: c.UrgentOld})
	}
	return m
}

type mailboxOutput struct{ Body Mailbox }

func (a *API) registerMailboxes() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/mailboxes/{line}", "get-mailbox", "Show what waits for a line", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*mailboxOutput, error) {
			u, err := a.line(ctx, in.Line)
			if err != nil {
				return nil, err
			}
			return &mailboxOutput{Body: newMailbox(u, a.cfg.Mailboxes.Summary(aorOf(u)))}, nil
		})
	put := operation(ScopeUsers, "Live", http.MethodPut, "/mailboxes/{line}", "set-mailbox", "Tell what waits for a line",
		http.StatusNotFound, http.StatusUnprocessableEntity)
	put.Description = "For mailboxes that do not tell it by SIP (message-summary, RFC 3842). The phones of the line light their lamp at once."
	huma.Register(a.huma, bySite(put), func(ctx context.Context, in *struct {
		LinePath
		Body struct {
			Waiting *bool      `json:"waiting,omitempty" doc:"Absent means: if there are new messages."`
			Counts  []Messages `json:"counts,omitempty" maxItems:"16"`
		}
	}) (*mailboxOutput, error) {
		u, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		s := summaryOf(in.Body.Counts, in.Body.Waiting)
		if err := a.cfg.Mailboxes.Set(ctx, aorOf(u), s); err != nil {
			return nil, a.fail(ctx, "set a mailbox", err)
		}
		a.audit(ctx, "mailbox set", "line", u.Line(), "site", u.Site.Domain, "waiting", s.Waiting)
		return &mailboxOutput{Body: newMailbox(u, s)}, nil
	})
}

func summaryOf(counts []Messages, waiting *bool) events.Summary {
	var s events.Summary
	for _, c := range counts {
		class := c.Class
		if class == "" {
			class = events.VoiceMessage
		}
		s.Counts = append(s.Counts, events.Count{Class: class, New: c.New, Old: c.Old, UrgentNew: c.UrgentNew, UrgentOld: c.UrgentOld, UrgentKnown: true})
	}
	s.Waiting = s.New() > 0
	if waiting != nil {
		s.Waiting = *waiting
	}
	return s
}

// aorOf is the address of record of a line.
func aorOf(u *directory.User) sip.AOR { return sip.NewAOR(u.Line(), u.Site.Domain) }
