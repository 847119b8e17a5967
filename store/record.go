package store

import (
	"encoding/json"
	"fmt"
	"strconv"

	"passerelle/directory"
)

// siteRecord is a site without its users.
type siteRecord struct {
	Position int    // in the enterprise
	Revision uint64 `json:",omitempty"`
	Site     *directory.Site
	Sealed   map[string][]byte `json:",omitempty"` // field → sealed secret
}

// userRecord is a user or workspace. In the JSON of User the secrets are ***: Sealed has them.
type userRecord struct {
	Domain    string
	Workspace bool   `json:",omitempty"`
	Position  int    // among the users or workspaces of the site
	Revision  uint64 `json:",omitempty"`
	User      *directory.User
	Sealed    map[string][]byte `json:",omitempty"` // field → sealed secret
}

// userPath is where a user's record is, as far as sealing is concerned.
func userPath(ref uint64) string { return "users/" + strconv.FormatUint(ref, 10) + "/" }

// trunkPath is where a trunk is, as far as sealing is concerned.
func trunkPath(domain, name string) string { return "sites/" + domain + "/trunks/" + name + "/" }

// encodeSite seals the secrets of a site and writes it without its users.
func (s *Store) encodeSite(position int, site *directory.Site) ([]byte, error) {
	bare := *site
	bare.Users, bare.Workspaces = nil, nil
	r := siteRecord{Position: position, Revision: site.Revision, Site: &bare, Sealed: make(map[string][]byte)}
	for i, t := range site.Trunks {
		t.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
			path := trunkPath(site.Domain, t.Name) + field
			r.Sealed[trunkField(i, field)] = s.sealer.seal(string(purpose), path, secret.Reveal())
		})
	}
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode site %s: %w", site.Name, err)
	}
	return raw, nil
}

func trunkField(i int, field string) string { return "trunks[" + strconv.Itoa(i) + "]." + field }

// decodeSite reads a site and opens its secrets.
func (s *Store) decodeSite(raw []byte) (*siteRecord, error) {
	r := &siteRecord{}
	if err := json.Unmarshal(raw, r); err != nil || r.Site == nil {
		return nil, fmt.Errorf("decode a site: %w (%v)", ErrDamaged, err)
	}
	r.Site.Revision = r.Revision
	var fault error
	for i, t := range r.Site.Trunks {
		t.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
			path := trunkPath(r.Site.Domain, t.Name) + field
			text, err := s.sealer.open(string(purpose), path, r.Sealed[trunkField(i, field)])
			if err != nil && fault == nil {
				fault = err
			}
			*secret = directory.Secret(text)
		})
	}
	return r, fault
}

// encodeUser seals the secrets of a user and writes it.
func (s *Store) encodeUser(r userRecord) ([]byte, error) {
	r.Sealed, r.Revision = make(map[string][]byte), r.User.Revision
	r.User.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
		r.Sealed[field] = s.sealer.seal(string(purpose), userPath(r.User.Ref)+field, secret.Reveal())
	})
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode user %d: %w", r.User.Ref, err)
	}
	return raw, nil
}

// decodeUser reads a user and opens its secrets.
func (s *Store) decodeUser(ref uint64, raw []byte) (*userRecord, error) {
	r := &userRecord{}
	if err := json.Unmarshal(raw, r); err != nil || r.User == nil {
		return nil, fmt.Errorf("decode user %d: %w (%v)", ref, ErrDamaged, err)
	}
	r.User.Ref, r.User.Revision = ref, r.Revision
	if r.Workspace {
		r.User.Kind = directory.Workspace
	}
	var fault error
	r.User.EachSecret(func(field string, purpose directory.Purpose, secret *directory.Secret) {
		text, err := s.sealer.open(string(purpose), userPath(ref)+field, r.Sealed[field])
		if err != nil && fault == nil {
			fault = err
		}
		*secret = directory.Secret(text)
	})
	return r, fault
}
