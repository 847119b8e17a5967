package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"passerelle/call"
	"passerelle/directory"
)

// routeCmd explains where a call would go.
type routeCmd struct {
	storeFlags `embed:""`

	From string `help:"Line that calls: number, extension@domain or user name; or a trunk as domain/name." required:"" placeholder:"LINE"`
	To   string `help:"What is dialled, or a SIP or tel URI." required:"" placeholder:"DIGITS"`
	JSON bool   `name:"json" help:"Print it as JSON."`
}

// Help implements kong's help provider.
func (routeCmd) Help() string {
	return `Nothing is called. A running server answers for the moment, with the calls that are up; without one the store is read.

Example: passerelle route --from +33170001201 --to 0612345678

Example: passerelle route --from paris.acme.test/carrier --to +33170001000`
}

// Run prints the route.
func (c *routeCmd) Run(ctx context.Context) error {
	e, err := c.explain(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(e)
	}
	return writeExplanation(os.Stdout, e)
}

// explain asks the running server, or plans by the store.
func (c *routeCmd) explain(ctx context.Context) (call.Explanation, error) {
	if client, running := adminClient(c.Data); running {
		return adminRoute(ctx, client, c.From, c.To)
	}
	st, err := c.open(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return call.Explanation{}, err
	}
	e, err := st.Load(ctx)
	if err = errors.Join(err, st.Close()); err != nil {
		return call.Explanation{}, err
	}
	dir, err := directory.New(e)
	if err != nil {
		return call.Explanation{}, fmt.Errorf("stored directory: %w", err)
	}
	// A guard that has seen no call still knows the night hours.
	return routes{directory.NewLive(dir), call.Limits{Fraud: call.NewFraudGuard(call.FraudConfig{})}}.Explain(c.From, c.To)
}

// routes explains routes of the directory in use.
type routes struct {
	live *directory.Live
	now  call.Limits
}

// Explain implements api.Routes.
func (r routes) Explain(from, to string) (call.Explanation, error) {
	return call.Explain(r.live.Current(), from, to, r.now)
}

// writeExplanation prints a route for people.
func writeExplanation(w io.Writer, e call.Explanation) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Caller)
	for i, step := range e.Steps {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, step)
	}
	fmt.Fprintf(&b, "→ %s: %s", e.Route, e.Destination)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, e.Reason)
	}
	if e.Spoken != "" {
		fmt.Fprintf(&b, ", told by announcement %s", e.Spoken)
	}
	if e.HidesNumber {
		b.WriteString(", the caller's number is withheld")
	}
	b.WriteString("\n")
	for _, t := range e.Trunks {
		fmt.Fprintf(&b, "  %s calls %s", t.Name, t.Called)
		if t.Caller != "" {
			fmt.Fprintf(&b, " as %s", t.Caller)
		}
		if t.Most > 0 {
			fmt.Fprintf(&b, ", %d of %d channels in use", t.Calls, t.Most)
		}
		if t.Down {
			b.WriteString(", does not answer")
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
