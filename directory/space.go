package directory

import "strconv"

// Space is the permanent room of an entitled user, opened by its ID.
type Space struct {
	// Ref is our own public name of the space, stable across restarts; it opens nothing and may
	// appear in logs and paths.
	Ref   string
	Owner *User
	Site  *Site
	// ID opens the space.
	ID Secret
	// Tones says whether arrivals and departures are heard.
	Tones bool
	// Alone says what a participant hears while nobody else is there.
	Alone Alone
	// Video says whether the space may carry video.
	Video bool
}

// newSpace gives the space of an entitled user, the user's own settings over the site's.
func newSpace(u *User) *Space {
	sp := &Space{
		Ref: SpaceRef(u.Ref), Owner: u, Site: u.Site, ID: u.SpaceID,
		Tones: true, Alone: AloneNotice, Video: u.Video,
	}
	for _, set := range []SpaceSettings{u.Site.Spaces, u.Space} {
		if set.Tones != nil {
			sp.Tones = *set.Tones
		}
		if set.Alone != "" {
			sp.Alone = set.Alone
		}
	}
	return sp
}

// SpaceRef names the space of the user with that Ref.
func SpaceRef(userRef uint64) string { return "space-" + strconv.FormatUint(userRef, 10) }

// String is the space's public name.
func (s *Space) String() string { return s.Ref }
