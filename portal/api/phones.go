package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory"
	"passerelle/provision"
	"passerelle/sip"
)

// Phones knows the phones that configure themselves; provision.Phones satisfies it.
type Phones interface {
	States() []provision.State
	State(mac directory.MAC) (provision.State, error)
	NewSetup(ctx context.Context, mac directory.MAC) (path string, until time.Time, err error)
	Revoke(ctx context.Context, mac directory.MAC) error
	Resync(ctx context.Context, mac directory.MAC) error
	Report(mac directory.MAC, name string) (io.ReadCloser, error)
}

// Phone is a desk phone with a MAC address.
type Phone struct {
	MAC       string              `json:"mac" example:"00:a0:c9:11:22:31"`
	Model     string              `json:"model,omitempty"`
	Line      string              `json:"line" doc:"Number of the phone's own line, or extension@domain of those without one."`
	Name      string              `json:"name" doc:"Of the line's user."`
	Site      string              `json:"site" doc:"SIP domain of the site."`
	Host      bool                `json:"host" doc:"Guests may sign in."`
	State     string              `json:"state" enum:"current,changed,waiting,unknown" doc:"Of its configuration: it has the profile as it is now; the profile has changed since; its link waits for it; it never fetched and has no link."`
	Setup     *PhoneSetup         `json:"setup,omitempty" doc:"The link of its first profile, while there is one."`
	Fetched   *PhoneFetch         `json:"fetched,omitempty" doc:"The last profile that it got."`
	Refused   *PhoneRefusal       `json:"refused,omitempty" doc:"The last time that it was refused, since the start of the server or its last profile."`
	Contacts  []PhoneRegistration `json:"contacts" nullable:"false" doc:"Where it is registered."`
	Reports   []PhoneReport       `json:"reports" nullable:"false" doc:"Problem reports that it sent, the newest first."`
	unchecked provision.State
}

// PhoneSetup is a link that works once.
type PhoneSetup struct {
	Until time.Time  `json:"until"`
	Used  *time.Time `json:"used,omitempty" doc:"When the phone used it first; it may repeat that for ten minutes."`
}

// PhoneFetch is a profile that a phone got.
type PhoneFetch struct {
	At     time.Time `json:"at"`
	File   string    `json:"file,omitempty" doc:"That the phone asked for."`
	Agent  string    `json:"agent,omitempty" doc:"Model and firmware, as the phone calls itself."`
	Source string    `json:"source" doc:"Address that it came from."`
	TLS    bool      `json:"tls"`
}

// PhoneRefusal is why a phone got nothing.
type PhoneRefusal struct {
	At    time.Time `json:"at"`
	Cause string    `json:"cause" enum:"revoked,used,expired,other_phone,no_tls,gone,not_kept"`
	Why   string    `json:"why" doc:"The same in words."`
}

// PhoneRegistration is a contact of a phone.
type PhoneRegistration struct {
	Contact   string    `json:"contact"`
	Transport string    `json:"transport" enum:"UDP,TCP,TLS,WS,WSS"`
	Source    string    `json:"source"`
	Since     time.Time `json:"since"`
	Expires   time.Time `json:"expires"`
	UserAgent string    `json:"user_agent,omitempty"`
	Reachable bool      `json:"reachable"`
}

// PhoneReport is a problem report of a phone.
type PhoneReport struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
	Size int64     `json:"size" doc:"Bytes."`
}

// PhoneLink is a link that gives a phone its first profile.
type PhoneLink struct {
	Path  string    `json:"path" doc:"Of the link; $MA is filled in by the phone." example:"/p/TOKEN/$MA.xml"`
	URL   string    `json:"url,omitempty" doc:"The whole link, where the site says by which name phones fetch."`
	Until time.Time `json:"until" doc:"It works once, until then."`
}

// PhonePath names a phone.
type PhonePath struct {
	MAC string `path:"mac" maxLength:"17" doc:"MAC address, with or without colons." example:"00a0c9112231"`
}

type phoneOutput struct{ Body Phone }

