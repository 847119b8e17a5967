package media

import (
	"fmt"
	"strconv"
)

// relayLine is an m= line of ours towards one peer, made of what another peer says.
type relayLine struct {
	kind    string
	proto   string
	port    uint16
	formats []relayFormat
	fixed   []string // formats of a line that is not RTP
	attrs   []attribute
	bands   []string
	dir     Direction
	mux     bool
	keys    []srtpKey // offered, or the one chosen
}

func (w *sdpWriter) relayed(l *relayLine) {
	fmt.Fprintf(&w.body, "m=%s %d %s", l.kind, l.port, l.proto)
	for _, f := range l.formats {
		w.body.WriteString(" " + strconv.Itoa(int(f.pt)))
	}
	for _, f := range l.fixed {
		w.body.WriteString(" " + f)
	}
	if len(l.formats)+len(l.fixed) == 0 {
		w.body.WriteString(" 0") // a refused line still needs one
	}
	w.body.WriteString("\r\n")
	if l.port == 0 {
		return
	}
	for _, b := range l.bands {
		w.line('b', b)
	}
	for _, f := range l.formats {
		w.format(f)
	}
	for _, a := range l.attrs {
		w.attr(a.name, a.value)
	}
	if l.mux {
		w.attr("rtcp-mux", "")
	}
	for _, k := range l.keys {
		w.attr("crypto", k.cryptoLine())
	}
	if len(l.fixed) == 0 {
		w.attr(l.dir.String(), "")
	}
}

// format writes the attributes of one format.
func (w *sdpWriter) format(f relayFormat) {
	number := strconv.Itoa(int(f.pt)) + " "
	if f.name != "" {
		mapping := f.name + "/" + strconv.Itoa(f.clock)
		if f.chans != "" {
			mapping += "/" + f.chans
		}
		w.attr("rtpmap", number+mapping)
	}
	if f.fmtp != "" {
		w.attr("fmtp", number+f.fmtp)
	}
	for _, a := range f.more {
		w.attr(a.name, number+a.value)
	}
}

func (w *sdpWriter) attr(name, value string) {
	if value != "" {
		name += ":" + value
	}
	w.line('a', name)
}

func (w *sdpWriter) line(kind byte, value string) {
	w.body.WriteByte(kind)
	w.body.WriteString("=" + value + "\r\n")
}
