package api

import "passerelle/directory"

// LineFields are what a site file says of a user or a workspace alike, by the same names.
type LineFields struct {
	Name               string        `json:"name" required:"false" maxLength:"255"`
	Number             string        `json:"number,omitempty" maxLength:"16" doc:"Number in E.164 form; empty for a line that has an extension only." example:"+33170001201"`
	Extension          string        `json:"extension,omitempty" maxLength:"16" doc:"As long as the site's extensions are." example:"201"`
	CallingPlan        PlanFields    `json:"calling_plan" required:"false"`
	Limits             LimitFields   `json:"limits" required:"false"`
	Forwards           ForwardFields `json:"forwards" required:"false"`
	DND                bool          `json:"dnd" required:"false" doc:"Do not disturb: the line is busy for everybody."`
	CLIR               bool          `json:"clir" required:"false" doc:"Withholds the line's number from those it calls."`
	RejectAnonymous    bool          `json:"reject_anonymous" required:"false" doc:"Refuses callers who withhold their number."`
	CallWaiting        bool          `json:"call_waiting" required:"false" doc:"Whether a line that is in a call rings for another one."`
	Voicemail          string        `json:"voicemail,omitempty" maxLength:"255" doc:"The line's external mailbox: number or URI."`
	VoicemailRetrieval string        `json:"voicemail_retrieval,omitempty" maxLength:"255" doc:"What the line calls to hear its messages; absent means the mailbox."`
	PickupGroup        string        `json:"pickup_group,omitempty" maxLength:"255" doc:"Lines of the site with the same group answer each other by one code; absent means none."`
	Mailbox            string        `json:"mailbox,omitempty" maxLength:"255" doc:"What the external mailbox calls the line; absent means the line's own names."`
	Monitored          []string      `json:"monitored" required:"false" nullable:"false" maxItems:"100" doc:"Lines that the phone shows as busy lamps: extensions of the site, or numbers."`
	Phone              *PhoneFields  `json:"phone,omitempty" doc:"Desk phone, the only one that can take guests."`
	Softphones         []SoftFields  `json:"softphones" required:"false" nullable:"false" maxItems:"32" doc:"A list takes the place of the one before; those that stay keep their passwords where it says none."`
}

// UserFields are what a site file says of a user.
type UserFields struct {
	LineFields
	Pack          string      `json:"pack" required:"false" enum:"standard,premium" doc:"Premium includes a space. A space that the packs do not include any more loses its ID."`
	Collaboration bool        `json:"collaboration" required:"false" doc:"The add-on that gives a standard user a space."`
	Video         bool        `json:"video" required:"false" doc:"Whether the space may carry video."`
	Space         SpaceFields `json:"space" required:"false" doc:"Overrides the site's settings for this user's space."`
	Email         string      `json:"email,omitempty" maxLength:"255" doc:"Address by which the user signs in to the portal."`
	Roles         []string    `json:"roles" required:"false" nullable:"false" maxItems:"3" enum:"enterprise_admin,site_admin,help_desk" doc:"Only tokens of the whole enterprise change them."`
	Guest         GuestFields `json:"guest" required:"false"`
}

// UserSecrets are what is told and never shown.
type UserSecrets struct {
	PIN            string `json:"pin,omitempty" writeOnly:"true" maxLength:"16" doc:"Proves the user at host phones; no sequence, no part of the number. Empty takes it away."`
	PortalPassword string `json:"portal_password,omitempty" writeOnly:"true" maxLength:"255" doc:"For the portal; kept as a hash."`
}

// PlanFields say which calls a line may make. Emergency calls are not subject to them.
type PlanFields struct {
	Internal      bool `json:"internal" required:"false"`
	National      bool `json:"national" required:"false"`
	International bool `json:"international" required:"false"`
	PremiumRate   bool `json:"premium_rate" required:"false"`
}

// LimitFields guard a line against toll fraud; 0 is no limit.
type LimitFields struct {
	Simultaneous int  `json:"simultaneous_external" required:"false" minimum:"0" maximum:"1000" doc:"Calls to the outside at once."`
	PerMinute    int  `json:"per_minute" required:"false" minimum:"0" maximum:"10000" doc:"Calls to the outside begun in a minute."`
	Night        bool `json:"night" required:"false" doc:"The site's night hours do not bind the line."`
}

// GuestFields say whether and for how long a user may be at home on other people's phones.
type GuestFields struct {
	Allowed    bool `json:"allowed" required:"false" doc:"The administrator's switch."`
	Enabled    bool `json:"enabled" required:"false" doc:"The user's own switch."`
	LimitHours int  `json:"limit_hours" required:"false" minimum:"0" maximum:"999" doc:"How long a stay lasts at most; 0 is no limit of the user's own."`
}

