package gateway

import (
	"context"
	"time"
)

// How long a caller may think: before the first digit, counted from the end of the prompt, and between two.
const (
	firstDigitWait = 10 * time.Second
	digitGap       = 5 * time.Second
	entryLimit     = time.Minute // for one ID in all, corrections included
)

// collect reads one space ID from the caller's keys. `#` ends it, and so do full digits (0: never), and a gap; `*`
// clears what was typed. prompted is closed when the prompt has been spoken (or was cut short); the wait for the first
// digit counts from there. With late, a `#` that comes first belongs to the ID before, which its full length had ended
// already, and means nothing here. An empty result means that the caller typed nothing in time.
func collect(ctx context.Context, keys <-chan byte, prompted <-chan struct{}, full int, late bool, heard func()) (string, error) {
	wait := time.NewTimer(firstDigitWait)
	defer wait.Stop()
	if prompted != nil {
		wait.Stop()
	}
	limit := time.NewTimer(entryLimit)
	defer limit.Stop()
	var typed []byte
	for {
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-prompted:
			prompted = nil
			if len(typed) == 0 {
				wait.Reset(firstDigitWait)
			}
		case key := <-keys:
			if late && key == '#' {
				late = false
				continue
			}
			late = false
			heard()
			switch {
			case key == '#':
				return string(typed), nil
			case key == '*':
				typed = typed[:0]
			case key >= '0' && key <= '9':
				typed = append(typed, key)
				if full > 0 && len(typed) == full {
					return string(typed), nil
				}
			default: // A to D are no digits, and no sign of typing
				continue
			}
			wait.Reset(digitGap)
		case <-wait.C:
			return string(typed), nil
		case <-limit.C:
			return string(typed), nil
		}
		if len(typed) > maxSpaceID { // nobody's ID: let the rest go by until the gap
			typed = typed[:maxSpaceID]
		}
	}
}

// maxSpaceID is one digit more than the longest space ID, so that what was cut short matches nothing.
const maxSpaceID = 16
