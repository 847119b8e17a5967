package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
)

// SiteFields are what a site file says of a site, by the same names. Its gateway number, its music and its trunks have
// operations of their own.
type SiteFields struct {
	Name              string          `json:"name" required:"false" maxLength:"255"`
	Language          string          `json:"language" required:"false" enum:"fr,en" doc:"Of prompts and pages where a caller shows no other."`
	Country           string          `json:"country" required:"false" maxLength:"2" doc:"ISO 3166; reads numbers dialled in national form."`
	Timezone          string          `json:"timezone" required:"false" maxLength:"64" doc:"Name of the tz database." example:"Europe/Paris"`
	ExtensionLength   int             `json:"extension_length" required:"false" minimum:"1" maximum:"16"`
	Prefix            string          `json:"prefix" required:"false" maxLength:"16" doc:"Dialled from the other sites before an extension of this one."`
	NationalCountries []string        `json:"national_countries" required:"false" nullable:"false" maxItems:"250" doc:"Further countries whose numbers count as national."`
	Numbers           []string        `json:"numbers" required:"false" nullable:"false" maxItems:"100000" doc:"The site's two-way numbers."`
	Gateway           GatewayFields   `json:"gateway" required:"false"`
	CallerNumber      string          `json:"caller_number" required:"false" maxLength:"16" doc:"Shown outside for lines that show the site's number; empty means the first one that is not the gateway's."`
	Inbound           []InboundFields `json:"inbound" required:"false" nullable:"false" maxItems:"100000" doc:"What further numbers are for."`
	RingSeconds       int             `json:"ring_seconds" required:"false" minimum:"1" maximum:"3600" doc:"How long a call rings that is not forwarded."`
	ParkSeconds       int             `json:"park_seconds" required:"false" minimum:"1" maximum:"86400" doc:"How long a parked call waits before it rings at who parked it."`
	DirectMedia       bool            `json:"direct_media" required:"false" doc:"Media between lines of sites that all have it goes from phone to phone."`
	Night             NightFields     `json:"night" required:"false"`
	FeatureCodes      FeatureFields   `json:"feature_codes" required:"false"`
	SpaceIDLength     int             `json:"space_id_length" required:"false" minimum:"4" maximum:"32" doc:"Of generated space IDs."`
	SpaceIDCheck      bool            `json:"space_id_check" required:"false" doc:"The last digit of each space ID is a check digit."`
	WrongIDsPerHour   int             `json:"wrong_ids_per_hour" required:"false" minimum:"1" maximum:"1000000" doc:"How many wrong space IDs an hour the gateway takes before strangers are slowed down."`
	Spaces            SpaceFields     `json:"spaces" required:"false" doc:"Of every space of the site that has none of its own."`
	Hoteling          HotelingFields  `json:"hoteling" required:"false"`
	Phones            PhonesFields    `json:"phones" required:"false" doc:"How the site's phones configure themselves."`
	Emergency         []string        `json:"emergency,omitempty" maxItems:"100" doc:"Numbers that are always put through; absent means the country's list."`
}

// GatewayFields are what a site's gateway has beside its number.
type GatewayFields struct {
	Extension string `json:"extension" required:"false" maxLength:"16"`
}

// InboundFields say what a number of the site is for that is nobody's own.
type InboundFields struct {
	Number string `json:"number" maxLength:"16"`
	To     string `json:"to" maxLength:"255" doc:"An extension of the site, the number of a line, or gateway."`
}

// NightFields are the hours in which lines may call less.
type NightFields struct {
	From    string `json:"from" required:"false" maxLength:"5" doc:"Time of day such as 19:30; both empty means that there is no night."`
	To      string `json:"to" required:"false" maxLength:"5"`
	Weekend bool   `json:"weekend" required:"false" doc:"Saturday and Sunday are night."`
	Calls   string `json:"calls" required:"false" enum:"internal,national,all" doc:"What lines may call at night; each includes the one before."`
}

// HotelingFields are the site's bounds on guests.
type HotelingFields struct {
	MaxGuestHours int  `json:"max_guest_hours" required:"false" minimum:"1" maximum:"999" doc:"The longest limit that a guest may choose."`
	EarlyRefusal  bool `json:"early_refusal" required:"false" doc:"Refuses before a challenge whom no PIN could let in."`
}

// PhonesFields say how phones configure themselves.
type PhonesFields struct {
	URL       string `json:"url" required:"false" maxLength:"255" doc:"The server as phones fetch from it; empty means as they asked for it." example:"https://pbx.acme.test:8443"`
	Proxy     string `json:"proxy" required:"false" maxLength:"255" doc:"Host, perhaps with a port, that phones send their requests to; empty means the site's domain."`
	Transport string `json:"transport,omitempty" enum:"udp,tcp,tls" doc:"Absent means TLS where the server listens on it, else UDP."`
	PlainHTTP bool   `json:"plain_http" required:"false" doc:"Gives phones their passwords over HTTP without TLS too."`
}

