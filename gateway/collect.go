package gateway

import (
	"context"

	"passerelle/party"
)

// collect reads one space ID from the caller's keys, as party.Collect does: full digits (0: never) end it, and with late a #
// that comes first belongs to the ID before.
func collect(ctx context.Context, keys <-chan byte, prompted <-chan struct{}, full int, late bool, heard func()) (string, error) {
	return party.Collect(ctx, keys, prompted, party.Entry{Full: full, Most: maxSpaceID, Late: late}, heard)
}

// maxSpaceID is one digit more than the longest space ID, so that what was cut short matches nothing.
const maxSpaceID = 16
