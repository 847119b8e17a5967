package directory

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// isArgon2id says whether s is an argon2id hash in the PHC string format, with parameters that
// a server can afford to compute.
func isArgon2id(s string) bool {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" {
		return false
	}
	var memory, passes, lanes int
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || n != 3 {
		return false
	}
	if parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", memory, passes, lanes) { // Sscanf lets a tail pass
		return false
	}
	if memory < 8 || memory > 1<<20 || passes < 1 || passes > 16 || lanes < 1 || lanes > 16 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) < 8 {
		return false
	}
	sum, err := base64.RawStdEncoding.DecodeString(parts[5])
	return err == nil && len(sum) >= 16
}
