package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"passerelle/directory"
)

const (
	// RecoveryCodes is how many recovery codes an account is given.
	RecoveryCodes = 10
	// recoveryLen is the length of a code without its dashes: 80 random bits in base32.
	recoveryLen = 16
	// recoveryGroup is how many characters stand together, so that people can copy them.
	recoveryGroup = 4
)

// drawCodes gives an account new recovery codes; it keeps their hashes only.
func drawCodes(kept *directory.Account) []string {
	codes := make([]string, RecoveryCodes)
	kept.RecoveryHashes = make([]string, RecoveryCodes)
	for i := range codes {
		code := rand.Text()[:recoveryLen]
		kept.RecoveryHashes[i] = recoveryHash(code)
		groups := make([]string, 0, recoveryLen/recoveryGroup)
		for g := range slices.Chunk([]byte(code), recoveryGroup) {
			groups = append(groups, string(g))
		}
		codes[i] = strings.ToLower(strings.Join(groups, "-"))
	}
	return codes
}

// firstCodes draws codes for an account that has none.
func firstCodes(kept *directory.Account) []string {
	if len(kept.RecoveryHashes) > 0 {
		return nil
	}
	return drawCodes(kept)
}

// dropCodes forgets the codes of an account that has no second factor to recover.
func dropCodes(kept *directory.Account) {
	if !kept.SecondFactor() {
		kept.RecoveryHashes = nil
	}
}

// takeCode uses a recovery code up; false when it is none of the account's.
func takeCode(kept *directory.Account, code string) bool {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	if len(code) != recoveryLen {
		return false
	}
	i := slices.Index(kept.RecoveryHashes, recoveryHash(code)) // of hashes: its time tells nothing of a code
	if i < 0 {
		return false
	}
	kept.RecoveryHashes = slices.Delete(kept.RecoveryHashes, i, i+1)
	return true
}

func recoveryHash(code string) string {
	sum := sha256.Sum256([]byte("passerelle recovery code " + code))
	return hex.EncodeToString(sum[:])
}
