package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"
)

// Space is the permanent room of an entitled user.
type Space struct {
	Ref           string `json:"ref" doc:"Public name of the space; it opens nothing." example:"space-7"`
	Owner         string `json:"owner" doc:"Name of the user it belongs to."`
	OwnerLine     string `json:"owner_line" doc:"Number of the owner, or the extension of those without one."`
	Site          string `json:"site" doc:"SIP domain of the site."`
	GatewayNumber string `json:"gateway_number,omitempty" doc:"Number to dial; absent while the site has none assigned."`
	SpaceID       string `json:"space_id,omitempty" doc:"What callers type. It alone opens the space, so only the scope spaces:write sees it."`
	Entitled      bool   `json:"entitled" doc:"Whether the owner's pack includes a space."`
	Participants  int    `json:"participants" doc:"How many are in it now."`

	key string
}

func (a *API) registerSpaces() {
	a.registerSpaceID()
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, "/spaces", "list-spaces", "List spaces")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only spaces of the site with this SIP domain."`
		}) (*pageOutput[Space], error) {
			reveal := callerOf(ctx).id.May(ScopeSpaces)
			seats, _ := a.seats()
			all := []Space{}
			for _, sp := range a.cfg.Directory.Current().Spaces() {
				if !sees(ctx, in.Site, sp.Site.Domain) {
					continue
				}
				out := Space{
					Ref: sp.Ref, Owner: sp.Owner.Name, OwnerLine: sp.Owner.Line(), Site: sp.Site.Domain,
					GatewayNumber: string(sp.Site.Gateway.Number), Entitled: sp.Owner.Entitled(), Participants: seats[sp.Ref],
					key: fmt.Sprintf("%020d", sp.Owner.Ref),
				}
				if reveal {
					out.SpaceID = sp.ID.Reveal()
				}
				all = append(all, out)
			}
			return paginate(in.PageQuery, "/api/v1/spaces", url.Values{"site": {in.Site}}, all, func(s Space) string { return s.key })
		})
}
