package directory

import "iter"

// Enterprise is one customer: its sites share hosts, guests and short dialling, nothing leaves it.
type Enterprise struct {
	Name  string  `yaml:"enterprise" json:"enterprise"`
	Sites []*Site `yaml:"sites" json:"sites"`
}

// Site is a place with its own SIP domain, numbers and gateway.
type Site struct {
	// Revision grows with each change of the site itself that is kept, not with those of its users; see User.Revision.
	Revision uint64 `yaml:"-" json:"-"`

	Name string `yaml:"name" json:"name"`
	// Domain is the SIP domain of the AORs of the site's lines and the realm of their digests.
	Domain string `yaml:"domain" json:"domain"`
	// Language is that of prompts and portal where a caller shows no other.
	Language Language `yaml:"language" json:"language"`
	// Country (ISO 3166, two letters) reads numbers dialled in national form.
	Country string `yaml:"country" json:"country"`
	// Timezone is a name of the tz database.
	Timezone string `yaml:"timezone" json:"timezone"`
	// ExtensionLength is the number of digits of every extension of the site.
	ExtensionLength int `yaml:"extension_length" json:"extension_length"`
	// Prefix is dialled from the other sites before an extension of this one; empty means that they dial numbers.
	Prefix string `yaml:"prefix" json:"prefix,omitempty"`
	// NationalCountries are further countries whose numbers count as national.
	NationalCountries []string `yaml:"national_countries" json:"national_countries,omitempty"`
	// Numbers are the site's two-way numbers, from which its gateway's is chosen.
	Numbers []Number `yaml:"numbers" json:"numbers,omitempty"`
	Gateway Gateway  `yaml:"gateway" json:"gateway"`
	// CallerNumber, one of Numbers, is shown outside for lines that show the site's number; empty means the first one
	// that is not the gateway's.
	CallerNumber Number `yaml:"caller_number" json:"caller_number,omitempty"`
	// Inbound gives further Numbers to lines or to the gateway.
	Inbound []Inbound `yaml:"inbound" json:"inbound,omitempty"`
	// HoldMusic is what callers hear whom a line of the site holds: empty is the music of the server, HoldSilence nothing,
	// else the name of a recording that the server keeps.
	HoldMusic string `yaml:"hold_music" json:"hold_music,omitempty"`
	// RingSeconds is how long a call rings that is not forwarded.
	RingSeconds int `yaml:"ring_seconds" json:"ring_seconds"`
	// ParkSeconds is how long a parked call waits before it rings at who parked it.
	ParkSeconds int `yaml:"park_seconds" json:"park_seconds"`
	// DirectMedia lets the media of calls between lines of sites that all have it go from phone to phone, not through the
	// server: for phones that reach each other.
	DirectMedia bool `yaml:"direct_media" json:"direct_media,omitempty"`
	// Night holds the hours in which lines may call less.
	Night Night `yaml:"night" json:"night"`
	// FeatureCodes are what lines dial to use a feature.
	FeatureCodes FeatureCodes `yaml:"feature_codes" json:"feature_codes"`
	// SpaceIDLength is the length of generated space IDs and the most a caller may type.
	SpaceIDLength int `yaml:"space_id_length" json:"space_id_length"`
	// SpaceIDCheck says that the last digit of each space ID is a Damm check digit.
	SpaceIDCheck bool `yaml:"space_id_check" json:"space_id_check"`
	// WrongIDsPerHour is how many wrong space IDs an hour the site's gateway takes before callers
	// who are not its lines are slowed down.
	WrongIDsPerHour int `yaml:"wrong_ids_per_hour" json:"wrong_ids_per_hour"`
	// Spaces holds the settings of every space of the site that has none of its own.
	Spaces   SpaceSettings `yaml:"spaces" json:"spaces"`
	Hoteling Hoteling      `yaml:"hoteling" json:"hoteling"`
	// Phones says how the site's phones configure themselves.
	Phones Phones `yaml:"phones" json:"phones,omitzero"`
	// Emergency are the numbers that are always put through; nil means the country's list.
	Emergency  []string `yaml:"emergency" json:"emergency,omitempty"`
	Users      []*User  `yaml:"users" json:"users,omitempty"`
	Workspaces []*User  `yaml:"workspaces" json:"workspaces,omitempty"`
	Trunks     []*Trunk `yaml:"trunks" json:"trunks,omitempty"`
}

// Gateway is the number by which callers reach the spaces of a site; without a number nobody does.
type Gateway struct {
	Number    Number `yaml:"number" json:"number,omitempty"`
	Extension string `yaml:"extension" json:"extension,omitempty"`
}

// SpaceSettings says how a space sounds.
type SpaceSettings struct {
	// Tones says whether arrivals and departures are heard.
	Tones *bool `yaml:"tones" json:"tones,omitempty"`
	// Alone says what a participant hears while nobody else is there.
	Alone Alone `yaml:"alone" json:"alone,omitempty"`
}

// Hoteling holds the site's bounds on guests.
type Hoteling struct {
	// MaxGuestHours is the longest limit, in hours, that a guest may choose.
	MaxGuestHours int `yaml:"max_guest_hours" json:"max_guest_hours"`
	// EarlyRefusal refuses at the site's host phones before a challenge whom no PIN could let in. Otherwise all are
	// challenged alike, so that nobody learns who exists and may be a guest.
	EarlyRefusal bool `yaml:"early_refusal" json:"early_refusal,omitempty"`
}

// The values a site has where its file says nothing.
const (
	DefaultExtensionLength = 3
	DefaultSpaceIDLength   = 11
	DefaultWrongIDsPerHour = 20
	MaxGuestHours          = 999
)

// MaxParticipants is how many may be in one space, by audio and video together.
const MaxParticipants = 15

// NewSite gives a site with every default in place.
func NewSite() *Site {
	tones := true
	return &Site{
		Language:        English,
		ExtensionLength: DefaultExtensionLength,
		SpaceIDLength:   DefaultSpaceIDLength,
		SpaceIDCheck:    true,
		WrongIDsPerHour: DefaultWrongIDsPerHour,
		Spaces:          SpaceSettings{Tones: &tones, Alone: AloneNotice},
		Hoteling:        Hoteling{MaxGuestHours: MaxGuestHours},
		RingSeconds:     DefaultRingSeconds,
		ParkSeconds:     DefaultParkSeconds,
		Night:           Night{Calls: NightNational},
		FeatureCodes:    DefaultFeatureCodes,
	}
}

// Everyone yields the site's users, then its workspaces.
func (s *Site) Everyone() iter.Seq[*User] {
	return func(yield func(*User) bool) {
		for _, u := range s.Users {
			if !yield(u) {
				return
			}
		}
		for _, w := range s.Workspaces {
			if !yield(w) {
				return
			}
		}
	}
}

// PublicNumber is what the outside sees of the site: CallerNumber, else the first of its numbers that is not the gateway's,
// else the gateway's.
func (s *Site) PublicNumber() Number {
	if s.CallerNumber != "" {
		return s.CallerNumber
	}
	for _, n := range s.Numbers {
		if n != s.Gateway.Number {
			return n
		}
	}
	return s.Gateway.Number
}

// String names the site in logs.
func (s *Site) String() string { return s.Domain }
