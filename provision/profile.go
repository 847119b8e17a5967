package provision

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"passerelle/directory"
)

// renderer renders profiles of one directory at one time. It keeps what the phones of a site share. It is for one goroutine.
type renderer struct {
	dir   *directory.Directory
	tls   bool // the server listens for SIP over TLS
	now   time.Time
	sites map[*directory.Site]*shared
}

// shared is what the profiles of a site have in common and is dear to find.
type shared struct {
	zone      timeZone
	dialPlan  string
	emergency string
	transport directory.Transport
}

func newRenderer(dir *directory.Directory, tls bool, now time.Time) *renderer {
	return &renderer{dir: dir, tls: tls, now: now, sites: make(map[*directory.Site]*shared)}
}

func (r *renderer) shared(s *directory.Site) *shared {
	c, ok := r.sites[s]
	if !ok {
		c = &shared{zone: zoneOf(s.Timezone, r.now), dialPlan: dialPlan(s), emergency: emergency(s), transport: transportOf(s, r.tls)}
		r.sites[s] = c
	}
	return c
}

// idleKeys are the softkeys of a phone at rest, and those of one that takes guests before them.
const (
	idleKeys  = "redial|;newcall|;cfwd|;recents|;dnd|;unpark|;pickup|;dir|4;miss|5;messages"
	guestKeys = "guestin|;guestout|;"
)

// profile renders the flat-profile of a phone. It names every line that the model can have, those not in use too, so that
// nothing stays of who had the phone before. It holds the phone's password. base is the phone's own link, with a slash at
// its end: "https://pbx.acme.test/p/TOKEN/".
func (r *renderer) profile(d *directory.Device, base string) []byte {
	p := newParameters()
	site := d.User.Site
	c := r.shared(site)
	m := modelOf(d.Model, 1+len(d.Lines))
	provisioning(p, base)
	regional(p, site, c.zone)
	general(p, d, m)
	lines := linesOf(r.dir, d)
	for n := 1; n <= max(m.extensions, len(lines)); n++ {
		if n <= len(lines) {
			usedLine(p, n, d, lines[n-1], c)
		} else {
			unusedLine(p, n)
		}
	}
	for n := 1; n <= m.lineKeys; n++ {
		if n <= len(lines) {
			p.extension(n, "Extension", strconv.Itoa(n))
			p.extension(n, "Short_Name", lines[n-1].short)
		} else { // free for the lamps of monitored lines
			p.extension(n, "Extension", "Disabled")
			p.extension(n, "Short_Name", "")
		}
	}
	return p.bytes()
}

// provisioning says where the phone fetches, and when.
func provisioning(p *parameters, base string) {
	p.set("Provision_Enable", "Yes")
	p.set("Profile_Rule", base+"$MA.xml")
	p.set("Profile_Rule_B", "")
	p.set("Profile_Rule_C", "")
	p.set("Profile_Rule_D", "")
	p.set("Resync_On_Reset", "Yes")
	p.set("Resync_Periodic", "3600")
	p.set("Resync_Random_Delay", "2")
	p.set("Resync_Error_Retry_Delay", "600")
	p.set("Forced_Resync_Delay", "14400")
	p.set("Resync_From_SIP", "Yes")
	p.set("Resync_Fails_On_FNF", "Yes")
	p.set("PRT_Upload_Rule", base+"prt")
	p.set("PRT_Upload_Method", "POST")
}

// regional is the phone's time, language and codes.
func regional(p *parameters, s *directory.Site, z timeZone) {
	p.set("Time_Zone", z.zone)
	p.set("Daylight_Saving_Time_Enable", yes(z.rule != ""))
	p.set("Daylight_Saving_Time_Rule", z.rule)
	locale, name := "en-US", "English"
	if s.Language == directory.French {
		locale, name = "fr-FR", "French"
	}
	p.offer("Locale", locale)
	p.offer("Language_Selection", name)
	codes := s.FeatureCodes
	p.set("Call_Pickup_Code", code(codes.Pickup))
	p.set("Group_Call_Pickup_Code", code(codes.GroupPickup))
	p.set("Call_Park_Code", code(codes.Park))
	p.set("Call_Unpark_Code", code(codes.Unpark))
	p.set("Interdigit_Long_Timer", "10")
	p.set("Interdigit_Short_Timer", "3")
}

// general is what the phone as a whole shows and does.
func general(p *parameters, d *directory.Device, m model) {
	u := d.User
	p.set("Station_Name", u.Name)
	p.set("Station_Display_Name", u.Name)
	p.set("Voice_Mail_Number", code(u.Site.FeatureCodes.Voicemail))
	keys := idleKeys
	if takesGuests(d) {
		keys = guestKeys + keys
	}
	p.set("Programmable_Softkey_Enable", "Yes")
	p.set("Idle_Key_List", keys)
	list := ""
	if len(u.Monitored) > 0 {
		list = MonitoredList + "@" + u.Site.Domain
	}
	p.set("BLF_List_URI", list)
	p.set("BLF_List_Feature_Options", "blf+sd+cp")
	p.set("Use_Line_Keys_For_BLF_List", yes(list != "" && m.lineKeys > 1))
	p.set("Caller_ID_Header", "PAID-RPID-FROM")
}

