package softphone

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Direction is the direction attribute of a media line (RFC 3264 §5.1), as its author sees it.
type Direction int

// The directions; SendRecv is the default.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

var directionNames = [...]string{"sendrecv", "sendonly", "recvonly", "inactive"}

// String is the SDP attribute.
func (d Direction) String() string { return directionNames[d] }

// reverse is the direction as the other side sees it.
func (d Direction) reverse() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	default:
		return d
	}
}

func (d Direction) sends() bool    { return d == SendRecv || d == SendOnly }
func (d Direction) receives() bool { return d == SendRecv || d == RecvOnly }

// localSDP is what we say of our media.
type localSDP struct {
	id, version uint64
	addr        netip.AddrPort // of the RTP socket
	codecs      []Codec
	events      uint8 // payload type of telephone-event; 0 = none
	ptime       time.Duration
	direction   Direction
	zeroAddr    bool // c=0.0.0.0, the hold of RFC 2543
	mediaLevel  bool // c= in the media line instead of the session
	video       bool // offer video, as an 8865 does
	profile     string
	offer       *remoteSDP // what we answer; nil when we offer
}

// String is the session description (RFC 4566, RFC 3264).
func (l localSDP) String() string {
	var b strings.Builder
	family := "IP4"
	if l.addr.Addr().Is6() {
		family = "IP6"
	}
	shown := l.addr.Addr()
	if l.zeroAddr {
		shown = netip.IPv4Unspecified()
	}
	c := fmt.Sprintf("c=IN %s %s\r\n", family, shown)
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN %s %s\r\ns=-\r\n", l.id, l.version, family, l.addr.Addr())
	if !l.mediaLevel {
		b.WriteString(c)
	}
	b.WriteString("t=0 0\r\n")
	if !l.mediaLevel {
		c = ""
	}
	if l.offer == nil {
		l.writeAudio(&b, c)
		if l.video {
			fmt.Fprintf(&b, "m=video %d RTP/AVP 100 126\r\n%sb=TIAS:1500000\r\n", l.addr.Port()+2, c)
			b.WriteString("a=rtpmap:100 H264/90000\r\na=fmtp:100 profile-level-id=428016;packetization-mode=1;level-asymmetry-allowed=1\r\n" +
				"a=rtpmap:126 H264/90000\r\na=fmtp:126 profile-level-id=428016;packetization-mode=0;level-asymmetry-allowed=1\r\n" +
				"a=rtcp-fb:* nack pli\r\na=rtcp-fb:* ccm fir\r\na=sendrecv\r\n")
		}
		return b.String()
	}
	for i, line := range l.offer.lines {
		if i == l.offer.audioLine {
			l.writeAudio(&b, c)
			continue
		}
		fields := strings.Fields(line)
		fmt.Fprintf(&b, "m=%s 0 %s\r\n%s", fields[0], strings.Join(fields[2:], " "), c)
	}
	return b.String()
}

