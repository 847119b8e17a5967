package main

import (
	"passerelle/call"
	"passerelle/call/events"
	"passerelle/directory"
	"passerelle/sip"
)

// monitored are the lines that users' phones show: each user has one list, that of the site file.
type monitored struct{ live *directory.Live }

var _ events.Lists = monitored{}

// List implements events.Lists.
func (m monitored) List(watcher sip.AOR, name, host string) (members []events.Member, ok bool) {
	dir := m.live.Current()
	u, known := dir.UserByURI(watcher.User(), watcher.Domain())
	if name != directory.MonitoredList || !known {
		return nil, false
	}
	if site, ours := dir.SiteByDomain(host); ours && site != u.Site {
		return nil, false
	}
	for _, line := range u.Monitored {
		to, ok := dir.LineAt(u.Site, line)
		if !ok {
			continue
		}
		members = append(members, events.Member{
			AOR: sip.NewAOR(to.Line(), to.Site.Domain), URI: sip.NewAOR(call.LineNumber(to, u), u.Site.Domain).URI(), Name: to.Name,
		})
	}
	return members, true
}
