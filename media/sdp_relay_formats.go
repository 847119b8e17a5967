package media

import (
	"slices"
	"strings"
)

// canonical is the encoding name without the phones' own names of it.
func canonical(name string) string {
	name = strings.ToUpper(name)
	if name == "G729A" || name == "G729AB" {
		return "G729"
	}
	return name
}

// same reports whether two descriptions mean the same encoding, parameters aside.
func (f relayFormat) same(o relayFormat) bool {
	if f.name == "" || o.name == "" {
		return f.name == o.name && f.pt == o.pt
	}
	return canonical(f.name) == canonical(o.name) && f.clock == o.clock && f.chans == o.chans
}

// parameter is one "name=value" of a format's parameters.
func (f relayFormat) parameter(name string) string {
	for p := range strings.SplitSeq(f.fmtp, ";") {
		if n, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// find looks for the format among those of another description: the same number, else the same parameters, else, for
// encodings of which a peer names several, the same packetization (RFC 6184 §8.2.2), else the same encoding.
func (f relayFormat) find(among []relayFormat) int {
	by := func(fits func(o relayFormat) bool) int {
		return slices.IndexFunc(among, func(o relayFormat) bool { return f.same(o) && fits(o) })
	}
	if i := by(func(o relayFormat) bool { return o.pt == f.pt }); i >= 0 {
		return i
	}
	if i := by(func(o relayFormat) bool { return o.fmtp == f.fmtp }); i >= 0 {
		return i
	}
	for _, name := range []string{"packetization-mode", "octet-align"} {
		v := f.parameter(name)
		i := by(func(o relayFormat) bool { return o.parameter(name) == v })
		if v != "" || slices.ContainsFunc(among, func(o relayFormat) bool { return f.same(o) && o.parameter(name) != "" }) {
			return i
		}
	}
	return by(func(relayFormat) bool { return true })
}

// g711 is the other law of a format that is one of G.711, and UnknownCodec for any other format.
func (f relayFormat) otherLaw() Codec {
	switch f.codec() {
	case PCMU:
		return PCMA
	case PCMA:
		return PCMU
	default:
		return UnknownCodec
	}
}

// findLaw looks for a format of this codec.
func findLaw(among []relayFormat, c Codec) int {
	if c == UnknownCodec {
		return -1
	}
	return slices.IndexFunc(among, func(f relayFormat) bool { return f.codec() == c })
}

// withBothLaws appends the law of G.711 that is missing beside the other one, since we can make either of the other.
func withBothLaws(fs []relayFormat) []relayFormat {
	u, a := findLaw(fs, PCMU), findLaw(fs, PCMA)
	switch {
	case u >= 0 && a < 0:
		return append(slices.Clip(fs), lawFormat(PCMA))
	case a >= 0 && u < 0:
		return append(slices.Clip(fs), lawFormat(PCMU))
	default:
		return fs
	}
}

// lawFormat is a law of G.711 under its static number.
func lawFormat(c Codec) relayFormat {
	f := relayFormat{pt: 0, name: c.String(), clock: c.ClockRate()}
	if c == PCMA {
		f.pt = 8
	}
	return f
}

// renumber gives formats of another peer the numbers that they have in this dialog already, since a number never changes
// its meaning (RFC 3264 §8.3.2), and else their own where it is free.
func renumber(fs, known []relayFormat) []relayFormat {
	out := make([]relayFormat, 0, len(fs))
	for _, f := range fs {
		i := f.find(known)
		if i >= 0 && numbered(out, known[i].pt) < 0 {
			f.pt = known[i].pt
			out = append(out, f)
			continue
		}
		pt, ok := freeNumber(f.pt, known, out)
		if !ok {
			continue
		}
		f.pt = pt
		out = append(out, f)
	}
	return out
}

// freeNumber is the wished number, or the first dynamic one that nothing has.
func freeNumber(wish uint8, known, taken []relayFormat) (uint8, bool) {
	for n := range 33 {
		pt := wish
		if n > 0 {
			pt = uint8(95 + n)
		}
		if numbered(known, pt) < 0 && numbered(taken, pt) < 0 {
			return pt, true
		}
	}
	return 0, false
}

// remember adds formats to those that have had a number in the dialog.
func remember(known, fs []relayFormat) []relayFormat {
	for _, f := range fs {
		if i := numbered(known, f.pt); i < 0 {
			known = append(known, f)
		} else {
			known[i] = f // its latest parameters
		}
	}
	return known
}

// narrow keeps the formats of an answer that an offer has too, in the answer's order and with the offer's numbers and
// parameters of the answer: what the peer who offered is told that the other one takes. When they have no sound in common,
// the other law of G.711 stands in.
func narrow(answer, offer []relayFormat) []relayFormat {
	var out []relayFormat
	sound := false
	for _, f := range answer {
		if i := f.find(offer); i >= 0 && numbered(out, offer[i].pt) < 0 {
			f.pt = offer[i].pt
			out = append(out, f)
			sound = sound || f.sounds()
		}
	}
	if sound {
		return out
	}
	for _, f := range answer {
		if i := findLaw(offer, f.otherLaw()); i >= 0 {
			return append([]relayFormat{offer[i]}, out...)
		}
	}
	return nil
}