func (l localSDP) writeAudio(b *strings.Builder, c string) {
	fmt.Fprintf(b, "m=audio %d %s", l.addr.Port(), cmp.Or(l.profile, "RTP/AVP"))
	for _, k := range l.codecs {
		fmt.Fprintf(b, " %d", int(k))
	}
	if l.events != 0 {
		fmt.Fprintf(b, " %d", l.events)
	}
	b.WriteString("\r\n" + c)
	for _, k := range l.codecs {
		fmt.Fprintf(b, "a=rtpmap:%d %s/8000\r\n", int(k), k)
	}
	if l.events != 0 {
		fmt.Fprintf(b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", l.events, l.events)
	}
	if l.ptime > 0 {
		fmt.Fprintf(b, "a=ptime:%d\r\n", l.ptime.Milliseconds())
	}
	fmt.Fprintf(b, "a=%s\r\n", l.direction)
}

// remoteSDP is what the peer says of its media.
type remoteSDP struct {
	lines     []string // the m= lines without "m="
	audioLine int      // index in lines; -1 = none that is open
	profile   string
	addr      netip.AddrPort // of its RTP; the address is unspecified for the hold of RFC 2543
	codecs    []Codec        // those we speak, in the peer's order
	events    uint8          // payload type of telephone-event; 0 = none
	ptime     time.Duration  // what it wants to receive; 0 = not said
	direction Direction
}

// section is the session part or one media part of a description, while it is read.
type section struct {
	conn      netip.Addr
	direction Direction
	ptime     time.Duration
	names     map[uint8]string // encoding name by payload type
}

// parseSDP reads the first open audio line. It takes c= at either level and skips what it does not know.
func parseSDP(body []byte) (*remoteSDP, error) {
	r := &remoteSDP{audioLine: -1}
	session := section{names: map[uint8]string{}}
	var audio, cur *section = nil, &session
	var formats []string
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n")
		kind, value, ok := strings.Cut(line, "=")
		switch {
		case line == "":
		case !ok || len(kind) != 1:
			return nil, fmt.Errorf("%w: SDP line without a type", ErrMalformed)
		case kind == "m":
			fields := strings.Fields(value)
			if len(fields) < 4 {
				return nil, fmt.Errorf("%w: SDP media line has %d fields", ErrMalformed, len(fields))
			}
			r.lines = append(r.lines, value)
			cur = &section{conn: session.conn, direction: session.direction, ptime: session.ptime, names: map[uint8]string{}}
			port, err := strconv.ParseUint(fields[1], 10, 16)
			if err != nil {
				return nil, fmt.Errorf("%w: SDP port %q", ErrMalformed, fields[1])
			}
			if fields[0] == "audio" && port != 0 && r.audioLine < 0 {
				audio, formats = cur, fields[3:]
				r.audioLine, r.profile = len(r.lines)-1, fields[2]
				r.addr = netip.AddrPortFrom(netip.Addr{}, uint16(port))
			}
		default:
			cur.read(kind, value)
		}
	}
	if len(r.lines) == 0 {
		return nil, fmt.Errorf("%w: SDP without media", ErrMalformed)
	}
	if audio == nil {
		return r, nil
	}
	if !audio.conn.IsValid() {
		return nil, fmt.Errorf("%w: SDP audio without a connection address", ErrMalformed)
	}
	r.addr = netip.AddrPortFrom(audio.conn, r.addr.Port())
	r.direction, r.ptime = audio.direction, audio.ptime
	r.readFormats(formats, audio.names)
	return r, nil
}

func (s *section) read(kind, value string) {
	switch kind {
	case "c":
		if f := strings.Fields(value); len(f) == 3 {
			host, _, _ := strings.Cut(f[2], "/")
			if a, err := netip.ParseAddr(host); err == nil {
				s.conn = a.Unmap()
			}
		}
	case "a":
		name, rest, _ := strings.Cut(value, ":")
		switch name {
		case "ptime":
			if n := seconds(rest); n > 0 {
				s.ptime = time.Duration(n) * time.Millisecond
			}
		case "rtpmap":
			pt, enc, _ := strings.Cut(rest, " ")
			if n, err := strconv.ParseUint(pt, 10, 7); err == nil {
				s.names[uint8(n)] = strings.ToUpper(strings.TrimSpace(enc))
			}
		default:
			if d := slices.Index(directionNames[:], name); d >= 0 {
				s.direction = Direction(d)
			}
		}
	}
}

func (r *remoteSDP) readFormats(formats []string, names map[uint8]string) {
	for _, f := range formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		pt := uint8(n)
		switch name := names[pt]; {
		case pt == uint8(PCMU) && (name == "" || strings.HasPrefix(name, "PCMU/8000")):
			r.codecs = append(r.codecs, PCMU)
		case pt == uint8(PCMA) && (name == "" || strings.HasPrefix(name, "PCMA/8000")):
			r.codecs = append(r.codecs, PCMA)
		case strings.HasPrefix(name, "TELEPHONE-EVENT/8000") && r.events == 0:
			r.events = pt
		}
	}
}

// common are the codecs of ours that the peer speaks too, in the peer's order.
func (r *remoteSDP) common(ours []Codec) []Codec {
	var out []Codec
	for _, c := range r.codecs {
		if slices.Contains(ours, c) {
			out = append(out, c)
		}
	}
	return out
}
