package directory

import (
	"fmt"
	"strings"
)

// maxMonitored is how many lines a phone shows at most.
const maxMonitored = 100

// mailbox checks the line's external mailbox.
func (v *validator) mailbox(u *User, p place) {
	for _, f := range []struct{ name, value string }{{"voicemail", u.Voicemail}, {"voicemail_retrieval", u.VoicemailRetrieval}} {
		if f.value != "" && !isNumberOrURI(f.value) {
			p.fault(f.name, "%q is neither an E.164 number nor a sip, sips or tel URI", f.value)
		}
	}
	if u.Mailbox == "" {
		return
	}
	p.length("mailbox", u.Mailbox, maxText)
	if strings.ContainsAny(u.Mailbox, " <>\";:/") {
		p.fault("mailbox", "%q is not the user part of a SIP URI, perhaps with its host", u.Mailbox)
		return
	}
	p.unique("mailbox", "mailbox", strings.ToLower(u.Mailbox))
}

// monitored checks the lines that the user's phone shows.
func (v *validator) monitored(s *Site, u *User, p place) {
	if len(u.Monitored) > maxMonitored {
		p.fault("monitored", "has %d lines, at most %d can be shown", len(u.Monitored), maxMonitored)
		return
	}
	seen := make(map[string]bool, len(u.Monitored))
	for i, line := range u.Monitored {
		field := fmt.Sprintf("monitored[%d]", i)
		switch {
		case seen[line]:
			p.fault(field, "%q is there already", line)
		case v.lines[Number(line)] == nil && !v.extensionOf(s, line):
			p.fault(field, "%q is neither an extension of the site nor the number of a line", line)
		}
		seen[line] = true
	}
}
