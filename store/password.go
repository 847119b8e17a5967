package store

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	bolt "go.etcd.io/bbolt"

	"passerelle/directory"
)

// The parameters of new hashes: OWASP's for argon2id.
const (
	argonMemory = 19 * 1024 // KiB
	argonPasses = 2
	argonLanes  = 1
	argonSalt   = 16
	argonSum    = 32
)

// maxHashes bounds how many hashes are computed at once, and so the memory they take.
const maxHashes = 4

// hashAtOnce is how many portal passwords an import hashes itself. More of them stay sealed until
// their users sign in first: hashing 10 000 takes minutes.
const hashAtOnce = 16

// CheckPortalPassword says whether password is the user's for the portal. A password that is still
// kept sealed is replaced by its hash when it is right.
func (s *Store) CheckPortalPassword(ctx context.Context, ref uint64, password string) (bool, error) {
	var r *userRecord
	err := s.view(ctx, func(tx *bolt.Tx) (err error) {
		r, err = s.user(tx, ref)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("check the portal password of user %d: %w", ref, err)
	}
	u := r.User
	if u.PortalPasswordHash != "" || u.PortalPassword == "" {
		return s.CheckPassword(ctx, u.PortalPasswordHash, password)
	}
	hash, err := s.HashPassword(ctx, password) // a wrong one too, so that it takes as long
	if err != nil || !u.PortalPassword.Equal(password) {
		return false, err
	}
	return true, s.replaceByHash(ctx, ref, u.PortalPassword, hash)
}

// CheckPassword says whether password has that hash. With no hash, of an account that there is not, the answer is no and
// takes as long.
func (s *Store) CheckPassword(ctx context.Context, hash directory.Secret, password string) (bool, error) {
	if hash == "" {
		_, err := s.HashPassword(ctx, password)
		return false, err
	}
	return s.verify(ctx, hash.Reveal(), password)
}

// replaceByHash puts the hash in the place of the password, unless that has changed meanwhile.
func (s *Store) replaceByHash(ctx context.Context, ref uint64, was, hash directory.Secret) error {
	return s.update(ctx, func(tx *bolt.Tx) error {
		r, err := s.user(tx, ref)
		if err != nil {
			return err
		}
		if r.User.PortalPassword != was {
			return nil
		}
		r.User.PortalPassword, r.User.PortalPasswordHash = "", hash
		raw, err := s.encodeUser(*r)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketUsers).Put(bigEndian(ref), raw)
	})
}

// user reads one user in the caller's transaction.
func (s *Store) user(tx *bolt.Tx, ref uint64) (*userRecord, error) {
	raw := tx.Bucket(bucketUsers).Get(bigEndian(ref))
	if raw == nil {
		return nil, fmt.Errorf("user %d: %w", ref, ErrNotFound)
	}
	return s.decodeUser(ref, raw)
}

// hashFew hashes the portal passwords of an enterprise if they are few.
func (s *Store) hashFew(ctx context.Context, e *directory.Enterprise) error {
	var clear []*directory.User
	for _, site := range e.Sites {
		for _, u := range site.Users {
			if u.PortalPassword != "" && u.PortalPasswordHash == "" {
				clear = append(clear, u)
			}
		}
	}
	if len(clear) > hashAtOnce {
		return nil
	}
	for _, u := range clear {
		hash, err := s.HashPassword(ctx, u.PortalPassword.Reveal())
		if err != nil {
			return err
		}
		u.PortalPassword, u.PortalPasswordHash = "", hash
	}
	return nil
}

// HashPassword gives the argon2id hash in the PHC string format. At most four are computed at once.
func (s *Store) HashPassword(ctx context.Context, password string) (directory.Secret, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt) //nolint:errcheck // crypto/rand.Read never fails
	sum, err := s.argon(ctx, password, salt, argonMemory, argonPasses, argonLanes, argonSum)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return directory.Secret(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, argonMemory, argonPasses, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(sum))), nil
}

// verify says whether password has that hash, whatever its parameters.
func (s *Store) verify(ctx context.Context, phc, password string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 {
		return false, fmt.Errorf("read a password hash: %w", ErrDamaged)
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false, fmt.Errorf("read a password hash: %w", ErrDamaged)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("read a password hash: %w", ErrDamaged)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) == 0 {
		return false, fmt.Errorf("read a password hash: %w", ErrDamaged)
	}
	got, err := s.argon(ctx, password, salt, memory, passes, lanes, uint32(len(want)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

// argon computes when its turn comes.
func (s *Store) argon(ctx context.Context, password string, salt []byte, memory, passes uint32, lanes uint8, size uint32) ([]byte, error) {
	select {
	case s.hashes <- struct{}{}:
		defer func() { <-s.hashes }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, size), nil
}
