package api

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// TrunkFields are what a site file says of a trunk, by the same names.
type TrunkFields struct {
	Address         string   `json:"address" required:"false" maxLength:"255" doc:"IP address or host name, perhaps with a port." example:"sip.carrier.test:5061"`
	Transport       string   `json:"transport" required:"false" enum:"udp,tcp,tls"`
	LargeByTCP      bool     `json:"large_by_tcp" required:"false" doc:"Sends requests above 1300 bytes by TCP where the transport is udp."`
	Domain          string   `json:"domain,omitempty" maxLength:"255" doc:"SIP domain where it is not the host of the address."`
	Auth            string   `json:"auth" required:"false" enum:"ip,register,digest"`
	Username        string   `json:"username,omitempty" maxLength:"255"`
	Password        string   `json:"password,omitempty" writeOnly:"true" maxLength:"255"`
	RegisterSeconds int      `json:"register_seconds" required:"false" minimum:"0" maximum:"86400"`
	ProbeSeconds    int      `json:"probe_seconds" required:"false" minimum:"0" maximum:"86400" doc:"How often each address is asked whether it answers."`
	NoProbe         bool     `json:"no_probe" required:"false"`
	BackupAddresses []string `json:"backup_addresses" required:"false" nullable:"false" maxItems:"32" doc:"Tried in their order where the address does not answer."`
	Prefixes        []string `json:"prefixes" required:"false" nullable:"false" maxItems:"10000" doc:"Beginnings of the numbers that go out by this trunk; none means all."`
	Presentation    string   `json:"presentation" required:"false" maxLength:"32" doc:"How the trunk wants numbers written."`
	CallerID        string   `json:"caller_id" required:"false" maxLength:"32" doc:"Whose number calls by the trunk show."`
	From            string   `json:"from" required:"false" maxLength:"32" doc:"Who is in the From header."`
	Channels        int      `json:"channels" required:"false" minimum:"0" maximum:"100000" doc:"Calls that it carries at once; 0 is no limit."`
	Shared          bool     `json:"shared" required:"false" doc:"Sites call out by it that have no trunk of their own for a number."`
	Emergency       bool     `json:"emergency" required:"false" doc:"Goes before the site's other trunks for emergency calls."`
}

// TrunkSettings is a trunk with all its settings.
type TrunkSettings struct {
	Site string `json:"site" doc:"SIP domain of the site."`
	Name string `json:"name" doc:"Unique at the site."`
	TrunkFields
}

// TrunkPath names a trunk of a site.
type TrunkPath struct {
	SitePath
	Name string `path:"name" minLength:"1" maxLength:"255" doc:"Of the trunk."`
}

var errNoTrunk = huma.Error404NotFound("the site has no trunk of this name")

func (a *API) registerTrunkSettings() {
	const path = "/sites/{domain}/trunks/{name}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, path, "get-trunk-settings", "Show a trunk's settings", http.StatusNotFound)),
		func(ctx context.Context, in *TrunkPath) (*record[TrunkSettings], error) {
			return a.trunkSettings(ctx, in.Domain, in.Name)
		})
	put := operation(ScopeDirectory, "Directory", http.MethodPatch, path, "change-trunk", "Add a trunk to a site, or change it",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	put.Description = "Only what the body names changes (RFC 7396). A name that no trunk of the site has yet adds one, unless If-Match is given. Calls that are up go on."
	huma.Register(a.huma, put, func(ctx context.Context, in *struct {
		TrunkPath
		IfMatch
		Body    TrunkFields
		RawBody []byte
	}) (*record[TrunkSettings], error) {
		return a.changeTrunk(ctx, in.TrunkPath, in.IfMatch, in.RawBody)
	})
	remove := operation(ScopeDirectory, "Directory", http.MethodDelete, path, "delete-trunk", "Remove a trunk from a site",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	huma.Register(a.huma, remove, func(ctx context.Context, in *struct {
		TrunkPath
		IfMatch
	}) (*struct{}, error) {
		site, err := a.site(ctx, in.Domain)
		if err != nil {
			return nil, err
		}
		return nil, a.editSite(ctx, site, in.IfMatch, "trunk removed", func(s *directory.Site) error {
			before := len(s.Trunks)
			if s.Trunks = slices.DeleteFunc(s.Trunks, func(t *directory.Trunk) bool { return t.Name == in.Name }); len(s.Trunks) == before {
				return errNoTrunk
			}
			return nil
		})
	})
}

func (a *API) changeTrunk(ctx context.Context, at TrunkPath, seen IfMatch, body []byte) (*record[TrunkSettings], error) {
	site, err := a.site(ctx, at.Domain)
	if err != nil {
		return nil, err
	}
	name, path := at.Name, ""
	if unescaped, err := url.PathUnescape(name); err == nil {
		name = unescaped
	}
	err = a.cfg.Editor.Edit(ctx, func(e *directory.Enterprise) error {
		s, sitePath := findSite(e, site.Domain)
		if s == nil {
			return huma.Error404NotFound("no site has this domain")
		}
		if err := seen.check(siteTag(s)); err != nil {
			return err
		}
		i := slices.IndexFunc(s.Trunks, func(t *directory.Trunk) bool { return t.Name == name })
		if i < 0 {
			if seen.IfMatch != "" {
				return errNoTrunk
			}
			i = len(s.Trunks)
			t := directory.NewTrunk()
			t.Name = name
			s.Trunks = append(s.Trunks, t)
		}
		path = sitePath + ".trunks[" + strconv.Itoa(i) + "]"
		return merge(s.Trunks[i], body)
	})
	if err != nil {
		return nil, a.editFault(ctx, "trunk changed", path, err)
	}
	a.audit(ctx, "trunk changed", "site", site.Domain, "trunk", name)
	return a.trunkSettings(ctx, at.Domain, name)
}

func (a *API) trunkSettings(ctx context.Context, domain, name string) (*record[TrunkSettings], error) {
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(site.Trunks, func(t *directory.Trunk) bool { return t.Name == name })
	if i < 0 {
		return nil, errNoTrunk
	}
	out := &record[TrunkSettings]{ETag: siteTag(site)}
	if err := shown(site.Trunks[i], &out.Body); err != nil {
		return nil, a.fail(ctx, "show a trunk", err)
	}
	out.Body.Site, out.Body.Password = site.Domain, ""
	return out, nil
}
