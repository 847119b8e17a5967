package store

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"

	"passerelle/directory"
)

// fingerprint tells whether a record changed; sealing is random, so sealed records cannot.
type fingerprint [sha256.Size]byte

// was is what is remembered of a record while it may change.
type was struct {
	print    fingerprint
	place    string // where a user's record stood, see placeOf; empty for sites
	revision uint64
}

// next is the revision of a record that is now as print says: one more than before if that is a change.
func (w was) next(print fingerprint) uint64 {
	if w.revision > 0 && w.print == print {
		return w.revision
	}
	return w.revision + 1
}

// former is the enterprise before a change.
type former struct {
	users map[uint64]was // by Ref
	sites map[string]was // by domain
}

// kept remembers an enterprise as it is kept.
func kept(e *directory.Enterprise) former {
	f := former{users: make(map[uint64]was), sites: make(map[string]was)}
	for _, site := range e.Sites {
		f.sites[site.Domain] = was{print: siteFingerprint(site), revision: site.Revision}
		for i, u := range site.Users {
			r := userRecord{Domain: site.Domain, Position: i, User: u}
			f.users[u.Ref] = was{fingerprintOf(u), placeOf(r), u.Revision}
		}
		for i, u := range site.Workspaces {
			r := userRecord{Domain: site.Domain, Workspace: true, Position: i, User: u}
			f.users[u.Ref] = was{fingerprintOf(u), placeOf(r), u.Revision}
		}
	}
	return f
}

// placeOf is where a user's record stands. A move is written, and is no new revision of the user.
func placeOf(r userRecord) string { return fmt.Sprint(r.Domain, r.Workspace, r.Position) }

func fingerprintOf(u *directory.User) fingerprint {
	h := sha256.New()
	json.NewEncoder(h).Encode(u) //nolint:errcheck // the types have no value that does not encode
	u.EachSecret(func(field string, _ directory.Purpose, secret *directory.Secret) {
		io.WriteString(h, field+"\x00"+secret.Reveal()+"\x00") //nolint:errcheck // a hash takes everything
	})
	return fingerprint(h.Sum(nil))
}

// siteFingerprint is that of a site without its users.
func siteFingerprint(s *directory.Site) fingerprint {
	h, bare := sha256.New(), *s
	bare.Users, bare.Workspaces = nil, nil
	json.NewEncoder(h).Encode(&bare) //nolint:errcheck // the types have no value that does not encode
	for _, t := range s.Trunks {
		t.EachSecret(func(field string, _ directory.Purpose, secret *directory.Secret) {
			io.WriteString(h, t.Name+"\x00"+field+"\x00"+secret.Reveal()+"\x00") //nolint:errcheck // a hash takes everything
		})
	}
	return fingerprint(h.Sum(nil))
}
