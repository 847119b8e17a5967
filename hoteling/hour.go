//go:build !shorthour

package hoteling

import "time"

// hour is what limits are counted in. A build with the tag shorthour has one of five seconds, so that whoever looks from outside
// can wait for the end of an association.
const hour = time.Hour
