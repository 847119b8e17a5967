package api

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/sip"
)

// Registration is one contact of a line in the location service (RFC 3261 §10).
type Registration struct {
	AOR        string    `json:"aor" doc:"Address of record, user@domain."`
	Contact    string    `json:"contact" doc:"Contact URI as the phone gave it."`
	Username   string    `json:"username" doc:"Digest user name that registered it."`
	Transport  string    `json:"transport" enum:"UDP,TCP,TLS,WS,WSS"`
	Source     string    `json:"source" doc:"Address and port that the registration came from."`
	Registered time.Time `json:"registered" doc:"When this contact first registered."`
	Refreshed  time.Time `json:"refreshed"`
	Expires    time.Time `json:"expires"`
	UserAgent  string    `json:"user_agent,omitempty"`
	Instance   string    `json:"instance,omitempty" doc:"Instance of the device (RFC 5626), or its MAC address."`
	Reachable  bool      `json:"reachable" doc:"False while the connection that the phone registered on is gone."`

	key string
}

func newRegistration(b sip.Binding) Registration {
	return Registration{
		AOR: string(b.AOR), Contact: b.Contact, Username: b.Username, Transport: b.Source.Transport, Source: b.Source.Remote.String(),
		Registered: b.Since.UTC(), Refreshed: b.Refreshed.UTC(), Expires: b.Expires.UTC(), UserAgent: b.UserAgent, Instance: b.Instance,
		Reachable: b.Reachable(), key: string(b.AOR) + "\x00" + b.Key().ID,
	}
}

func (a *API) registerRegistrations() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/registrations", "list-registrations", "List registered contacts")),
		func(ctx context.Context, in *struct {
			PageQuery
			Site string `query:"site" maxLength:"255" doc:"Only lines of the site with this SIP domain."`
			AOR  string `query:"aor" maxLength:"512" doc:"Only this address of record." example:"+33170001201@paris.acme.test"`
		}) (*pageOutput[Registration], error) {
			aor := sip.AOR(strings.TrimPrefix(in.AOR, "sip:"))
			if in.AOR != "" {
				aor = sip.NewAOR(aor.User(), aor.Domain())
			}
			now := time.Now()
			all := []Registration{}
			for b := range a.cfg.Registrations.All() {
				if !sees(ctx, in.Site, b.AOR.Domain()) || aor != "" && b.AOR != aor || !b.Expires.After(now) {
					continue
				}
				all = append(all, newRegistration(b))
			}
			filter := url.Values{"site": {in.Site}, "aor": {in.AOR}}
			return paginate(in.PageQuery, "/api/v1/registrations", filter, all, func(r Registration) string { return r.key })
		})
}

func sameDomain(a, b string) bool { return strings.EqualFold(a, b) }
