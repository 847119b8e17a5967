package directory

import (
	"fmt"
	"io"
	"strings"
)

// Merge gives base with the sites of incoming in the place of those with the same domain, and the
// others behind them. Users who were there before, wherever they are now, keep their Ref and, if
// the incoming file gives none, their space ID; with keepSecrets they keep every secret that
// incoming does not give. Neither argument may be used any more.
func Merge(base, incoming *Enterprise, keepSecrets bool) *Enterprise {
	merged := &Enterprise{Name: incoming.Name}
	if merged.Name == "" {
		merged.Name = base.Name
	}
	replaced := make(map[string]int) // domain → index in incoming.Sites
	for i := len(incoming.Sites) - 1; i >= 0; i-- {
		replaced[strings.ToLower(incoming.Sites[i].Domain)] = i
	}
	placed := make([]bool, len(incoming.Sites))
	former := newRoster()
	for _, old := range base.Sites {
		i, again := replaced[strings.ToLower(old.Domain)]
		if !again {
			merged.Sites = append(merged.Sites, old)
			continue
		}
		former.add(old)
		merged.Sites = append(merged.Sites, incoming.Sites[i])
		placed[i] = true
		if keepSecrets {
			keepTrunkSecrets(old, incoming.Sites[i])
		}
	}
	for i, s := range incoming.Sites {
		if !placed[i] {
			merged.Sites = append(merged.Sites, s)
		}
	}
	for _, s := range incoming.Sites {
		for u := range s.Everyone() {
			if old := former.take(s, u); old != nil {
				u.inherit(old, keepSecrets)
			}
		}
	}
	return merged
}

// inherit takes from the same user's former record what the new one does not say.
func (u *User) inherit(old *User, secrets bool) {
	u.Ref = old.Ref
	if u.SpaceID == "" && u.Entitled() {
		u.SpaceID = old.SpaceID
	}
	if !secrets {
		return
	}
	if u.PortalPassword == "" && u.PortalPasswordHash == "" {
		u.PortalPassword, u.PortalPasswordHash = old.PortalPassword, old.PortalPasswordHash
	}
	if u.PIN == "" {
		u.PIN = old.PIN
	}
	passwords := make(map[string]Secret)
	for _, d := range old.Devices() {
		passwords[d.Username] = d.Password
	}
	for _, d := range u.Devices() {
		if d.Password == "" {
			d.Password = passwords[d.Username]
		}
	}
}

// keepTrunkSecrets gives the trunks of a site the passwords they had under the same name.
func keepTrunkSecrets(old, now *Site) {
	passwords := make(map[string]Secret)
	for _, t := range old.Trunks {
		passwords[t.Name] = t.Password
	}
	for _, t := range now.Trunks {
		if t.Password == "" {
			t.Password = passwords[t.Name]
		}
	}
}

// roster finds the former record of a user. A number is one person's; an extension may have been
// given to somebody else since, so it counts only together with the name.
type roster struct {
	byNumber map[Number]*User
	byName   map[string]*User // domain, extension and name
	taken    map[*User]bool
}

func newRoster() *roster {
	return &roster{byNumber: make(map[Number]*User), byName: make(map[string]*User), taken: make(map[*User]bool)}
}

func (r *roster) add(s *Site) {
	for u := range s.Everyone() {
		if u.Number != "" {
			r.byNumber[u.Number] = u
		}
		if u.Extension != "" {
			r.byName[nameKey(s, u)] = u
		}
	}
}

// take gives the user's former record, once.
func (r *roster) take(s *Site, u *User) *User {
	old := r.byNumber[u.Number]
	if old == nil && u.Extension != "" {
		old = r.byName[nameKey(s, u)]
	}
	if old == nil || old.Kind != u.Kind || r.taken[old] {
		return nil
	}
	r.taken[old] = true
	return old
}

func nameKey(s *Site, u *User) string {
	return strings.ToLower(s.Domain) + "\x00" + u.Extension + "\x00" + u.Name
}

// FillSpaceIDs gives each entitled user without a space ID one from random (crypto/rand.Reader)
// and says how many. An ID is drawn again until no space of the enterprise has it.
func FillSpaceIDs(e *Enterprise, random io.Reader) (int, error) {
	taken := make(map[Secret]bool)
	for _, s := range e.Sites {
		for _, u := range s.Users {
			taken[u.SpaceID] = true
		}
	}
	filled := 0
	for _, s := range e.Sites {
		for _, u := range s.Users {
			if u.SpaceID != "" || !u.Entitled() {
				continue
			}
			id, err := drawSpaceID(s, taken, random)
			if err != nil {
				return filled, fmt.Errorf("give %s a space ID: %w", u.Name, err)
			}
			u.SpaceID, taken[id] = id, true
			filled++
		}
	}
	return filled, nil
}

// maxDraws bounds the search for a free ID at a site whose IDs are too short for its users.
const maxDraws = 1000

func drawSpaceID(s *Site, taken map[Secret]bool, random io.Reader) (Secret, error) {
	for range maxDraws {
		id, err := NewSpaceID(s, random)
		if err != nil {
			return "", err
		}
		if !taken[id] {
			return id, nil
		}
	}
	return "", fmt.Errorf("%w: no free space ID of %d digits was found, raise space_id_length", ErrInvalid, s.SpaceIDLength)
}
