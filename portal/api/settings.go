package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Settings keeps what people set for their lines.
type Settings interface {
	// SetUser changes the settings of the user with that Ref and puts the change in use. Faults come as the directory's own.
	SetUser(ctx context.Context, ref uint64, change func(*directory.User)) error
}

// LineSettings is how a line takes and makes calls: what its user may set, by codes of the phone too.
type LineSettings struct {
	Line            string       `json:"line" doc:"Number of the line, or extension@domain of those without one."`
	DND             bool         `json:"dnd" doc:"Do not disturb: the line is busy for everybody."`
	CallWaiting     bool         `json:"call_waiting" doc:"Whether a line that is in a call rings for another one; if not it is busy."`
	CLIR            bool         `json:"clir" doc:"Withholds the line's number from those it calls."`
	RejectAnonymous bool         `json:"reject_anonymous" doc:"Refuses callers who withhold their number."`
	Forwards        LineForwards `json:"forwards"`
	Voicemail       string       `json:"voicemail,omitempty" doc:"The line's external mailbox: number or URI."`
	Retrieval       string       `json:"voicemail_retrieval,omitempty" doc:"What the line calls to hear its messages; absent means the mailbox."`
	PickupGroup     string       `json:"pickup_group,omitempty" doc:"The lines of the site with the same name here answer each other's calls by the code of group pickup."`
	Mailbox         string       `json:"mailbox,omitempty" doc:"What the external mailbox calls the line when it tells that messages wait; absent means the line's own names."`
}

// LineForwards are where the calls to a line go instead.
type LineForwards struct {
	Always       string `json:"always" doc:"Number as the line dials it, voicemail, or a URI; empty is no forwarding. So are the others."`
	Busy         string `json:"busy"`
	NoAnswer     string `json:"no_answer"`
	Seconds      int    `json:"no_answer_seconds" doc:"How long the line rings before; 0 is the default, 20."`
	NotReachable string `json:"not_reachable"`
}

// LineChange is a change of settings: what is absent stays as it is.
type LineChange struct {
	DND             *bool   `json:"dnd,omitempty"`
	CallWaiting     *bool   `json:"call_waiting,omitempty"`
	CLIR            *bool   `json:"clir,omitempty"`
	RejectAnonymous *bool   `json:"reject_anonymous,omitempty"`
	Voicemail       *string `json:"voicemail,omitempty" maxLength:"255" doc:"Empty for none; so are the two below."`
	Retrieval       *string `json:"voicemail_retrieval,omitempty" maxLength:"255"`
	Mailbox         *string `json:"mailbox,omitempty" maxLength:"255"`
	PickupGroup     *string `json:"pickup_group,omitempty" maxLength:"80" doc:"Empty for none."`
	Forwards        *struct {
		Always       *string `json:"always,omitempty" maxLength:"255"`
		Busy         *string `json:"busy,omitempty" maxLength:"255"`
		NoAnswer     *string `json:"no_answer,omitempty" maxLength:"255"`
		Seconds      *int    `json:"no_answer_seconds,omitempty" minimum:"0" maximum:"600"`
		NotReachable *string `json:"not_reachable,omitempty" maxLength:"255"`
	} `json:"forwards,omitempty"`
}

// apply puts the change into the settings of a line.
func (c LineChange) apply(u *directory.User) {
	set(&u.DND, c.DND)
	set(&u.CLIR, c.CLIR)
	set(&u.RejectAnonymous, c.RejectAnonymous)
	set(&u.Voicemail, c.Voicemail)
	set(&u.VoicemailRetrieval, c.Retrieval)
	set(&u.Mailbox, c.Mailbox)
	set(&u.PickupGroup, c.PickupGroup)
	if c.CallWaiting != nil {
		u.CallWaiting = c.CallWaiting
	}
	if f := c.Forwards; f != nil {
		set(&u.Forwards.Always, f.Always)
		set(&u.Forwards.Busy, f.Busy)
		set(&u.Forwards.NoAnswer.Target, f.NoAnswer)
		set(&u.Forwards.NoAnswer.Seconds, f.Seconds)
		set(&u.Forwards.NotReachable, f.NotReachable)
		if u.Forwards.NoAnswer.Target == "" {
			u.Forwards.NoAnswer.Seconds = 0 // of no meaning
		}
	}
}

// set changes what a change names.
func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

type settingsOutput struct {
	ETag string `header:"ETag" doc:"Of the line's record: for If-Match of a change."`
	Body LineSettings
}

func (a *API) registerSettings() {
	const path = "/lines/{line}/settings"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, path, "get-line-settings", "Show how a line takes and makes calls", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*settingsOutput, error) { return a.settings(ctx, in.Line) })
	patch := operation(ScopeUsers, "Directory", http.MethodPatch, path, "change-line-settings", "Change how a line takes and makes calls",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	patch.Description = "Only what the body names changes. It is in use for the next call, and shown on phones that keep their keys in step."
	huma.Register(a.huma, bySite(patch), func(ctx context.Context, in *struct {
		LinePath
		IfMatch
		Body LineChange
	}) (*settingsOutput, error) {
		u, err := a.line(ctx, in.Line)
		if err != nil {
			return nil, err
		}
		if u, err = a.editUser(ctx, u, in.IfMatch, "line settings changed", always(in.Body.apply)); err != nil {
			return nil, err
		}
		return lineSettings(u), nil
	})
}

func (a *API) settings(ctx context.Context, line string) (*settingsOutput, error) {
	u, err := a.line(ctx, line)
	if err != nil {
		return nil, err
	}
	return lineSettings(u), nil
}

func lineSettings(u *directory.User) *settingsOutput {
	f := u.Forwards
	s := LineSettings{
		Line: u.Line(), DND: u.DND, CallWaiting: u.WaitsCalls(), CLIR: u.CLIR, RejectAnonymous: u.RejectAnonymous,
		Voicemail: u.Voicemail, Retrieval: u.VoicemailRetrieval, Mailbox: u.Mailbox, PickupGroup: u.PickupGroup,
		Forwards: LineForwards{f.Always, f.Busy, f.NoAnswer.Target, f.NoAnswer.Seconds, f.NotReachable},
	}
	if u.Number == "" {
		s.Line += "@" + u.Site.Domain
	}
	return &settingsOutput{ETag: userTag(u), Body: s}
}
