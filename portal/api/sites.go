package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Site is a place with its own SIP domain, numbers and gateway.
type Site struct {
	Name            string   `json:"name"`
	Domain          string   `json:"domain" doc:"SIP domain of the site's lines; names the site in this API."`
	Language        string   `json:"language" enum:"fr,en"`
	Country         string   `json:"country"`
	Timezone        string   `json:"timezone"`
	ExtensionLength int      `json:"extension_length"`
	Numbers         []string `json:"numbers" nullable:"false" doc:"The site's two-way numbers."`
	Gateway         Gateway  `json:"gateway"`
	Users           int      `json:"users"`
	Workspaces      int      `json:"workspaces"`
	Spaces          int      `json:"spaces"`
}

// Gateway is how callers reach the spaces of a site.
type Gateway struct {
	Number    string `json:"number,omitempty" doc:"Absent while none is assigned: no call to a space is possible then."`
	Extension string `json:"extension,omitempty"`
}

func (a *API) registerSites() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, "/sites", "list-sites", "List sites")),
		func(ctx context.Context, in *struct{ PageQuery }) (*pageOutput[Site], error) {
			dir := a.cfg.Directory.Current()
			spaces := map[string]int{}
			for _, sp := range dir.Spaces() {
				spaces[sp.Site.Domain]++
			}
			all := []Site{}
			for _, s := range dir.Sites() {
				if sees(ctx, "", s.Domain) {
					all = append(all, newSite(s, spaces[s.Domain]))
				}
			}
			return paginate(in.PageQuery, "/api/v1/sites", nil, all, func(s Site) string { return s.Domain })
		})
}

// site finds a site that the caller sees.
func (a *API) site(ctx context.Context, domain string) (*directory.Site, error) {
	if s, ok := a.cfg.Directory.Current().SiteByDomain(domain); ok && sees(ctx, "", s.Domain) {
		return s, nil
	}
	return nil, huma.Error404NotFound("no site has this domain")
}

func newSite(s *directory.Site, spaces int) Site {
	out := Site{
		Name: s.Name, Domain: s.Domain, Language: string(s.Language), Country: s.Country, Timezone: s.Timezone,
		ExtensionLength: s.ExtensionLength, Numbers: make([]string, 0, len(s.Numbers)),
		Gateway: Gateway{Number: string(s.Gateway.Number), Extension: s.Gateway.Extension},
		Users:   len(s.Users), Workspaces: len(s.Workspaces), Spaces: spaces,
	}
	for _, n := range s.Numbers {
		out.Numbers = append(out.Numbers, string(n))
	}
	return out
}
