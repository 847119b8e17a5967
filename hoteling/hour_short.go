//go:build shorthour

package hoteling

import "time"

const hour = 5 * time.Second
