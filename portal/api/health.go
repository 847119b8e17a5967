package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/portal/health"
	"passerelle/portal/i18n"
)

// Health says what is wrong now.
type Health interface {
	// Problems gives what is wrong now, what must be done first.
	Problems() []health.Problem
}

// HealthProblem is something that is wrong now.
type HealthProblem struct {
	ID       string     `json:"id" doc:"The same as long as the problem lasts."`
	Kind     string     `json:"kind" example:"trunk_down"`
	Severity string     `json:"severity" enum:"bad,warning" doc:"Bad: something does not work. Warning: it will not for long, or not as well as it should."`
	Site     string     `json:"site,omitempty" doc:"SIP domain of the site that it concerns; absent when it is the server's."`
	Text     string     `json:"text" doc:"What is wrong, in the language of Accept-Language."`
	Action   string     `json:"action" doc:"What to do about it."`
	Since    *time.Time `json:"since,omitempty" doc:"Absent when it is not known."`
	Page     string     `json:"page,omitempty" doc:"Path of the portal's page where it is put right."`
}

func (a *API) registerHealth() {
	op := operation(ScopeRead, "Operation", http.MethodGet, "/health/problems", "list-problems", "List what is wrong now and what to do")
	op.Description = "What must be done comes first. An empty list means that nothing asks for attention."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *struct {
		Language string `header:"Accept-Language" maxLength:"255" doc:"Of the texts: French, or else English."`
	}) (*struct {
		Body struct {
			Items []HealthProblem `json:"items" nullable:"false"`
		}
	}, error,
	) {
		out := &struct {
			Body struct {
				Items []HealthProblem `json:"items" nullable:"false"`
			}
		}{}
		out.Body.Items = []HealthProblem{}
		id, speak := callerOf(ctx).id, i18n.For(languageOf(in.Language))
		for _, p := range health.Visible(a.cfg.Health.Problems(), id.Site == "", id.Sees) {
			out.Body.Items = append(out.Body.Items, HealthProblem{
				ID: p.ID, Kind: string(p.Kind), Severity: string(p.Severity), Site: p.Site, Text: p.Text(speak), Action: p.Do(speak), Since: moment(p.Since), Page: p.Href,
			})
		}
		return out, nil
	})
}
