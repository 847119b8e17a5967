package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"passerelle/portal/events"
	"passerelle/portal/stream"
)

// EventLog is what the API asks of the event log.
type EventLog interface {
	// Cursor reads a cursor or the word for one; events.ErrBadCursor and events.ErrGone say what is wrong with it.
	Cursor(text, empty string) (events.Cursor, error)
	// Read gives up to n events that follow the cursor and that the filter takes.
	Read(ctx context.Context, after events.Cursor, n int, f events.Filter) (events.Page, error)
	// News is closed when the log has more than the cursor has seen.
	News(after events.Cursor) <-chan struct{}
}

// EventPage is a part of the event log, the oldest event first.
type EventPage struct {
	Items      []events.Event `json:"items" nullable:"false"`
	NextCursor string         `json:"next_cursor" doc:"Where to go on, now or later: always there."`
	More       bool           `json:"more" doc:"Whether the log has more now. A page may be short, even empty, with more to come."`
}

// EventsQuery says which events are asked for. Embedded in an input it must be exported to be filled.
type EventsQuery struct {
	Limit     int           `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most entries to return; a stream has no end."`
	Cursor    string        `query:"cursor" maxLength:"64" doc:"The id of the last event seen, or oldest, or latest. Absent: the oldest for a page, the latest for a stream." example:"k7q2m4xd-1042"`
	LastEvent string        `header:"Last-Event-ID" maxLength:"64" doc:"The cursor as browsers send it when a stream was cut; it wins over cursor."`
	Types     []events.Type `query:"type" maxItems:"32" doc:"Only these, with call.* for every type of a subject; events.lost always comes." example:"call.*"`
	Site      string        `query:"site" maxLength:"255" doc:"Only what concerns the site with this SIP domain."`
	Accept    string        `header:"Accept" doc:"text/event-stream asks for a stream."`
}

const (
	eventStream = "text/event-stream"
	// maxStreams is how many streams of events may be open at once.
	maxStreams = 64
	// streamBeat is how often a silent stream shows that it lives, and asks whether its token still holds.
	streamBeat = 15 * time.Second
)

func (a *API) registerEvents() {
	op := operation(ScopeEvents, "Operation", http.MethodGet, "/events", "list-events", "Read or follow the event log",
		http.StatusGone, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Description = "Everything that happens, in one order, and resumable: name the last event that was seen and what follows comes, after a restart too. " +
		"As JSON it is a page; with Accept: " + eventStream + " it goes on as server-sent events whose id is the cursor. " +
		"410 means that what follows the cursor is no longer kept: read the state anew, and begin at oldest or latest."
	page := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[EventPage](), true, "")
	op.Responses = map[string]*huma.Response{"200": {
		Description: "A page of the log, or the stream.",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: page},
			eventStream:        {Schema: &huma.Schema{Type: huma.TypeString, Description: "Each event has the cursor as id, its type as event, and the JSON of an entry as data."}},
		},
	}}
	huma.Register(a.huma, bySite(op), a.events)
}

func (a *API) events(ctx context.Context, in *EventsQuery) (*huma.StreamResponse, error) {
	follow := strings.Contains(in.Accept, eventStream)
	for _, t := range in.Types {
		if !t.Known() {
			return nil, invalid("query.type", "is no type of event")
		}
	}
	f := events.Filter{Types: in.Types, Site: cmp.Or(in.Site, callerOf(ctx).id.Site)}
	if !callerOf(ctx).id.Sees(f.Site) {
		return nil, invalid("query.site", "is not the site of the token")
	}
	text, empty := in.Cursor, events.Oldest
	if follow {
		empty = events.Latest
	}
	if in.LastEvent != "" {
		text = in.LastEvent
	}
	after, err := a.cfg.Events.Cursor(text, empty)
	if err != nil {
		return nil, a.eventFault(ctx, err)
	}
	if follow {
		return a.followEvents(after, f)
	}
	p, err := a.cfg.Events.Read(ctx, after, in.Limit, f)
	if err != nil {
		return nil, a.eventFault(ctx, err)
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		hc.SetHeader("Content-Type", "application/json")
		page := EventPage{Items: p.Events, NextCursor: p.Next.String(), More: p.More}
		if page.Items == nil {
			page.Items = []events.Event{}
		}
		_ = json.NewEncoder(hc.BodyWriter()).Encode(page) // fails only when the caller has gone
	}}, nil
}

func (a *API) eventFault(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, events.ErrBadCursor):
		return invalid("query.cursor", errBadCursor.Error())
	case errors.Is(err, events.ErrGone):
		return huma.Error410Gone(events.ErrGone.Error())
	}
	return a.fail(ctx, "read the event log", err)
}

// followEvents streams what follows the cursor until the reader or the token is gone, or the server stops.
func (a *API) followEvents(after events.Cursor, f events.Filter) (*huma.StreamResponse, error) {
	select {
	case a.streams <- struct{}{}:
	default:
		return nil, huma.ErrorWithHeaders(huma.Error503ServiceUnavailable("too many streams are open"), http.Header{"Retry-After": {"30"}})
	}
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer func() { <-a.streams }()
		_, w := humago.Unwrap(hc)
		out, err := stream.Open(w)
		if err != nil {
			return // the reader has gone
		}
		if err := a.pump(hc.Context(), out, after, f); err != nil {
			a.log.DebugContext(hc.Context(), "event stream ended", "err", err)
		}
	}}, nil
}

// pump writes events as they come.
func (a *API) pump(ctx context.Context, out *stream.Writer, after events.Cursor, f events.Filter) error {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		news := a.cfg.Events.News(after)
		p, err := a.cfg.Events.Read(ctx, after, scanOfStream, f)
		if err != nil {
			return err // what follows is gone: the reader learns it when it comes back
		}
		for i := range p.Events {
			e := &p.Events[i]
			data, err := json.Marshal(e)
			if err != nil {
				return err
			}
			if err := out.SendID(e.ID, string(e.Type), string(data)); err != nil {
				return err
			}
		}
		after = p.Next
		if p.More {
			news = nil
		}
		if err := a.pause(ctx, out, after, news, beat.C, p.More); err != nil {
			return err
		}
	}
}

// scanOfStream is how many events a stream reads at once.
const scanOfStream = 500

var errStreamOver = errors.New("the stream is over")

// pause waits for news, with a beat now and then.
func (a *API) pause(ctx context.Context, out *stream.Writer, at events.Cursor, news <-chan struct{}, beat <-chan time.Time, more bool) error {
	for {
		if more {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-stream.Closing(ctx):
				return errStreamOver
			default:
				return nil
			}
		}
		select {
		case <-news:
			return nil
		case <-beat:
			if !callerOf(ctx).still() {
				return errStreamOver
			}
			if err := out.BeatID(at.String()); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-stream.Closing(ctx):
			return errStreamOver
		}
	}
}
