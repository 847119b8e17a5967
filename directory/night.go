package directory

import (
	"fmt"
	"time"
)

// Night holds the hours in which lines may call less than by day: a stolen password is used when nobody looks.
type Night struct {
	// From and To bound the night in the site's time; both empty means that there is none.
	From Clock `yaml:"from" json:"from,omitempty"`
	To   Clock `yaml:"to" json:"to,omitempty"`
	// Weekend makes Saturday and Sunday night from midnight to midnight.
	Weekend bool `yaml:"weekend" json:"weekend,omitempty"`
	// Calls says which calls lines may still make; emergency calls always.
	Calls NightCalls `yaml:"calls" json:"calls,omitempty"`
}

// NightCalls are the calls that lines may make in night hours, within their calling plans.
type NightCalls string

// Each of these includes the one before.
const (
	NightInternal NightCalls = "internal"
	NightNational NightCalls = "national"
	NightAll      NightCalls = "all"
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *NightCalls) UnmarshalText(text []byte) error {
	return oneOf(c, text, NightInternal, NightNational, NightAll)
}

// Clock is a time of day, 00:00 to 23:59.
type Clock string

// ParseClock accepts two digits, a colon and two digits.
func ParseClock(s string) (Clock, error) {
	if _, err := time.Parse("15:04", s); err != nil || len(s) != len("15:04") {
		return "", fmt.Errorf("%q is not a time of day such as 19:30", s)
	}
	return Clock(s), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Clock) UnmarshalText(text []byte) error {
	if len(text) == 0 { // an empty time is an absent one
		*c = ""
		return nil
	}
	v, err := ParseClock(string(text))
	if err == nil {
		*c = v
	}
	return err
}

// Includes says whether a moment, given in the site's time, is in the night. A night whose end is earlier than its
// beginning goes over midnight.
func (n Night) Includes(local time.Time) bool {
	if n.Weekend && (local.Weekday() == time.Saturday || local.Weekday() == time.Sunday) {
		return true
	}
	if n.From == "" || n.To == "" {
		return false
	}
	now := Clock(local.Format("15:04"))
	if n.From < n.To {
		return now >= n.From && now < n.To
	}
	return now >= n.From || now < n.To
}
