package directory

import (
	"strings"
	"time"
)

// Forwards says where the calls to a line go instead. A target is a number as the line would dial it, ForwardVoicemail,
// or a sip, sips or tel URI; empty means no forwarding.
type Forwards struct {
	Always       string   `yaml:"always" json:"always,omitempty"`
	Busy         string   `yaml:"busy" json:"busy,omitempty"`
	NoAnswer     NoAnswer `yaml:"no_answer" json:"no_answer,omitzero"`
	NotReachable string   `yaml:"not_reachable" json:"not_reachable,omitempty"`
}

// NoAnswer forwards a call that nobody answered.
type NoAnswer struct {
	Target string `yaml:"target" json:"target,omitempty"`
	// Seconds is how long the line rings before; zero means DefaultNoAnswerSeconds.
	Seconds int `yaml:"seconds" json:"seconds,omitempty"`
}

// ForwardVoicemail as a target is the line's own mailbox.
const ForwardVoicemail = "voicemail"

// How long a line rings, and a parked call waits.
const (
	DefaultNoAnswerSeconds = 20
	DefaultRingSeconds     = 60
	DefaultParkSeconds     = 120
)

// The bounds on NoAnswer.Seconds.
const (
	minNoAnswerSeconds = 5
	maxNoAnswerSeconds = 120
)

// NoAnswerSeconds is the nearest value that NoAnswer.Seconds may have to the time a phone asks for; zero stays zero.
func NoAnswerSeconds(asked int) int {
	if asked == 0 {
		return 0
	}
	return min(max(asked, minNoAnswerSeconds), maxNoAnswerSeconds)
}

// RingTime is how long a call to the line rings: until it is forwarded, or until the site gives up.
func (u *User) RingTime() time.Duration {
	seconds := DefaultRingSeconds
	if u.Site != nil && u.Site.RingSeconds > 0 {
		seconds = u.Site.RingSeconds
	}
	if u.Forwards.NoAnswer.Target != "" {
		if seconds = u.Forwards.NoAnswer.Seconds; seconds == 0 {
			seconds = DefaultNoAnswerSeconds
		}
	}
	return time.Duration(seconds) * time.Second
}

// isDialable says whether s is what keys of a phone can dial as a number: 2 to 32 digits, perhaps a plus sign first.
func isDialable(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return isDigits(digits) && len(digits) >= 2 && len(digits) <= 32
}
