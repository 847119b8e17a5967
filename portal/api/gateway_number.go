package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// Gateways changes which number reaches the gateway of a site.
type Gateways interface {
	// AssignGateway makes number the gateway number of the site with that domain, instead of the one it has; an empty
	// number takes it away. expect, if not nil, is the number that the gateway must have before, else the error is
	// ErrChanged. When it returns nil the change is kept and in use.
	AssignGateway(ctx context.Context, domain string, number directory.Number, expect *directory.Number) error
}

// GatewayNumber is the gateway number of a site and what depends on it.
type GatewayNumber struct {
	Site      string   `json:"site"`
	Number    string   `json:"number,omitempty" doc:"Absent while none is assigned."`
	Extension string   `json:"extension,omitempty"`
	Available []string `json:"available" nullable:"false" doc:"Two-way numbers of the site that could be assigned."`
	Spaces    int      `json:"spaces" doc:"Spaces that callers reach by this gateway."`
	Bridges   int      `json:"bridges" doc:"Live bridges of the site; a change of the number does not end them."`
}

// SitePath names a site.
type SitePath struct {
	Domain string `path:"domain" maxLength:"255" doc:"SIP domain of the site." example:"paris.acme.test"`
}

type gatewayNumberOutput struct {
	ETag string `header:"ETag" doc:"Of the number: for If-Match of a change."`
	Body GatewayNumber
}

const gatewayNumberPath = "/sites/{domain}/gateway-number"

func (a *API) registerGatewayNumber() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, gatewayNumberPath, "get-gateway-number",
		"Show a site's gateway number", http.StatusNotFound)),
		func(ctx context.Context, in *SitePath) (*gatewayNumberOutput, error) {
			return a.gatewayNumber(ctx, in.Domain)
		})

	put := operation(ScopeDirectory, "Directory", http.MethodPut, gatewayNumberPath, "put-gateway-number",
		"Assign or take away a site's gateway number", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusServiceUnavailable)
	put.Description = "The change is in one step: no moment passes with both numbers or with neither. While none is assigned every " +
		"call to a space of the site is answered 404; bridges that are live go on. With If-Match the change is made only if nobody " +
		"else has changed the number since."
	huma.Register(a.huma, bySite(put), a.putGatewayNumber)
}

type putGatewayNumber struct {
	SitePath
	IfMatch
	Body struct {
		Number *string `json:"number" required:"true" maxLength:"16" doc:"One of the site's two-way numbers, or null to take the number away." example:"+33170001000"`
	}
}

func (a *API) putGatewayNumber(ctx context.Context, in *putGatewayNumber) (*gatewayNumberOutput, error) {
	site, err := a.site(ctx, in.Domain)
	if err != nil {
		return nil, err
	}
	var number directory.Number
	if in.Body.Number != nil {
		number = directory.Number(*in.Body.Number)
		if !slices.Contains(site.Numbers, number) {
			return nil, invalid("body.number", "is not one of the site's two-way numbers")
		}
	}
	var expect *directory.Number
	if in.IfMatch.IfMatch != "" && in.IfMatch.IfMatch != "*" {
		if err := in.IfMatch.check(gatewayTag(site)); err != nil {
			return nil, a.fail(ctx, "assign gateway number", err)
		}
		expect = &site.Gateway.Number
	}
	if err := a.cfg.Gateways.AssignGateway(ctx, site.Domain, number, expect); err != nil {
		if faults := faultDetails(err); len(faults) > 0 {
			return nil, huma.Error409Conflict("the directory does not allow it", faults...)
		}
		return nil, a.fail(ctx, "assign gateway number", err)
	}
	if number == "" {
		a.audit(ctx, "gateway number taken away", "site", site.Domain, "before", string(site.Gateway.Number))
	} else {
		a.audit(ctx, "gateway number assigned", "site", site.Domain, "number", string(number), "before", string(site.Gateway.Number))
	}
	return a.gatewayNumber(ctx, site.Domain)
}

// gatewayTag tells one gateway number from another.
func gatewayTag(s *directory.Site) string {
	return `"` + cmp.Or(string(s.Gateway.Number), "none") + `"`
}

func (a *API) gatewayNumber(ctx context.Context, domain string) (*gatewayNumberOutput, error) {
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	dir := a.cfg.Directory.Current()
	out := &gatewayNumberOutput{ETag: gatewayTag(site), Body: GatewayNumber{
		Site: site.Domain, Number: string(site.Gateway.Number), Extension: site.Gateway.Extension, Available: []string{},
	}}
	for _, n := range dir.FreeNumbers(site) {
		out.Body.Available = append(out.Body.Available, string(n))
	}
	for _, sp := range dir.Spaces() {
		if sp.Site.Domain == site.Domain {
			out.Body.Spaces++
		}
	}
	for _, b := range a.cfg.Bridges.Bridges() {
		if sameDomain(b.Site, site.Domain) {
			out.Body.Bridges++
		}
	}
	return out, nil
}
