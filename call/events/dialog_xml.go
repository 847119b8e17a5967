package events

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"passerelle/internal/bodyxml"
)

// DialogType is the media type of the state of a line's calls (RFC 4235 §6.1).
const DialogType = "application/dialog-info+xml"

// dialogInfo writes the calls of a line (RFC 4235 §4). entity is the URI that was subscribed to.
func dialogInfo(version uint32, full bool, entity string, dialogs []Dialog, now time.Time) []byte {
	var b bytes.Buffer
	state := "partial"
	if full {
		state = "full"
	}
	b.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	fmt.Fprintf(&b, `<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="%d" state="%s" entity="%s"`, version, state, bodyxml.Text(entity))
	if len(dialogs) == 0 {
		b.WriteString("/>\n")
		return b.Bytes()
	}
	b.WriteString(">\n")
	for i := range dialogs {
		writeDialog(&b, &dialogs[i], now)
	}
	b.WriteString("</dialog-info>\n")
	return b.Bytes()
}

func writeDialog(b *bytes.Buffer, d *Dialog, now time.Time) {
	b.WriteString("  <dialog")
	for _, a := range [...]struct{ name, value string }{
		{"id", d.ID}, {"call-id", d.CallID}, {"local-tag", d.LocalTag}, {"remote-tag", d.RemoteTag}, {"direction", string(d.Direction)},
	} {
		if a.value != "" {
			fmt.Fprintf(b, ` %s="%s"`, a.name, bodyxml.Text(a.value))
		}
	}
	b.WriteString(">\n    <state")
	if d.State == Terminated && d.Event != "" {
		fmt.Fprintf(b, ` event="%s"`, d.Event)
	}
	if d.State == Terminated && d.Code != 0 {
		fmt.Fprintf(b, ` code="%d"`, d.Code)
	}
	fmt.Fprintf(b, ">%s</state>\n", d.State)
	if !d.Since.IsZero() {
		b.WriteString("    <duration>" + strconv.Itoa(max(0, int(now.Sub(d.Since)/time.Second))) + "</duration>\n")
	}
	writeParticipant(b, "local", d.Local)
	writeParticipant(b, "remote", d.Remote)
	b.WriteString("  </dialog>\n")
}

func writeParticipant(b *bytes.Buffer, side string, p Participant) {
	if p.URI == "" {
		return
	}
	fmt.Fprintf(b, "    <%s>\n      <identity", side)
	if p.Display != "" {
		fmt.Fprintf(b, ` display="%s"`, bodyxml.Text(p.Display))
	}
	target := p.Target
	if target == "" {
		target = p.URI
	}
	fmt.Fprintf(b, ">%s</identity>\n      <target uri=\"%s\"", bodyxml.Text(p.URI), bodyxml.Text(target))
	if p.Held {
		b.WriteString(">\n        <param pname=\"+sip.rendering\" pval=\"no\"/>\n      </target>\n")
	} else {
		b.WriteString("/>\n")
	}
	fmt.Fprintf(b, "    </%s>\n", side)
}
