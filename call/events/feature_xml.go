package events

import (
	"bytes"
	"fmt"
	"strconv"

	"passerelle/internal/bodyxml"
)

// FeatureType is the media type of one feature's state.
const FeatureType = "application/x-as-feature-event+xml"

const (
	csta            = "http://www.ecma-international.org/standards/ecma-323/csta/ed3"
	featureBoundary = "passerelle-features" // in no document, which are ours
	ringSeconds     = 6                     // phones count rings
	maxRings        = 100
)

// doc is a feature that a NOTIFY tells of.
type doc int

const (
	docDoNotDisturb doc = iota
	docForward          // and the kinds behind it
	docs            = docForward + forwardKinds
)

// differs reports whether a feature is different in two states.
func (d doc) differs(a, b *Features) bool {
	if d == docDoNotDisturb {
		return a.DoNotDisturb != b.DoNotDisturb
	}
	k := d - docForward
	return a.Forwards[k] != b.Forwards[k]
}

// write writes the document of a feature. device is the line, which phones leave unread.
func (d doc) write(f *Features, device string) []byte {
	var b bytes.Buffer
	b.WriteString("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n")
	if d == docDoNotDisturb {
		fmt.Fprintf(&b, "<DoNotDisturbEvent xmlns=\"%s\">\n  <device>%s</device>\n  <doNotDisturbOn>%t</doNotDisturbOn>\n</DoNotDisturbEvent>\n",
			csta, bodyxml.Text(device), f.DoNotDisturb)
		return b.Bytes()
	}
	k := ForwardKind(d - docForward)
	w := f.Forwards[k]
	fmt.Fprintf(&b, "<ForwardingEvent xmlns=\"%s\">\n  <device>%s</device>\n  <forwardingType>%s</forwardingType>\n  <forwardStatus>%t</forwardStatus>\n",
		csta, bodyxml.Text(device), k, w.Active)
	if w.Target != "" {
		fmt.Fprintf(&b, "  <forwardTo>%s</forwardTo>\n", bodyxml.Text(w.Target))
	}
	if k == ForwardNoAnswer && w.Seconds > 0 {
		b.WriteString("  <ringCount>" + strconv.Itoa(ringsOf(w.Seconds)) + "</ringCount>\n")
	}
	b.WriteString("</ForwardingEvent>\n")
	return b.Bytes()
}

// featureBody puts documents into one body: one as it is, several as parts of a multipart/mixed.
func featureBody(f *Features, device string, which []doc) (contentType string, body []byte) {
	if len(which) == 1 {
		return FeatureType, which[0].write(f, device)
	}
	var b bytes.Buffer
	for _, d := range which {
		part := d.write(f, device)
		fmt.Fprintf(&b, "--%s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n", featureBoundary, FeatureType, len(part), part)
	}
	b.WriteString("--" + featureBoundary + "--\r\n")
	return "multipart/mixed;boundary=" + featureBoundary, b.Bytes()
}

func ringsOf(seconds int) int { return min(max((seconds+ringSeconds/2)/ringSeconds, 1), maxRings) }
