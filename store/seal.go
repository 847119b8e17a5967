package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"passerelle/directory"
)

// sealVersion is the first byte of everything sealed; another way of sealing would have another.
const sealVersion = 1

// sealer seals for every purpose with a key of its own. It is safe for concurrent use.
type sealer struct{ aeads map[string]cipher.AEAD }

// purposes are the uses of a key beyond the directory's own.
const (
	purposeCheck  = "check" // tells the right key from a wrong one
	exportPurpose = "export/"
	// purposeWebhook is for the secrets that sign what webhooks are sent.
	purposeWebhook = "webhook"
)

func newSealer(key Key) (*sealer, error) {
	s := &sealer{aeads: make(map[string]cipher.AEAD)}
	purposes := []string{purposeCheck, purposeWebhook, purposeAnswer}
	for _, p := range []directory.Purpose{
		directory.PurposeSIP, directory.PurposePIN, directory.PurposeSpace, directory.PurposePortal,
	} {
		purposes = append(purposes, string(p), exportPurpose+string(p))
	}
	for _, p := range purposes {
		sub, err := hkdf.Key(sha256.New, key[:], nil, "passerelle store v1 "+p, 32)
		if err != nil {
			return nil, fmt.Errorf("derive the key for %s: %w", p, err)
		}
		block, err := aes.NewCipher(sub)
		if err != nil {
			return nil, fmt.Errorf("derive the key for %s: %w", p, err)
		}
		// A random nonce of 96 bits is sound for 2^32 seals of one key.
		if s.aeads[p], err = cipher.NewGCMWithRandomNonce(block); err != nil {
			return nil, fmt.Errorf("derive the key for %s: %w", p, err)
		}
	}
	return s, nil
}

// seal encrypts text for a purpose and binds it to the path of its record.
func (s *sealer) seal(purpose, path, text string) []byte {
	return s.aeads[purpose].Seal([]byte{sealVersion}, nil, []byte(text), []byte(path))
}

// open is the inverse of seal.
func (s *sealer) open(purpose, path string, sealed []byte) (string, error) {
	aead, ok := s.aeads[purpose]
	if !ok || len(sealed) == 0 || sealed[0] != sealVersion {
		return "", fmt.Errorf("open the secret of %s: %w", path, ErrDamaged)
	}
	text, err := aead.Open(nil, nil, sealed[1:], []byte(path))
	if err != nil {
		return "", fmt.Errorf("open the secret of %s: %w", path, ErrDamaged)
	}
	return string(text), nil
}

// SealForExport seals a secret as text that only a store with the same key opens, under the same
// label.
func (s *Store) SealForExport(purpose directory.Purpose, label, text string) string {
	return base64.StdEncoding.EncodeToString(s.sealer.seal(exportPurpose+string(purpose), label, text))
}

// OpenFromExport is the inverse of SealForExport.
func (s *Store) OpenFromExport(purpose directory.Purpose, label, sealed string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return "", fmt.Errorf("open the secret of %s: %w", label, ErrDamaged)
	}
	return s.sealer.open(exportPurpose+string(purpose), label, raw)
}
