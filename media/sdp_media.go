package media

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// staticPayloads are the formats that need no rtpmap line (RFC 3551 §6).
var staticPayloads = map[uint8]payload{
	0:  {Name: "PCMU", Clock: 8000},
	3:  {Name: "GSM", Clock: 8000},
	4:  {Name: "G723", Clock: 8000},
	8:  {Name: "PCMA", Clock: 8000},
	9:  {Name: "G722", Clock: 8000},
	13: {Name: "CN", Clock: 8000},
	15: {Name: "G728", Clock: 8000},
	18: {Name: "G729", Clock: 8000},
}

// codecOf finds our codec for an encoding name in any case and its clock in SDP. G729a and G729ab are the phones' names
// of G.729; "G722/16000" is a common misreading of RFC 3551 §4.5.2.
func codecOf(name string, clock int) Codec {
	switch strings.ToUpper(name) {
	case "PCMU", "PCMA", "G722", "G729", "G729A", "G729AB", "CN":
		if clock != 8000 && !(clock == 16000 && strings.EqualFold(name, "G722")) {
			return UnknownCodec
		}
	}
	switch strings.ToUpper(name) {
	case "PCMU":
		return PCMU
	case "PCMA":
		return PCMA
	case "G722":
		return G722
	case "G729", "G729A", "G729AB":
		return G729
	case "CN":
		return ComfortNoise
	case "OPUS":
		if clock == 48000 {
			return Opus
		}
	case "TELEPHONE-EVENT":
		if clock > 0 {
			return TelephoneEvent
		}
	}
	return UnknownCodec
}

// profile says whether a transport profile carries plain RTP, and whether it wants SRTP.
func profile(proto string) (plain, secure bool) {
	switch strings.ToUpper(proto) {
	case "RTP/AVP", "RTP/AVPF":
		return true, false
	case "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF":
		return false, true
	default:
		return false, false
	}
}

// remote reads the audio line m of the description.
func (d *description) remote(m *mediaLine) remoteMedia {
	r := remoteMedia{Direction: d.direction(m)}
	host := d.host(m)
	hole := host.IsValid() && host.IsUnspecified() // c=0.0.0.0, the hold of RFC 2543: nothing may be sent there
	if hole {
		r.Direction = direction(r.Direction.Sends(), false)
	}
	r.Hold = !r.Direction.Receives()
	_, r.RTCPMux = m.value("rtcp-mux")
	if sendable(host) && m.port != 0 {
		r.Addr = netip.AddrPortFrom(host, m.port)
		r.RTCP = m.rtcp(r.Addr, r.RTCPMux)
	}
	r.Ptime = m.number("ptime")
	r.MaxPtime = m.number("maxptime")
	r.Keys = m.keys()
	for _, p := range m.payloads() {
		if p.Codec == TelephoneEvent {
			r.Events = append(r.Events, p)
		} else {
			r.Codecs = append(r.Codecs, p)
		}
	}
	return r
}

// direction is the line's own attribute, else the session's, else sendrecv (RFC 8866 §6.7).
func (d *description) direction(m *mediaLine) Direction {
	switch {
	case m.hasDir:
		return m.dir
	case d.common.hasDir:
		return d.common.dir
	default:
		return SendRecv
	}
}

// host is the line's own address, else the session's; the address of the o= line helps a peer that forgot c= altogether.
func (d *description) host(m *mediaLine) netip.Addr {
	switch {
	case m.hasC:
		return m.conn
	case d.common.hasC:
		return d.common.conn
	default:
		return d.origin
	}
}

// sendable says whether packets may be sent to an address: never to a group or to everybody.
func sendable(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsMulticast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

// rtcp is where the line wants RTCP: the RTP port when multiplexed, what a=rtcp says (RFC 3605 §2.1), else the next port.
func (m *mediaLine) rtcp(rtp netip.AddrPort, mux bool) netip.AddrPort {
	if mux {
		return rtp
	}
	if v, ok := m.value("rtcp"); ok {
		f := strings.Fields(v)
		if len(f) > 0 {
			if port, err := strconv.ParseUint(f[0], 10, 16); err == nil && port != 0 {
				host := rtp.Addr()
				if len(f) >= 4 {
					if a := parseHost(f[3]); sendable(a) {
						host = a
					}
				}
				return netip.AddrPortFrom(host, uint16(port))
			}
		}
	}
	if rtp.Port() == 65535 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(rtp.Addr(), rtp.Port()+1)
}

// number reads an attribute of whole milliseconds; "20.0" counts, nonsense is 0.
func (m *mediaLine) number(key string) int {
	v, _ := m.value(key)
	v, _, _ = strings.Cut(v, ".")
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < 0 || n > 10000 {
		return 0
	}
	return n
}

// payloads reads the formats of the line in their order; a number that is no payload type or comes twice is left out.
func (m *mediaLine) payloads() []payload {
	var ps []payload
	for _, f := range m.formats {
		n, err := strconv.ParseUint(f, 10, 7)
		if err != nil || slices.ContainsFunc(ps, func(p payload) bool { return p.PT == uint8(n) }) {
			continue
		}
		p := staticPayloads[uint8(n)]
		p.PT = uint8(n)
		ps = append(ps, p)
	}
	for _, a := range m.attrs {
		gap := strings.IndexAny(a.value, " \t")
		if gap < 0 || a.key != "rtpmap" && a.key != "fmtp" {
			continue
		}
		rest := strings.TrimSpace(a.value[gap:])
		n, err := strconv.ParseUint(a.value[:gap], 10, 7)
		i := slices.IndexFunc(ps, func(p payload) bool { return p.PT == uint8(n) })
		if err != nil || i < 0 {
			continue
		}
		if a.key == "fmtp" {
			ps[i].Fmtp = rest
			continue
		}
		f := strings.Split(rest, "/")
		ps[i].Name, ps[i].Clock = f[0], 8000
		if len(f) > 1 {
			ps[i].Clock, _ = strconv.Atoi(strings.TrimSpace(f[1])) // 0 fits no codec of ours
		}
		if len(f) > 2 && f[2] != "1" && !strings.EqualFold(f[0], "opus") {
			ps[i].Clock = 0 // stereo G.711 is another format
		}
	}
	for i := range ps {
		ps[i].Codec = codecOf(ps[i].Name, ps[i].Clock)
	}
	return ps
}
