package directory

// UserKind tells people from places.
type UserKind int

// The kinds of user.
const (
	Person    UserKind = iota // somebody with a name, a portal account, perhaps a space
	Workspace                 // a phone that belongs to a place
)

// String names the kind.
func (k UserKind) String() string {
	if k == Workspace {
		return "workspace"
	}
	return "person"
}

// User is a line of the site: a person, or a workspace with a phone. The fields marked
// "person" in their tags are not allowed for a workspace.
type User struct {
	Kind UserKind `yaml:"-" json:"-"`
	Site *Site    `yaml:"-" json:"-"`
	// Ref is our own number of the user, stable across restarts and imports; zero means that New
	// chooses one. It names the user's space in logs and paths.
	Ref uint64 `yaml:"-" json:"-"`
	// Revision grows with each change of the user that is kept; zero means that it was never kept. It tells whether somebody
	// else has changed the user meanwhile.
	Revision uint64 `yaml:"-" json:"-"`

	Name      string `yaml:"name" json:"name"`
	Number    Number `yaml:"number" json:"number,omitempty"`
	Extension string `yaml:"extension" json:"extension,omitempty"`
	Pack      Pack   `yaml:"pack" json:"pack,omitempty" only:"person"`
	// Collaboration is the add-on that gives a standard user a space.
	Collaboration bool `yaml:"collaboration" json:"collaboration,omitempty" only:"person"`
	// Video says whether the user's space may carry video.
	Video bool `yaml:"video" json:"video,omitempty" only:"person"`
	// SpaceID alone opens the user's space.
	SpaceID Secret `yaml:"space_id" json:"space_id,omitempty" only:"person"`
	// Space overrides the site's settings for this user's space.
	Space SpaceSettings `yaml:"space" json:"space,omitzero" only:"person"`
	// PIN is the voice-mail PIN, which proves a guest at a host phone.
	PIN   Secret `yaml:"pin" json:"pin,omitempty" only:"person"`
	Email string `yaml:"email" json:"email,omitempty" only:"person"`
	// PortalPassword is kept only until its first use or until it is hashed.
	PortalPassword Secret `yaml:"portal_password" json:"portal_password,omitempty" only:"person"`
	// PortalPasswordHash is an argon2id hash in the PHC string format.
	PortalPasswordHash Secret      `yaml:"portal_password_hash" json:"portal_password_hash,omitempty" only:"person"`
	Roles              []Role      `yaml:"roles" json:"roles,omitempty" only:"person"`
	CallingPlan        CallingPlan `yaml:"calling_plan" json:"calling_plan"`
	Limits             Limits      `yaml:"limits" json:"limits"`
	Guest              Guest       `yaml:"guest" json:"guest,omitzero" only:"person"`
	Forwards           Forwards    `yaml:"forwards" json:"forwards,omitzero"`
	// DND (do not disturb) treats the line as busy for every caller.
	DND bool `yaml:"dnd" json:"dnd,omitempty"`
	// CLIR withholds the line's number from those it calls, outside and in.
	CLIR bool `yaml:"clir" json:"clir,omitempty"`
	// RejectAnonymous refuses callers who withhold their number.
	RejectAnonymous bool `yaml:"reject_anonymous" json:"reject_anonymous,omitempty"`
	// CallWaiting says whether the line, while it is in a call, rings for another one; nil means that it does.
	CallWaiting *bool `yaml:"call_waiting" json:"call_waiting,omitempty"`
	// Voicemail is the external mailbox, a number or a URI; empty means none.
	Voicemail string `yaml:"voicemail" json:"voicemail,omitempty"`
	// VoicemailRetrieval is what the line calls to hear its messages, a number or a URI; empty means Voicemail.
	VoicemailRetrieval string `yaml:"voicemail_retrieval" json:"voicemail_retrieval,omitempty"`
	// Mailbox is what the external mailbox calls the line when it tells that messages wait; empty means the line's number,
	// extension or user name.
	Mailbox string `yaml:"mailbox" json:"mailbox,omitempty"`
	// PickupGroup names the lines of the site that answer each other's calls by one code; empty means none.
	PickupGroup string `yaml:"pickup_group" json:"pickup_group,omitempty"`
	// Monitored are the lines that MonitoredList is to the user: those whose calls the user's phone shows: extensions of the site, or numbers.
	Monitored  []string  `yaml:"monitored" json:"monitored,omitempty"`
	Phone      *Device   `yaml:"phone" json:"phone,omitempty"`
	Softphones []*Device `yaml:"softphones" json:"softphones,omitempty"`
}