// FeatureFields are what lines dial to use a feature; off means that there is no code.
type FeatureFields struct {
	Hoteling               string `json:"hoteling" required:"false" maxLength:"8"`
	HideNumber             string `json:"hide_number" required:"false" maxLength:"8"`
	ShowNumber             string `json:"show_number" required:"false" maxLength:"8"`
	ForwardAlways          string `json:"forward_always" required:"false" maxLength:"8"`
	ForwardAlwaysOff       string `json:"forward_always_off" required:"false" maxLength:"8"`
	ForwardBusy            string `json:"forward_busy" required:"false" maxLength:"8"`
	ForwardBusyOff         string `json:"forward_busy_off" required:"false" maxLength:"8"`
	ForwardNoAnswer        string `json:"forward_no_answer" required:"false" maxLength:"8"`
	ForwardNoAnswerOff     string `json:"forward_no_answer_off" required:"false" maxLength:"8"`
	ForwardNotReachable    string `json:"forward_not_reachable" required:"false" maxLength:"8"`
	ForwardNotReachableOff string `json:"forward_not_reachable_off" required:"false" maxLength:"8"`
	DND                    string `json:"dnd" required:"false" maxLength:"8"`
	DNDOff                 string `json:"dnd_off" required:"false" maxLength:"8"`
	Voicemail              string `json:"voicemail" required:"false" maxLength:"8"`
	Park                   string `json:"park" required:"false" maxLength:"8"`
	Unpark                 string `json:"unpark" required:"false" maxLength:"8"`
	Pickup                 string `json:"pickup" required:"false" maxLength:"8"`
	GroupPickup            string `json:"group_pickup" required:"false" maxLength:"8"`
	Conference             string `json:"conference" required:"false" maxLength:"8"`
}

// SiteSettings is a site with all its settings.
type SiteSettings struct {
	Domain string `json:"domain" doc:"SIP domain of the site; names it in this API."`
	SiteFields
}

// enterpriseOnly are the fields that callers of one site do not change: they are between the sites, or the carrier's.
var enterpriseOnly = []string{"numbers", "prefix", "emergency", "inbound"}

func (a *API) registerSiteSettings() {
	const path = "/sites/{domain}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, path, "get-site", "Show a site's settings", http.StatusNotFound)),
		func(ctx context.Context, in *SitePath) (*record[SiteSettings], error) {
			site, err := a.site(ctx, in.Domain)
			if err != nil {
				return nil, err
			}
			return a.siteSettings(site)
		})
	patch := operation(ScopeDirectory, "Directory", http.MethodPatch, path, "change-site", "Change a site's settings",
		http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	patch.Description = "Only what the body names changes (RFC 7396): objects are merged, a list takes the place of the one before. Numbers, inbound, prefix and " +
		"emergency are changed by tokens of the whole enterprise only. It is in use for the next call."
	huma.Register(a.huma, bySite(patch), func(ctx context.Context, in *struct {
		SitePath
		IfMatch
		Body    SiteFields
		RawBody []byte
	}) (*record[SiteSettings], error) {
		return a.changeSite(ctx, in.Domain, in.IfMatch, in.RawBody)
	})
}

func (a *API) changeSite(ctx context.Context, domain string, seen IfMatch, body []byte) (*record[SiteSettings], error) {
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(body, &named); err != nil {
		return nil, huma.Error400BadRequest("the body is no object")
	}
	for _, field := range enterpriseOnly {
		if _, ok := named[field]; ok && callerOf(ctx).id.Site != "" {
			return nil, huma.Error403Forbidden("a token of one site does not change " + field)
		}
	}
	err = a.editSite(ctx, site, seen, "site changed", func(s *directory.Site) error { return merge(s, body) })
	if err != nil {
		return nil, err
	}
	if site, err = a.site(ctx, domain); err != nil {
		return nil, err
	}
	return a.siteSettings(site)
}

// editSite changes a site.
func (a *API) editSite(ctx context.Context, site *directory.Site, seen IfMatch, deed string, change func(*directory.Site) error) error {
	path := ""
	err := a.cfg.Editor.Edit(ctx, func(e *directory.Enterprise) error {
		now, at := findSite(e, site.Domain)
		if path = at; now == nil {
			return huma.Error404NotFound("no site has this domain")
		}
		if err := seen.check(siteTag(now)); err != nil {
			return err
		}
		return change(now)
	})
	if err != nil {
		return a.editFault(ctx, deed, path, err)
	}
	a.audit(ctx, deed, "site", site.Domain)
	return nil
}

func (a *API) siteSettings(s *directory.Site) (*record[SiteSettings], error) {
	out := &record[SiteSettings]{ETag: siteTag(s)}
	bare := *s
	bare.Users, bare.Workspaces, bare.Trunks = nil, nil, nil
	err := shown(&bare, &out.Body)
	return out, err
}
