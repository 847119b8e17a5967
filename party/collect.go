package party

import (
	"context"
	"time"
)

// How long somebody may think: before the first digit, counted from the end of the prompt, and between two.
const (
	firstDigitWait = 10 * time.Second
	digitGap       = 5 * time.Second
	entryLimit     = time.Minute // for one entry in all, corrections included
)

// Entry is what somebody is asked to type.
type Entry struct {
	// Full is how many digits end the entry by themselves; zero means that none do.
	Full int
	// Most is how many digits are kept: let it be one more than the longest that means anything.
	Most int
	// Late says that a # that comes first belongs to the entry before, which its full length had ended already, and means
	// nothing here.
	Late bool
}

// Collect reads one entry from the keys of a party. # ends it, and so do full digits, and a gap; * clears what was typed.
// prompted is closed when the prompt has been spoken (or was cut short); the wait for the first digit counts from there.
// heard is called at each key. An empty result means that nothing was typed in time.
func Collect(ctx context.Context, keys <-chan byte, prompted <-chan struct{}, e Entry, heard func()) (string, error) {
	wait := time.NewTimer(firstDigitWait)
	defer wait.Stop()
	if prompted != nil {
		wait.Stop()
	}
	limit := time.NewTimer(entryLimit)
	defer limit.Stop()
	var typed []byte
	late := e.Late
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
				if e.Full > 0 && len(typed) == e.Full {
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
		if len(typed) > e.Most { // it means nothing: let the rest go by until the gap
			typed = typed[:e.Most]
		}
	}
}
