package sip

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// SubscriptionConfig sets the limits of subscriptions.
type SubscriptionConfig struct {
	MinExpires     time.Duration // shortest interval granted, else 423 (RFC 6665 §4.2.1.1); 0 means 60 s, at most 1 h
	MaxExpires     time.Duration // longest interval granted; 0 means 24 h
	DefaultExpires time.Duration // granted when the phone names none; 0 means 1 h
	MaxPerLine     int           // subscriptions of one AOR; 0 means 256
	Max            int           // subscriptions in all; 0 means 200000
}

func (c SubscriptionConfig) withDefaults() SubscriptionConfig {
	c.MinExpires = cmp.Or(c.MinExpires, time.Minute)
	c.MaxExpires = cmp.Or(c.MaxExpires, 24*time.Hour)
	c.DefaultExpires = cmp.Or(c.DefaultExpires, min(max(time.Hour, c.MinExpires), c.MaxExpires))
	c.MaxPerLine = cmp.Or(c.MaxPerLine, 256)
	c.Max = cmp.Or(c.Max, 200000)
	return c
}

// Validate reports every setting that contradicts another or the RFC.
func (c SubscriptionConfig) Validate() error {
	c = c.withDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if c.MinExpires < time.Second || c.MinExpires > time.Hour {
		fault("min_expires: %v is not between 1s and 1h (RFC 6665 §4.2.1.1)", c.MinExpires)
	}
	if c.MinExpires > c.MaxExpires {
		fault("min_expires: %v is above max_expires %v", c.MinExpires, c.MaxExpires)
	}
	if c.DefaultExpires < c.MinExpires || c.DefaultExpires > c.MaxExpires {
		fault("default_expires: %v is not between min_expires %v and max_expires %v", c.DefaultExpires, c.MinExpires, c.MaxExpires)
	}
	if c.MaxPerLine < 1 || c.Max < 1 {
		fault("max_per_line, max: %d and %d must be positive", c.MaxPerLine, c.Max)
	}
	return errors.Join(faults...)
}

// grant decides about an interval: what the peer gets, or that it is too brief. asked is -1 when it named none.
func (c SubscriptionConfig) grant(asked int64) (d time.Duration, brief bool) {
	switch {
	case asked < 0:
		return c.DefaultExpires, false
	case asked == 0:
		return 0, false
	case asked < int64(c.MinExpires/time.Second):
		return 0, true
	}
	return min(time.Duration(asked)*time.Second, c.MaxExpires), false
}
