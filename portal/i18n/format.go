package i18n

import (
	"fmt"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"passerelle/directory"
)

// DateTime writes a moment to the minute in a time zone; nil is UTC.
func (p *Printer) DateTime(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	if zone == nil {
		zone = time.UTC
	}
	if p.lang == directory.French {
		return t.In(zone).Format("02/01/2006 15:04")
	}
	return t.In(zone).Format("2 Jan 2006, 15:04")
}

// Duration writes a length of time by its two greatest units.
func (p *Printer) Duration(d time.Duration) string {
	day := "d"
	if p.lang == directory.French {
		day = "j"
	}
	const gap = "\u00a0"
	switch d = d.Round(time.Second); {
	case d < 0:
		return "0" + gap + "s"
	case d < time.Minute:
		return fmt.Sprintf("%d"+gap+"s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d"+gap+"min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d"+gap+"h"+gap+"%02d", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d"+gap+"%s"+gap+"%02d"+gap+"h", int(d.Hours())/24, day, int(d.Hours())%24)
	}
}

// Phone writes a number as people read it: +33 1 70 00 10 00. What is no number stays as it is.
func Phone(n string) string {
	if !strings.HasPrefix(n, "+") {
		return n
	}
	parsed, err := phonenumbers.Parse(n, "ZZ")
	if err != nil {
		return n
	}
	return strings.NewReplacer(" ", "\u00a0", "-", "\u2011").Replace(phonenumbers.Format(parsed, phonenumbers.INTERNATIONAL))
}