// MonitoredList is the user part of the URI of a phone's list of monitored lines (RFC 4662).
const MonitoredList = "monitored"

func takesGuests(d *directory.Device) bool { return d.Primary && d.Host != nil && d.Host.Enabled }

// code is a feature's code; one that is off is none.
func code(c string) string {
	if c == directory.FeatureOff {
		return ""
	}
	return c
}

// line is one line of a phone.
type line struct{ user, name, short string }

// linesOf gives the phone's lines, its user's own first.
func linesOf(dir *directory.Directory, d *directory.Device) []line {
	u := d.User
	all := []line{{u.Line(), u.Name, cmp.Or(u.Extension, u.Line())}}
	for _, l := range d.Lines {
		further := line{string(l.Number), string(l.Number), string(l.Number)}
		if owner, ok := dir.UserByNumber(l.Number); ok {
			further.name, further.short = owner.Name, cmp.Or(owner.Extension, further.short)
		}
		all = append(all, further)
	}
	return all
}

// usedLine is a line that the phone registers.
func usedLine(p *parameters, n int, d *directory.Device, l line, c *shared) {
	s := d.User.Site
	first := n == 1
	p.extension(n, "Line_Enable", "Yes")
	p.extension(n, "Share_Ext", "No")
	p.extension(n, "Display_Name", l.name)
	p.extension(n, "User_ID", l.user)
	p.extension(n, "Auth_ID", d.Username)
	p.extension(n, "Password", d.Password.Reveal())
	p.extension(n, "Proxy", s.Domain)
	p.extension(n, "Outbound_Proxy", s.Phones.Proxy)
	p.extension(n, "Use_OB_Proxy_In_Dialog", "Yes")
	p.extension(n, "Register", "Yes")
	p.extension(n, "Register_Expires", "600")
	p.extension(n, "Make_Call_Without_Reg", "No")
	p.extension(n, "Use_DNS_SRV", "No")
	p.extension(n, "SIP_Transport", strings.ToUpper(string(c.transport)))
	secure := "Optional"
	if c.transport == directory.TLS && !s.DirectMedia {
		secure = "Strict"
	}
	p.extension(n, "Secure_Call_Option", secure)
	p.extension(n, "Encryption_Method", "AES 128")
	p.extension(n, "Auth_Resync-Reboot", "Yes")
	p.extension(n, "Auth_INVITE", "No")
	p.extension(n, "NAT_Keep_Alive_Enable", "Yes")
	p.extension(n, "Enable_Broadsoft_Hoteling", yes(first && takesGuests(d)))
	p.extension(n, "Hoteling_Subscription_Expires", "3600")
	p.extension(n, "Feature_Key_Sync", yes(first))
	p.extension(n, "Message_Waiting", "Yes")
	p.extension(n, "Voice_Mail_Server", s.Domain)
	p.extension(n, "Voice_Mail_Subscribe_Interval", "3600")
	p.extension(n, "Mailbox_ID", l.user)
	p.extension(n, "Conference_Bridge_URL", code(s.FeatureCodes.Conference))
	p.extension(n, "Conference_Single_Hardkey", "No")
	p.extension(n, "Dial_Plan", c.dialPlan)
	p.extension(n, "Emergency_Number", c.emergency)
	p.extension(n, "Enable_URI_Dialing", "No")
	p.extension(n, "Preferred_Codec", "G722")
	p.extension(n, "Second_Preferred_Codec", "G711a")
	p.extension(n, "Third_Preferred_Codec", "G711u")
	p.extension(n, "Use_Pref_Codec_Only", "No")
	p.extension(n, "Codec_Negotiation", "List All")
	p.extension(n, "DTMF_Tx_Method", "AVT")
}

// unusedLine takes a line off the phone.
func unusedLine(p *parameters, n int) {
	p.extension(n, "Line_Enable", "No")
	p.extension(n, "Register", "No")
	for _, name := range []string{"Display_Name", "User_ID", "Auth_ID", "Password", "Proxy", "Outbound_Proxy"} {
		p.extension(n, name, "")
	}
	p.extension(n, "Enable_Broadsoft_Hoteling", "No")
}

// transportOf is how the site's phones send SIP.
func transportOf(s *directory.Site, tls bool) directory.Transport {
	switch {
	case s.Phones.Transport != "":
		return s.Phones.Transport
	case tls:
		return directory.TLS
	}
	return directory.UDP
}