// ForwardFields say where the calls to a line go instead: a number as the line dials it, voicemail, or a URI.
type ForwardFields struct {
	Always       string         `json:"always" required:"false" maxLength:"255" doc:"Empty is no forwarding. So are the others."`
	Busy         string         `json:"busy" required:"false" maxLength:"255"`
	NoAnswer     NoAnswerFields `json:"no_answer" required:"false"`
	NotReachable string         `json:"not_reachable" required:"false" maxLength:"255"`
}

// NoAnswerFields forward a call that nobody answered.
type NoAnswerFields struct {
	Target  string `json:"target" required:"false" maxLength:"255"`
	Seconds int    `json:"seconds" required:"false" minimum:"0" maximum:"600" doc:"How long the line rings before; 0 is the default, 20."`
}

// SpaceFields say how a space sounds; what is absent is as the site says.
type SpaceFields struct {
	Tones *bool  `json:"tones,omitempty" doc:"Arrivals and departures are heard."`
	Alone string `json:"alone,omitempty" maxLength:"16" doc:"What a participant hears while nobody else is there: notice, music or silence."`
}

// SoftFields are a device with credentials of its own.
type SoftFields struct {
	Username string `json:"username" minLength:"1" maxLength:"255" doc:"Digest user name, unique on the server."`
	Password string `json:"password,omitempty" writeOnly:"true" maxLength:"255"`
	SHA256   bool   `json:"sha256" required:"false" doc:"Offers a SHA-256 challenge before the MD5 one (RFC 8760)."`
}

// PhoneFields are a desk phone.
type PhoneFields struct {
	Username string      `json:"username" required:"false" maxLength:"255" doc:"Digest user name, unique on the server."`
	Password string      `json:"password,omitempty" writeOnly:"true" maxLength:"255"`
	SHA256   bool        `json:"sha256" required:"false" doc:"Offers a SHA-256 challenge before the MD5 one (RFC 8760)."`
	MAC      string      `json:"mac,omitempty" maxLength:"17" example:"00:a0:c9:11:22:01"`
	Model    string      `json:"model,omitempty" maxLength:"64" example:"CP-8851-3PCC"`
	Lines    []KeyFields `json:"lines" required:"false" nullable:"false" maxItems:"32" doc:"Further line keys."`
	Host     *HostFields `json:"host,omitempty" doc:"Whether guests may sign in."`
}

// KeyFields are a further line key of a phone.
type KeyFields struct {
	Number string `json:"number" maxLength:"16"`
	Shared bool   `json:"shared" required:"false" doc:"The line belongs to somebody else, and rings there too."`
}

// HostFields say whether and for how long guests may use a phone.
type HostFields struct {
	Enabled      bool   `json:"enabled" required:"false"`
	EnforceLimit bool   `json:"enforce_limit" required:"false"`
	LimitHours   int    `json:"limit_hours" required:"false" minimum:"1" maximum:"999"`
	Scope        string `json:"scope" required:"false" enum:"site,enterprise"`
}

// User is a person with a line.
type User struct {
	ID          string `json:"id" doc:"Stays the same for ever." example:"7"`
	Site        string `json:"site" doc:"SIP domain of the site."`
	Line        string `json:"line" doc:"How other operations name the line."`
	Entitled    bool   `json:"entitled" doc:"Whether the packs include a space."`
	SpaceRef    string `json:"space_ref,omitempty" doc:"The user's space; absent for who has none."`
	HasPIN      bool   `json:"has_pin"`
	HasPassword bool   `json:"has_portal_password"`
	UserFields
}

// Place is a workspace: a phone that belongs to a place.
type Place struct {
	ID   string `json:"id" doc:"Stays the same for ever." example:"12"`
	Site string `json:"site" doc:"SIP domain of the site."`
	Line string `json:"line" doc:"How other operations name the line."`
	LineFields
}

// withoutSecrets takes out what showing a record left of them.
func (f *LineFields) withoutSecrets() {
	if f.Phone != nil {
		f.Phone.Password = ""
	}
	for i := range f.Softphones {
		f.Softphones[i].Password = ""
	}
}

func newUser(dir *directory.Directory, u *directory.User) (User, error) {
	out := User{}
	if err := shown(u, &out); err != nil {
		return out, err
	}
	out.withoutSecrets()
	out.ID, out.Site, out.Line, out.Entitled = userID(u), u.Site.Domain, lineName(u), u.Entitled()
	out.HasPIN, out.HasPassword, out.CallWaiting = u.PIN != "", u.PortalPassword != "" || u.PortalPasswordHash != "", u.WaitsCalls()
	if sp, ok := dir.SpaceOf(u); ok {
		out.SpaceRef = sp.Ref
	}
	return out, nil
}

func newPlace(_ *directory.Directory, u *directory.User) (Place, error) {
	out := Place{}
	if err := shown(u, &out); err != nil {
		return out, err
	}
	out.withoutSecrets()
	out.ID, out.Site, out.Line, out.CallWaiting = userID(u), u.Site.Domain, lineName(u), u.WaitsCalls()
	return out, nil
}
