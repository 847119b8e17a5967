package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// PhoneNumber is a number of a site and who has it.
type PhoneNumber struct {
	Number string       `json:"number" example:"+33170001201"`
	Site   string       `json:"site" doc:"SIP domain of the site."`
	TwoWay bool         `json:"two_way" doc:"One of the numbers from which the site's gateway number is chosen."`
	Owner  *NumberOwner `json:"owner,omitempty" doc:"Absent for a number that is free."`
}

// NumberOwner is who has a number.
type NumberOwner struct {
	Type string `json:"type" enum:"user,workspace,gateway,inbound" doc:"gateway is the site's gateway; inbound a number that leads to a line or to the gateway."`
	ID   string `json:"id,omitempty" doc:"Of the user or workspace."`
	Name string `json:"name,omitempty"`
	To   string `json:"to,omitempty" doc:"Where an inbound number leads."`
}

func (a *API) registerNumbers() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, "/numbers", "list-numbers", "List numbers and who has them")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only numbers of the site with this SIP domain."`
			Free bool   `query:"free" doc:"Only numbers that nobody has."`
		}) (*pageOutput[PhoneNumber], error) {
			all := []PhoneNumber{}
			for _, s := range a.cfg.Directory.Current().Sites() {
				if !sees(ctx, in.Site, s.Domain) {
					continue
				}
				for _, n := range NumbersOf(s) {
					if !in.Free || n.Owner == nil {
						all = append(all, n)
					}
				}
			}
			filter := url.Values{"site": {in.Site}}
			if in.Free {
				filter.Set("free", "true")
			}
			return paginate(in.PageQuery, "/api/v1/numbers", filter, all, func(n PhoneNumber) string { return n.Number })
		})
}

// NumbersOf are the numbers of a site and of its lines, each once, in no order.
func NumbersOf(s *directory.Site) []PhoneNumber {
	owners := make(map[directory.Number]*NumberOwner)
	for _, in := range s.Inbound {
		owners[in.Number] = &NumberOwner{Type: "inbound", To: in.To}
	}
	if s.Gateway.Number != "" {
		owners[s.Gateway.Number] = &NumberOwner{Type: "gateway"}
	}
	for u := range s.Everyone() {
		if u.Number != "" {
			owner := &NumberOwner{Type: "user", ID: userID(u), Name: u.Name}
			if u.Kind == directory.Workspace {
				owner.Type = "workspace"
			}
			owners[u.Number] = owner
		}
	}
	all, twoWay := []PhoneNumber{}, make(map[directory.Number]bool)
	for _, n := range s.Numbers {
		twoWay[n] = true
		if owners[n] == nil {
			all = append(all, PhoneNumber{Number: string(n), Site: s.Domain, TwoWay: true})
		}
	}
	for n, owner := range owners {
		all = append(all, PhoneNumber{Number: string(n), Site: s.Domain, TwoWay: twoWay[n], Owner: owner})
	}
	return all
}