// newPhone describes a phone without what is dear to find.
func newPhone(s provision.State, contacts []sip.Binding) Phone {
	u := s.Device.User
	p := Phone{
		MAC: string(s.Device.MAC), Model: s.Device.Model, Line: lineName(u), Name: u.Name, Site: u.Site.Domain,
		Host: s.Device.Host != nil && s.Device.Host.Enabled, State: "unknown", Contacts: []PhoneRegistration{}, Reports: []PhoneReport{}, unchecked: s,
	}
	if s.Setup != nil {
		p.State, p.Setup = "waiting", &PhoneSetup{Until: s.Setup.Until.UTC(), Used: moment(s.Setup.Used)}
	}
	if f := s.Fetch; f != nil && s.Token != "" {
		p.State = "changed"
	}
	if f := s.Fetch; f != nil {
		p.Fetched = &PhoneFetch{At: f.At.UTC(), File: f.File, Agent: f.Agent, Source: f.Source, TLS: f.TLS}
	}
	if !s.Refused.At.IsZero() {
		p.Refused = &PhoneRefusal{At: s.Refused.At.UTC(), Cause: s.Refused.Cause, Why: s.Refused.Text}
	}
	for _, b := range contacts {
		p.Contacts = append(p.Contacts, PhoneRegistration{
			Contact: b.Contact, Transport: b.Source.Transport, Source: b.Source.Remote.String(), Since: b.Since.UTC(), Expires: b.Expires.UTC(),
			UserAgent: b.UserAgent, Reachable: b.Reachable(),
		})
	}
	for _, r := range s.Reports {
		p.Reports = append(p.Reports, PhoneReport{Name: r.Name, At: r.At.UTC(), Size: r.Size})
	}
	return p
}

// contactsByUsername are the live bindings by who registered them.
func (a *API) contactsByUsername() map[string][]sip.Binding {
	now, all := time.Now(), make(map[string][]sip.Binding)
	for b := range a.cfg.Registrations.All() {
		if b.Expires.After(now) {
			all[b.Username] = append(all[b.Username], b)
		}
	}
	return all
}

// phone finds a phone by its path.
func (a *API) phone(ctx context.Context, path string) (provision.State, error) {
	var mac directory.MAC
	if err := mac.UnmarshalText([]byte(path)); err != nil || mac == "" {
		return provision.State{}, huma.Error404NotFound("no phone has this MAC address")
	}
	s, err := a.cfg.Phones.State(mac)
	if err != nil {
		return s, a.phoneFault(ctx, "find a phone", err)
	}
	if !sees(ctx, "", s.Device.User.Site.Domain) {
		return provision.State{}, a.phoneFault(ctx, "find a phone", provision.ErrUnknownPhone)
	}
	return s, nil
}

// phoneFault answers what a phone met.
func (a *API) phoneFault(ctx context.Context, doing string, err error) error {
	var status *sip.StatusError
	switch {
	case errors.Is(err, provision.ErrUnknownPhone), errors.Is(err, provision.ErrUnknownReport):
		return huma.Error404NotFound(err.Error())
	case errors.Is(err, provision.ErrNotRegistered):
		return huma.Error409Conflict(err.Error())
	case errors.As(err, &status):
		return huma.Error502BadGateway("the phone answered " + status.Error())
	}
	return a.fail(ctx, doing, err)
}

func (a *API) wholePhone(s provision.State) *phoneOutput {
	return &phoneOutput{Body: checked(newPhone(s, a.contactsByUsername()[s.Device.Username]), s.Current)}
}

func checked(p Phone, current bool) Phone {
	if current {
		p.State = "current"
	}
	return p
}

