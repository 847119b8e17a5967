package trunks

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// SRV is a server of a service (RFC 2782).
type SRV struct {
	Target           string // host name without the last dot; empty means that there is no such service
	Port             uint16
	Priority, Weight uint16
}

// recordType is the type of a DNS record (RFC 1035 §3.2.2, RFC 3596, RFC 2782).
type recordType uint16

const (
	typeA    recordType = 1
	typeAAAA recordType = 28
	typeSRV  recordType = 33
)

// records are the answers to a question.
type records struct {
	addrs []netip.Addr
	srv   []SRV
	ttl   time.Duration // the least of the answers
}

const (
	dnsHeader   = 12
	dnsPointers = 16 // that a name may follow
	classIN     = 1
	codeNoName  = 3 // NXDOMAIN
)

// question writes a recursive question (RFC 1035 §4.1).
func question(id uint16, name string, typ recordType) ([]byte, error) {
	b := make([]byte, dnsHeader, 64)
	binary.BigEndian.PutUint16(b, id)
	b[2] = 1 // recursion desired
	b[5] = 1 // one question
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 {
			return nil, fmt.Errorf("%q is no domain name", name)
		}
		b = append(b, byte(len(label)))
		b = append(b, label...)
	}
	b = append(b, 0)
	if len(b)-dnsHeader > 255 {
		return nil, fmt.Errorf("%q is too long for a domain name", name)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(typ))
	return binary.BigEndian.AppendUint16(b, classIN), nil
}

// answers reads the answer to a question. ErrNoRecords means that there are none.
func answers(b, asked []byte, typ recordType) (records, error) {
	if len(b) < len(asked) || b[0] != asked[0] || b[1] != asked[1] || b[2]&0x80 == 0 || binary.BigEndian.Uint16(b[4:]) != 1 ||
		!strings.EqualFold(string(b[dnsHeader:len(asked)]), string(asked[dnsHeader:])) {
		return records{}, errBadDNS // to another question
	}
	if b[2]&0x02 != 0 {
		return records{}, errTruncated
	}
	switch code := b[3] & 0x0f; code {
	case 0:
	case codeNoName:
		return records{}, ErrNoRecords
	default:
		return records{}, fmt.Errorf("the name server answers with code %d", code)
	}
	r := records{ttl: -1}
	at := len(asked)
	for range binary.BigEndian.Uint16(b[6:]) {
		next, ok := r.take(b, at, typ)
		if !ok {
			return records{}, errBadDNS
		}
		at = next
	}
	if len(r.addrs)+len(r.srv) == 0 {
		return records{}, ErrNoRecords
	}
	return r, nil
}

// take reads the record at an offset and returns the offset of the next one. Records of other types, such as the aliases on
// the way, count by their TTL only.
func (r *records) take(b []byte, at int, typ recordType) (next int, ok bool) {
	_, at, ok = readName(b, at)
	if !ok || at+10 > len(b) {
		return 0, false
	}
	kind, class := recordType(binary.BigEndian.Uint16(b[at:])), binary.BigEndian.Uint16(b[at+2:])
	ttl := time.Duration(binary.BigEndian.Uint32(b[at+4:])&0x7fffffff) * time.Second
	start := at + 10
	next = start + int(binary.BigEndian.Uint16(b[at+8:]))
	if next > len(b) {
		return 0, false
	}
	if r.ttl < 0 || ttl < r.ttl {
		r.ttl = ttl
	}
	if kind != typ || class != classIN {
		return next, true
	}
	data := b[start:next]
	if typ != typeSRV {
		a, isAddr := netip.AddrFromSlice(data)
		if !isAddr || a.Is4() != (typ == typeA) {
			return 0, false
		}
		r.addrs = append(r.addrs, a.Unmap())
		return next, true
	}
	if len(data) < 7 {
		return 0, false
	}
	target, _, ok := readName(b, start+6)
	if !ok {
		return 0, false
	}
	r.srv = append(r.srv, SRV{
		Priority: binary.BigEndian.Uint16(data), Weight: binary.BigEndian.Uint16(data[2:]), Port: binary.BigEndian.Uint16(data[4:]), Target: target,
	})
	return next, true
}

// readName reads a name that may be compressed (RFC 1035 §4.1.4), and returns the offset behind it.
func readName(b []byte, at int) (name string, next int, ok bool) {
	var labels []string
	length, jumped := 0, 0
	for {
		if at >= len(b) {
			return "", 0, false
		}
		n := int(b[at])
		switch {
		case n == 0:
			if jumped == 0 {
				next = at + 1
			}
			return strings.Join(labels, "."), next, true
		case n&0xc0 == 0xc0:
			if at+1 >= len(b) || jumped >= dnsPointers {
				return "", 0, false
			}
			if jumped == 0 {
				next = at + 2
			}
			jumped++
			at = (n&0x3f)<<8 | int(b[at+1])
		case n > 63 || at+1+n > len(b):
			return "", 0, false
		default:
			if length += n + 1; length > 254 {
				return "", 0, false
			}
			labels = append(labels, string(b[at+1:at+1+n]))
			at += 1 + n
		}
	}
}
