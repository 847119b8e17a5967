package media

import (
	"bytes"
	"fmt"
	"net/netip"
	"strconv"
)

// sdpOrigin is the o= line of one session: its version rises by one when the description changes and only then
// (RFC 3264 §5, §8). The zero value starts at version 1 with session ID 0.
type sdpOrigin struct {
	ID      uint64 // session ID of the o= line
	version uint64
	last    []byte // what followed the o= line last time
}

// stamp puts the o= line in front of what w has written.
func (o *sdpOrigin) stamp(w *sdpWriter) []byte {
	body := w.body.Bytes()
	if o.version == 0 || !bytes.Equal(body, o.last) {
		o.version++
		o.last = bytes.Clone(body)
	}
	head := fmt.Appendf(nil, "v=0\r\no=- %d %d IN %s\r\n", o.ID, o.version, w.addr)
	return append(head, body...)
}

// sdpWriter writes a description from the s= line on.
type sdpWriter struct {
	addr string // "IP4 192.0.2.1"
	body bytes.Buffer
}

func newSDPWriter(local netip.Addr, timing string) *sdpWriter {
	family := "IP4"
	if local.Is6() && !local.Is4In6() {
		family = "IP6"
	}
	w := &sdpWriter{addr: family + " " + local.Unmap().WithZone("").String()}
	fmt.Fprintf(&w.body, "s=-\r\nc=IN %s\r\nt=%s\r\n", w.addr, timing)
	return w
}

// audioLine is an m= line that we accept or offer.
type audioLine struct {
	port     uint16
	proto    string
	payloads []payload
	ptime    int
	dir      Direction
	mux      bool
	keys     []srtpKey
}

func (w *sdpWriter) audio(l audioLine) {
	fmt.Fprintf(&w.body, "m=audio %d %s", l.port, l.proto)
	for _, p := range l.payloads {
		w.body.WriteString(" " + strconv.Itoa(int(p.PT)))
	}
	w.body.WriteString("\r\n")
	for _, p := range l.payloads {
		fmt.Fprintf(&w.body, "a=rtpmap:%d %s\r\n", p.PT, rtpmap(p))
		if p.Codec == TelephoneEvent {
			fmt.Fprintf(&w.body, "a=fmtp:%d 0-15\r\n", p.PT) // the keys of a phone (RFC 4733 §3.2)
		}
	}
	fmt.Fprintf(&w.body, "a=ptime:%d\r\n", l.ptime)
	if l.mux {
		w.body.WriteString("a=rtcp-mux\r\n")
	}
	for _, k := range l.keys {
		w.attr("crypto", k.cryptoLine())
	}
	fmt.Fprintf(&w.body, "a=%s\r\n", l.dir)
}

// rtpmap is the encoding name, clock and channels of a format.
func rtpmap(p payload) string {
	switch p.Codec {
	case TelephoneEvent:
		return fmt.Sprintf("%s/%d", p.Codec, p.Clock)
	case Opus:
		return "opus/48000/2" // always two channels (RFC 7587 §7)
	default:
		return fmt.Sprintf("%s/%d", p.Codec, p.Codec.ClockRate())
	}
}

// refused repeats an m= line with port 0 (RFC 3264 §6).
func (w *sdpWriter) refused(m *mediaLine) {
	fmt.Fprintf(&w.body, "m=%s 0 %s", m.kind, m.proto)
	for _, f := range m.formats {
		w.body.WriteString(" " + f)
	}
	w.body.WriteString("\r\n")
}
