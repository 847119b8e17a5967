package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call"
	"passerelle/directory"
)

// Limits is the guard against toll fraud.
type Limits interface {
	// InUse gives the lines with calls outside, refusals or lifted limits.
	InUse(dir *directory.Directory) []call.LineUse
	// Lift frees a line from its limits for a while, zero puts them in force again, and says until when.
	Lift(ctx context.Context, u *directory.User, d time.Duration) (until time.Time)
	// Use gives what is known of one line.
	Use(u *directory.User) call.LineUse
}

// LineLimits is how a line stands to its limits.
type LineLimits struct {
	Line         string     `json:"line" doc:"Number of the line, or extension@domain of those without one."`
	Name         string     `json:"name"`
	Site         string     `json:"site" doc:"SIP domain of the site."`
	External     int        `json:"external" doc:"Calls to the outside that are up."`
	LastMinute   int        `json:"last_minute" doc:"Calls to the outside begun in the last minute."`
	Simultaneous int        `json:"simultaneous_external" doc:"Most calls to the outside at once; 0 is no limit."`
	PerMinute    int        `json:"per_minute" doc:"Most calls to the outside begun in a minute; 0 is no limit."`
	Refused      int        `json:"refused" doc:"Calls that a limit or the calling plan refused within a day, since the limits were lifted last."`
	LastRefused  *time.Time `json:"last_refused,omitempty"`
	LastLimit    string     `json:"last_limit,omitempty" enum:"calling_plan,night,simultaneous,per_minute" doc:"What refused the last of them."`
	LiftedUntil  *time.Time `json:"lifted_until,omitempty" doc:"Limits do not apply before; absent while they do."`

	key string
}

func newLineLimits(use call.LineUse) LineLimits {
	u := use.User
	l := LineLimits{
		Line: u.Line(), Name: u.Name, Site: u.Site.Domain, External: use.Up, LastMinute: use.LastMinute,
		Simultaneous: u.Limits.SimultaneousExternal, PerMinute: u.Limits.PerMinute, Refused: use.Refused, LastLimit: string(use.LastLimit),
		key: fmt.Sprintf("%020d", u.Ref),
	}
	if u.Number == "" {
		l.Line += "@" + u.Site.Domain
	}
	for _, moment := range []struct {
		at time.Time
		to **time.Time
	}{{use.LastRefused, &l.LastRefused}, {use.LiftedUntil, &l.LiftedUntil}} {
		if !moment.at.IsZero() {
			utc := moment.at.UTC()
			*moment.to = &utc
		}
	}
	return l
}

func (a *API) registerLimits() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/limits", "list-limits", "List lines with calls outside, refusals or lifted limits")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only lines of the site with this SIP domain."`
		}) (*pageOutput[LineLimits], error) {
			all := []LineLimits{}
			for _, use := range a.cfg.Limits.InUse(a.cfg.Directory.Current()) {
				if sees(ctx, in.Site, use.User.Site.Domain) {
					all = append(all, newLineLimits(use))
				}
			}
			return paginate(in.PageQuery, "/api/v1/limits", url.Values{"site": {in.Site}}, all, func(l LineLimits) string { return l.key })
		})
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/limits/{line}", "get-limits", "Show how a line stands to its limits", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*limitsOutput, error) {
			u, err := a.line(ctx, in.Line)
			if err != nil {
				return nil, err
			}
			return &limitsOutput{Body: newLineLimits(a.cfg.Limits.Use(u))}, nil
		})
	lift := operation(ScopeCalls, "Live", http.MethodPut, "/limits/{line}/lift", "lift-limits", "Lift a line's limits for a while",
		http.StatusNotFound, http.StatusUnprocessableEntity)
	lift.Description = "Frees the line from its limits and night hours and forgets what it was refused. The calling plan stays."
	huma.Register(a.huma, bySite(lift), func(ctx context.Context, in *struct {
		LinePath
		Body struct {
			Minutes int `json:"minutes" minimum:"1" maximum:"1440" doc:"For how long."`
		}
	}) (*limitsOutput, error) {
		return a.lift(ctx, in.Line, time.Duration(in.Body.Minutes)*time.Minute)
	})
	huma.Register(a.huma, bySite(operation(ScopeCalls, "Live", http.MethodDelete, "/limits/{line}/lift", "end-lift", "Put a line's limits in force again", http.StatusNotFound)),
		func(ctx context.Context, in *LinePath) (*limitsOutput, error) { return a.lift(ctx, in.Line, 0) })
}

// LinePath names a line. Embedded in an input it must be exported to be filled.
type LinePath struct {
	Line string `path:"line" maxLength:"255" doc:"Number of the line, or extension@domain." example:"+33170001201"`
}

type limitsOutput struct{ Body LineLimits }

func (a *API) lift(ctx context.Context, line string, d time.Duration) (*limitsOutput, error) {
	u, err := a.line(ctx, line)
	if err != nil {
		return nil, err
	}
	until := a.cfg.Limits.Lift(ctx, u, d)
	a.audit(ctx, "limits lifted", "line", u.Line(), "site", u.Site.Domain, "until", until)
	return &limitsOutput{Body: newLineLimits(a.cfg.Limits.Use(u))}, nil
}

// line finds a line that the caller sees, by number, extension@domain or user name.
func (a *API) line(ctx context.Context, name string) (*directory.User, error) {
	user, host, _ := strings.Cut(name, "@")
	if u, ok := a.cfg.Directory.Current().UserByURI(user, host); ok && sees(ctx, "", u.Site.Domain) {
		return u, nil
	}
	return nil, huma.Error404NotFound("no line has that number")
}
