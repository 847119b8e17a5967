package api

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call/trunks"
	"passerelle/directory"
)

// Trunks is what the API asks of those who watch the trunks.
type Trunks interface {
	// States gives the state of every trunk, by site and name.
	States() []trunks.State
}

// TrunkCalls counts the calls of trunks.
type TrunkCalls interface {
	// Calls gives how many calls are up on the trunk.
	Calls(t *directory.Trunk) int
}

// Trunk is how a trunk stands.
type Trunk struct {
	Name         string             `json:"name"`
	Site         string             `json:"site" doc:"SIP domain of the site."`
	Auth         string             `json:"auth" enum:"ip,register,digest"`
	State        string             `json:"state" enum:"up,down,unknown" doc:"Calls try trunks that are down last. Unknown ones were not asked yet, or are never asked."`
	Cause        string             `json:"cause,omitempty" enum:"silent,unreachable,no_dns,no_name,certificate,denied,refused,other" doc:"Why it is down: nobody answers; the network does not carry us there; DNS does not answer; DNS does not have it; TLS fails; it does not take our credentials; it answers with a failure."`
	Why          string             `json:"why,omitempty" doc:"The same in words."`
	Since        time.Time          `json:"since" doc:"Of the state; of an unknown one, since it is watched."`
	Calls        int                `json:"calls" doc:"Calls that are up on it, in and out."`
	Channels     int                `json:"channels" doc:"Calls that it carries at most; 0 is no limit."`
	Ways         []TrunkWay         `json:"ways" nullable:"false" doc:"Its addresses, in the order in which calls try them."`
	Registration *TrunkRegistration `json:"registration,omitempty" doc:"Ours with it; absent where there is none to make."`

	key string
}

// TrunkWay is how one address of a trunk stands.
type TrunkWay struct {
	Address   string     `json:"address" doc:"Address and port, as the site file or DNS says."`
	Transport string     `json:"transport" enum:"UDP,TCP,TLS"`
	State     string     `json:"state" enum:"up,down,unknown"`
	Cause     string     `json:"cause,omitempty" enum:"silent,unreachable,no_dns,no_name,certificate,denied,refused,other" doc:"Why it is down."`
	Why       string     `json:"why,omitempty" doc:"The same in words."`
	Since     *time.Time `json:"since,omitempty"`
}

// TrunkRegistration is how our registration with a trunk stands.
type TrunkRegistration struct {
	Registered bool       `json:"registered"`
	Cause      string     `json:"cause,omitempty" enum:"silent,unreachable,no_dns,no_name,certificate,denied,refused,other" doc:"What the last attempt met, where it failed."`
	Why        string     `json:"why,omitempty" doc:"The same in words."`
	Since      *time.Time `json:"since,omitempty" doc:"Of the registration, or of the failure; absent before the first answer."`
	Expires    *time.Time `json:"expires,omitempty" doc:"When it ends unless it is refreshed, as it is long before."`
	Address    string     `json:"address,omitempty" doc:"Where we are registered."`
}

func newTrunk(s trunks.State, calls int) Trunk {
	t := Trunk{
		Name: s.Trunk.Name, Site: s.Trunk.Site.Domain, Auth: string(s.Trunk.Auth), State: string(s.Condition), Cause: string(s.Cause), Why: s.Why, Since: s.Since.UTC(),
		Calls: calls, Channels: s.Trunk.Channels, Ways: []TrunkWay{}, key: s.Trunk.Site.Domain + "\x00" + s.Trunk.Name,
	}
	for _, w := range s.Ways {
		t.Ways = append(t.Ways, TrunkWay{
			Address: w.Hop.Addr.String(), Transport: w.Hop.Transport, State: string(w.Condition), Cause: string(w.Cause), Why: w.Why, Since: moment(w.Since),
		})
	}
	if r := s.Registration; r != nil {
		t.Registration = &TrunkRegistration{Registered: r.Registered, Cause: string(r.Cause), Why: r.Why, Since: moment(r.Since)}
		if r.Registered {
			t.Registration.Expires, t.Registration.Address = moment(r.Expires), r.Way.Addr.String()
		}
	}
	return t
}

// moment is a time of an answer, absent where it is zero.
func moment(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	utc := at.UTC()
	return &utc
}

func (a *API) registerTrunks() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/trunks", "list-trunks", "List trunks and whether they answer")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only trunks of the site with this SIP domain."`
		}) (*pageOutput[Trunk], error) {
			all := []Trunk{}
			for _, s := range a.cfg.Trunks.States() {
				if !sees(ctx, in.Site, s.Trunk.Site.Domain) {
					continue
				}
				all = append(all, newTrunk(s, a.cfg.TrunkCalls.Calls(s.Trunk)))
			}
			return paginate(in.PageQuery, "/api/v1/trunks", url.Values{"site": {in.Site}}, all, func(t Trunk) string { return t.key })
		})
}
