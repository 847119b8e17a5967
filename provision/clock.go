package provision

import (
	"fmt"
	"time"
)

// timeZone is a site's time as phones count it.
type timeZone struct {
	zone   string // GMT+01:00, of the winter
	rule   string // start=3/-1/7/02:00:00;end=10/-1/7/03:00:00;save=1; empty without summer time
	winter int    // seconds east of UTC
}

// zoneOf derives a phone's rules from the tz database. Rules that no phone can hold, such as those that follow Ramadan,
// are left out: the phone then keeps the offset that holds now.
func zoneOf(name string, now time.Time) timeZone {
	loc, err := time.LoadLocation(name)
	if err != nil { // the directory takes none that is unknown
		loc = time.UTC
	}
	_, offset := now.In(loc).Zone()
	z := timeZone{winter: offset}
	year := now.In(loc).Year()
	start, end, save, ok := changes(loc, year)
	if ok {
		// The rule must hold for the years to come, or the phone is wrong until it fetches anew.
		var starts, ends []time.Time
		for y := year; y < year+4 && ok; y++ {
			s, e, v, same := changes(loc, y)
			starts, ends = append(starts, s), append(ends, e)
			ok = same && v == save
		}
		from, fromOK := yearly(starts)
		to, toOK := yearly(ends)
		if ok && fromOK && toOK {
			_, z.winter = start.Add(-time.Hour).Zone()
			_ = end
			z.rule = fmt.Sprintf("start=%s;end=%s;save=%d:%d:%d", from, to, save/3600, save/60%60, save%60)
		}
	}
	z.zone = "GMT"
	if z.winter != 0 {
		sign, abs := '+', z.winter
		if abs < 0 {
			sign, abs = '-', -abs
		}
		z.zone = fmt.Sprintf("GMT%c%02d:%02d", sign, abs/3600, abs/60%60)
	}
	return z
}

// changes finds the moments of a year at which summer time starts and ends, and the seconds that clocks are put forward.
func changes(loc *time.Location, year int) (start, end time.Time, save int, ok bool) {
	at := time.Date(year, 1, 1, 0, 0, 0, 0, loc)
	found := 0
	for {
		_, next := at.ZoneBounds()
		if next.IsZero() || next.In(loc).Year() != year {
			break
		}
		_, before := next.Add(-time.Second).Zone()
		_, after := next.Zone()
		switch {
		case after > before:
			start, save = next, after-before
			found++
		case after < before:
			end = next
			found++
		}
		at = next
	}
	return start, end, save, found == 2 && !start.IsZero() && !end.IsZero()
}

// yearly writes moments of successive years as one rule: month/day/weekday/time, where day -1 is the last such weekday of
// the month and another one the earliest day it may fall on. The time is that of the clocks before they are changed.
func yearly(moments []time.Time) (rule string, ok bool) {
	last, nth := true, 0
	var month time.Month
	var weekday time.Weekday
	var clock string
	for i, m := range moments {
		_, before := m.Add(-time.Second).Zone()
		wall := m.UTC().Add(time.Duration(before) * time.Second)
		week := (wall.Day()-1)/7*7 + 1
		days := time.Date(wall.Year(), wall.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
		last = last && wall.Day()+7 > days
		c := wall.Format("15:04:05")
		if i == 0 {
			month, weekday, clock, nth = wall.Month(), wall.Weekday(), c, week
			continue
		}
		if wall.Month() != month || wall.Weekday() != weekday || c != clock {
			return "", false
		}
		if week != nth {
			nth = 0
		}
	}
	day := nth
	if last {
		day = -1
	}
	if day == 0 {
		return "", false
	}
	w := int(weekday)
	if w == 0 {
		w = 7 // Sunday; 0 would mean the very day
	}
	return fmt.Sprintf("%d/%d/%d/%s", int(month), day, w, clock), true
}
