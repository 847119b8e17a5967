package media

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// relayMedia is what one m= line of a peer says, kept so that it can be said to another one.
type relayMedia struct {
	kind    string // "audio", "video", …
	proto   string // as written
	port    uint16 // 0: refused or removed
	raw     bool   // datagrams that are not RTP, such as T.38 (RFC 7345 §3)
	addr    netip.AddrPort
	rtcp    netip.AddrPort
	mux     bool
	dir     Direction // with c=0.0.0.0 taken into account
	formats []relayFormat
	fixed   []string    // formats of a raw line, as written
	attrs   []attribute // of the line as a whole
	bands   []string
	keys    []srtpKey // of the a=crypto lines that can be served, in order
}

// usable reports whether the line is one that packets can be relayed for.
func (m *relayMedia) usable() bool {
	return m.port != 0 && (m.raw || len(m.formats) > 0)
}

// feedback reports whether the peer takes this RTCP feedback for some format (RFC 4585 §4.2).
func (m *relayMedia) feedback(what string) bool {
	has := func(a attribute) bool { return a.key == "rtcp-fb" && strings.Contains(strings.ToLower(a.value), what) }
	return slices.ContainsFunc(m.attrs, has) ||
		slices.ContainsFunc(m.formats, func(f relayFormat) bool { return slices.ContainsFunc(f.more, has) })
}

// relayable says what a transport profile carries: RTP, plain or secured by SDES, or datagrams of T.38.
func relayable(proto string) (rtp, secure, raw bool) {
	switch strings.ToUpper(proto) {
	case "RTP/AVP", "RTP/AVPF":
		return true, false, false
	case "RTP/SAVP", "RTP/SAVPF":
		return true, true, false
	case "UDPTL":
		return false, false, true
	default:
		return false, false, false
	}
}

// notPassed are the attributes that are between a peer and us. The rest of them is passed on, known or not.
var notPassed = map[string]bool{
	// Ours are written where the line is.
	"crypto": true, "rtcp": true, "rtcp-mux": true, "rtcp-mux-only": true, "rtcp-rsize": true, "key-mgmt": true,
	// Sources get an SSRC of ours, on ports of ours.
	"ssrc": true, "ssrc-group": true, "msid": true, "msid-semantic": true, "group": true, "mid": true, "bundle-only": true, "rid": true,
	"simulcast": true,
	// Addresses and other roads (RFC 8839, RFC 4145, RFC 8122).
	"candidate": true, "remote-candidates": true, "end-of-candidates": true, "ice-ufrag": true, "ice-pwd": true, "ice-options": true,
	"ice-lite": true, "ice-mismatch": true, "ice-pacing": true, "alt": true, "setup": true, "connection": true, "fingerprint": true,
	"tls-id": true, "zrtp-hash": true, "direction": true, "source-filter": true, "x-nat": true,
	// Alternatives that nobody here takes up (RFC 5939).
	"tcap": true, "acap": true, "pcfg": true, "acfg": true, "csup": true, "creq": true,
	// What names a person or a program.
	"tool": true, "identity": true,
}

// relayMedia reads the m= line with this index.
func (d *description) relayMedia(i int) relayMedia {
	m := &d.media[i]
	r := relayMedia{kind: m.kind, proto: m.proto, port: m.port, dir: d.direction(m), bands: m.bands}
	rtp, _, raw := relayable(m.proto)
	if !rtp && !raw {
		r.port = 0
	}
	host := d.host(m)
	if host.IsValid() && host.IsUnspecified() { // the hold of RFC 2543
		r.dir = direction(r.dir.Sends(), false)
	}
	_, r.mux = m.value("rtcp-mux")
	if sendable(host) && m.port != 0 {
		r.addr = netip.AddrPortFrom(host, m.port)
		r.rtcp = m.rtcp(r.addr, r.mux)
	}
	if raw {
		r.raw, r.fixed, r.mux = true, m.formats, false
	} else {
		r.formats = readFormats(m)
	}
	r.keys = m.keys()
	for _, a := range m.attrs {
		switch {
		case notPassed[a.key] || !raw && ofFormat(a):
		default:
			r.attrs = append(r.attrs, a)
		}
	}
	return r
}

// formatAttributes begin their value with a payload type.
var formatAttributes = map[string]bool{"rtpmap": true, "fmtp": true, "rtcp-fb": true, "imageattr": true}

// ofFormat reports whether the attribute is about one format and not, by "*", about all of them.
func ofFormat(a attribute) bool { return formatAttributes[a.key] && !strings.HasPrefix(a.value, "*") }

// relayFormat is one RTP payload format of an m= line.
type relayFormat struct {
	pt    uint8
	name  string // encoding name as written; empty for a number that nobody explained
	clock int    // Hz; 0 when not told
	chans string // channels when there are several
	fmtp  string
	more  []attribute // further attributes of the format, their value without the number
}

// readFormats reads the formats of a line in their order, each number once.
func readFormats(m *mediaLine) []relayFormat {
	var fs []relayFormat
	for _, text := range m.formats {
		n, err := strconv.ParseUint(text, 10, 7)
		if err != nil || numbered(fs, uint8(n)) >= 0 {
			continue
		}
		static := staticPayloads[uint8(n)]
		fs = append(fs, relayFormat{pt: uint8(n), name: static.Name, clock: static.Clock})
	}
	for _, a := range m.attrs {
		if !ofFormat(a) {
			continue
		}
		number, rest, _ := strings.Cut(strings.Replace(a.value, "\t", " ", 1), " ")
		n, err := strconv.ParseUint(number, 10, 7)
		i := numbered(fs, uint8(n))
		if err != nil || i < 0 {
			continue
		}
		f := &fs[i]
		rest = strings.TrimSpace(rest)
		switch a.key {
		case "fmtp":
			f.fmtp = rest
		case "rtpmap":
			f.name, f.clock, f.chans = readRtpmap(rest)
		default:
			f.more = append(f.more, attribute{a.name, a.key, rest})
		}
	}
	return slices.DeleteFunc(fs, relayFormat.repairs)
}

// readRtpmap reads "name/clock[/channels]".
func readRtpmap(s string) (name string, clock int, chans string) {
	f := strings.Split(s, "/")
	if len(f) > 1 {
		if n, err := strconv.ParseUint(strings.TrimSpace(f[1]), 10, 31); err == nil {
			clock = int(n)
		}
	}
	if len(f) > 2 && f[2] != "1" {
		chans = strings.TrimSpace(f[2])
	}
	return strings.TrimSpace(f[0]), clock, chans
}

func numbered(fs []relayFormat, pt uint8) int {
	return slices.IndexFunc(fs, func(f relayFormat) bool { return f.pt == pt })
}

// codec is the format as one of those known here.
func (f relayFormat) codec() Codec {
	if f.chans != "" && !strings.EqualFold(f.name, "opus") {
		return UnknownCodec
	}
	return codecOf(f.name, f.clock)
}

// sounds reports whether the format carries the media itself, and not keys or comfort noise beside it.
func (f relayFormat) sounds() bool { return isSound(f.codec()) }

// repairs reports whether the format repairs another one by its sequence numbers, which do not survive being relayed
// (RFC 4588, RFC 5109, RFC 8627).
func (f relayFormat) repairs() bool {
	switch name := strings.ToLower(f.name); name {
	case "rtx", "ulpfec", "parityfec":
		return true
	case "red": // wraps ULPFEC; redundant text and sound refer to timestamps (RFC 2198), so they pass
		return f.clock == 90000
	default:
		return strings.HasPrefix(name, "flexfec") || strings.HasSuffix(name, "-parityfec")
	}
}