// MonitoredList is the user part of the URI by which every phone watches the lines that its user monitors (RFC 4662).
const MonitoredList = "monitored"

// CallingPlan says which calls a line may make. Emergency calls are not subject to it.
type CallingPlan struct {
	Internal      bool `yaml:"internal" json:"internal"`
	National      bool `yaml:"national" json:"national"`
	International bool `yaml:"international" json:"international"`
	PremiumRate   bool `yaml:"premium_rate" json:"premium_rate"`
}

// Limits guards a line against toll fraud; zero means no limit.
type Limits struct {
	// SimultaneousExternal is how many calls to the outside may run at once.
	SimultaneousExternal int `yaml:"simultaneous_external" json:"simultaneous_external"`
	// PerMinute is how many calls to the outside may begin in a minute.
	PerMinute int `yaml:"per_minute" json:"per_minute"`
	// Night says that the site's night hours do not bind the line.
	Night bool `yaml:"night" json:"night,omitempty"`
}

// Guest says whether and for how long the user may be at home on other people's phones.
type Guest struct {
	// Allowed is the administrator's switch.
	Allowed bool `yaml:"allowed" json:"allowed"`
	// Enabled is the user's own switch.
	Enabled bool `yaml:"enabled" json:"enabled"`
	// LimitHours ends an association after so many hours; zero means no limit of the user's own.
	LimitHours int `yaml:"limit_hours" json:"limit_hours,omitempty"`
}

// DefaultCallingPlan allows what rarely costs a fortune.
var DefaultCallingPlan = CallingPlan{Internal: true, National: true}

// DefaultLimits stops a stolen password before the bill is large.
var DefaultLimits = Limits{SimultaneousExternal: 3, PerMinute: 10}

// NewUser gives a user of that kind with every default in place.
func NewUser(kind UserKind) *User {
	u := &User{Kind: kind, CallingPlan: DefaultCallingPlan, Limits: DefaultLimits}
	if kind == Person {
		u.Pack = Standard
	}
	return u
}

// Entitled says whether the user has a space: with the premium pack or the collaboration add-on.
func (u *User) Entitled() bool {
	return u.Kind == Person && (u.Pack == Premium || u.Collaboration)
}

// Devices gives the primary phone first, then the softphones.
func (u *User) Devices() []*Device {
	devices := make([]*Device, 0, 1+len(u.Softphones))
	if u.Phone != nil {
		devices = append(devices, u.Phone)
	}
	return append(devices, u.Softphones...)
}

// Line is the user part of the user's AOR: the number, or the extension of those without one.
func (u *User) Line() string {
	if u.Number != "" {
		return string(u.Number)
	}
	return u.Extension
}

// WaitsCalls says whether the line rings for another call while it is in one; if not it is busy then.
func (u *User) WaitsCalls() bool { return u.CallWaiting == nil || *u.CallWaiting }

// HasRole says whether the user has that role.
func (u *User) HasRole(r Role) bool {
	for _, have := range u.Roles {
		if have == r {
			return true
		}
	}
	return false
}

// String names the user in logs. Without it fmt would print a nested user field by field, and with
// a verb it does not know even the secrets.
func (u *User) String() string { return u.Line() }