func (a *API) registerPhones() {
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, "/phones", "list-phones", "List desk phones and their configuration")), a.listPhones)
	const path = "/phones/{mac}"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Live", http.MethodGet, path, "get-phone", "Show a desk phone", http.StatusNotFound)),
		func(ctx context.Context, in *PhonePath) (*phoneOutput, error) {
			s, err := a.phone(ctx, in.MAC)
			if err != nil {
				return nil, err
			}
			return a.wholePhone(s), nil
		})
	setup := operation(ScopePhones, "Live", http.MethodPost, path+"/setup", "set-up-phone", "Make the link that gives a phone its first profile", http.StatusNotFound)
	setup.Description = "It takes the place of a former one and works once. Whoever opens it before the phone has the phone's password."
	setup.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, bySite(setup), a.setUpPhone)
	revoke := operation(ScopePhones, "Live", http.MethodDelete, path+"/access", "revoke-phone", "End all links of a phone", http.StatusNotFound)
	revoke.Description = "For a phone that was lost: it fetches nothing any more. Change its password too."
	huma.Register(a.huma, bySite(revoke), a.revokePhone)
	resync := operation(ScopeResync, "Live", http.MethodPost, path+"/resync", "resync-phone", "Have a phone fetch its profile now",
		http.StatusNotFound, http.StatusConflict, http.StatusBadGateway)
	resync.Description = "By NOTIFY of resync. A phone in a call waits until it has ended. 409 means that it is not registered, 502 that it refused or did not answer."
	resync.DefaultStatus = http.StatusNoContent
	huma.Register(a.huma, bySite(resync), func(ctx context.Context, in *PhonePath) (*struct{}, error) {
		s, err := a.phone(ctx, in.MAC)
		if err != nil {
			return nil, err
		}
		if err := a.cfg.Phones.Resync(ctx, s.Device.MAC); err != nil {
			return nil, a.phoneFault(ctx, "resync a phone", err)
		}
		a.audit(ctx, "phone told to fetch its profile", "mac", s.Device.MAC)
		return nil, nil
	})
	report := operation(ScopePhones, "Live", http.MethodGet, path+"/reports/{name}", "get-phone-report", "Download a problem report of a phone", http.StatusNotFound)
	report.Responses = map[string]*huma.Response{"200": {
		Description: "The report as the phone sent it.",
		Content:     map[string]*huma.MediaType{typeReport: {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}},
	}}
	huma.Register(a.huma, bySite(report), a.phoneReport)
}

const typeReport = "application/gzip"

func (a *API) listPhones(ctx context.Context, in *struct {
	PageQuery
	Site string `query:"site" maxLength:"255" doc:"Only phones of the site with this SIP domain."`
}) (*pageOutput[Phone], error) {
	contacts, all := a.contactsByUsername(), []Phone{}
	for _, s := range a.cfg.Phones.States() {
		if sees(ctx, in.Site, s.Device.User.Site.Domain) {
			all = append(all, newPhone(s, contacts[s.Device.Username]))
		}
	}
	out, err := paginate(in.PageQuery, "/api/v1/phones", url.Values{"site": {in.Site}}, all, func(p Phone) string { return p.MAC })
	if err != nil {
		return nil, err
	}
	for i, p := range out.Body.Items {
		if s, err := a.cfg.Phones.State(p.unchecked.Device.MAC); err == nil && p.State == "changed" {
			out.Body.Items[i] = checked(p, s.Current)
		}
	}
	return out, nil
}

func (a *API) setUpPhone(ctx context.Context, in *PhonePath) (*struct{ Body PhoneLink }, error) {
	s, err := a.phone(ctx, in.MAC)
	if err != nil {
		return nil, err
	}
	path, until, err := a.cfg.Phones.NewSetup(ctx, s.Device.MAC)
	if err != nil {
		return nil, a.phoneFault(ctx, "set up a phone", err)
	}
	a.audit(ctx, "link of a phone made", "mac", s.Device.MAC)
	link := PhoneLink{Path: path + "$MA.xml", Until: until.UTC()}
	if base := s.Device.User.Site.Phones.URL; base != "" {
		link.URL = base + link.Path
	}
	return &struct{ Body PhoneLink }{link}, nil
}

func (a *API) revokePhone(ctx context.Context, in *PhonePath) (*phoneOutput, error) {
	s, err := a.phone(ctx, in.MAC)
	if err != nil {
		return nil, err
	}
	if err := a.cfg.Phones.Revoke(ctx, s.Device.MAC); err != nil {
		return nil, a.phoneFault(ctx, "revoke the links of a phone", err)
	}
	a.audit(ctx, "links of a phone revoked", "mac", s.Device.MAC)
	if s, err = a.phone(ctx, in.MAC); err != nil {
		return nil, err
	}
	return a.wholePhone(s), nil
}

func (a *API) phoneReport(ctx context.Context, in *struct {
	PhonePath
	Name string `path:"name" maxLength:"64"`
}) (*exportOutput, error) {
	s, err := a.phone(ctx, in.MAC)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(s.Reports, func(r provision.Report) bool { return r.Name == in.Name }) {
		return nil, huma.Error404NotFound(provision.ErrUnknownReport.Error())
	}
	f, err := a.cfg.Phones.Report(s.Device.MAC, in.Name)
	if err != nil {
		return nil, a.phoneFault(ctx, "read a report", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, a.fail(ctx, "read a report", err)
	}
	return &exportOutput{ContentType: typeReport, Disposition: `attachment; filename="` + in.Name + `"`, Body: data}, nil
}
