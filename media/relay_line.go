package media

import "slices"

// sideLine is one m= line of a side's dialog. It keeps its place in it for good, used or not (RFC 3264 §8).
type sideLine struct {
	kind   string
	proto  string
	alt    bool          // the peer offered the same media twice, and the other line was chosen
	remote relayMedia    // what the peer said last
	local  relayLine     // what we said last
	known  []relayFormat // numbers that formats have or had, the peer's
	agreed []relayFormat // formats of the last answer, the peer's numbers
	wish   Direction     // what the peer wants, as far as it was free to say: not what it could only answer to us
	in     *srtpKey      // the peer's; nil for plain RTP
	out    *srtpKey      // ours; nil for plain RTP
	stream *stream       // nil when the line is not in use
}

// active reports whether media may be relayed for the line.
func (l *sideLine) active() bool { return l.stream != nil }

// refuse says that the line is not used.
func (l *sideLine) refuse() {
	l.remote.port, l.stream, l.agreed, l.in, l.out = 0, nil, nil, nil, nil
	l.local = relayLine{kind: l.kind, proto: l.proto, formats: l.remote.formats, fixed: l.remote.fixed}
	if len(l.local.formats) == 0 {
		l.local.formats = l.known
	}
}

// hear takes up what the peer says of the line. told is the direction that we had told it, which its answer may only narrow.
func (l *sideLine) hear(m relayMedia, told Direction) {
	l.wish = direction(
		told.Receives() && m.dir.Sends() || !told.Receives() && l.wish.Sends(),
		told.Sends() && m.dir.Receives() || !told.Sends() && l.wish.Receives(),
	)
	l.proto, l.remote = m.proto, m
	l.known = remember(slices.Clone(l.known), m.formats)
}

// pairOf finds the line of another side that belongs to line i: the same kind, the same count among those of its kind.
func pairOf(lines []sideLine, i int, others []sideLine) int {
	kind, nth := lines[i].kind, 0
	if lines[i].alt {
		return -1
	}
	for _, l := range lines[:i] {
		if l.kind == kind && !l.alt {
			nth++
		}
	}
	for k := range others {
		if others[k].kind != kind || others[k].alt {
			continue
		}
		if nth == 0 {
			return k
		}
		nth--
	}
	return -1
}

// chooseAlternatives settles for one of two lines of the same kind that differ in their security: that is how some phones
// leave the choice to the other side.
func chooseAlternatives(lines []sideLine, policy SRTPPolicy) {
	for i := range lines {
		a := &lines[i]
		if a.alt || !a.acceptable(policy) && !a.secureOnly() {
			continue
		}
		for k := i + 1; k < len(lines); k++ {
			b := &lines[k]
			if b.kind != a.kind || b.alt || b.remote.port == 0 || a.secureOnly() == b.secureOnly() {
				continue
			}
			lose := b
			if a.secureOnly() != (policy != NoSRTP) || !a.acceptable(policy) {
				lose = a
			}
			lose.alt = true
			break
		}
	}
}

// secureOnly reports whether the peer offers the line under a secure profile.
func (l *sideLine) secureOnly() bool {
	_, secure, _ := relayable(l.remote.proto)
	return secure && l.remote.port != 0
}

// acceptable reports whether the line can be used under a policy.
func (l *sideLine) acceptable(policy SRTPPolicy) bool {
	switch {
	case !l.remote.usable() || l.alt:
		return false
	case l.remote.raw:
		return policy != RequireSRTP
	default:
		return policy.secures(l.remote.proto, l.remote.keys)
	}
}

// receivable are the formats that the peer may send, with the numbers that it sends them under: ours as we told it, its own
// where it does not heed them, and those that mean the same everywhere.
func (l *sideLine) receivable() [128]*relayFormat {
	var fs [128]*relayFormat
	if l.kind == "audio" {
		for _, pt := range []uint8{0, 8, 13} {
			fs[pt] = &relayFormat{pt: pt, name: staticPayloads[pt].Name, clock: staticPayloads[pt].Clock}
		}
	}
	for _, list := range [][]relayFormat{l.remote.formats, l.local.formats} {
		for i := range list {
			fs[list[i].pt&0x7f] = &list[i]
		}
	}
	return fs
}

// newRelayRoute says what becomes of the formats of one side's peer on their way to the other side's.
func newRelayRoute(from, to *sideLine) *relayRoute {
	r := &relayRoute{}
	for pt, f := range from.receivable() {
		if f == nil {
			continue
		}
		if f.codec() == TelephoneEvent {
			r.rule[pt] = relayKey // unless the partner takes it
		}
		for _, among := range [][]relayFormat{to.agreed, to.remote.formats} {
			if i := f.find(among); i >= 0 {
				r.rule[pt], r.pt[pt] = relayPass, among[i].pt
				break
			}
			if i := findLaw(among, f.otherLaw()); i >= 0 {
				r.rule[pt], r.pt[pt] = relayToPCMA, among[i].pt
				if f.codec() == PCMA {
					r.rule[pt] = relayToPCMU
				}
				break
			}
		}
	}
	return r
}

// params says to the loop what was agreed.
func (l *sideLine) params() *streamParams {
	p := &streamParams{
		remote: l.remote.addr, rtcp: l.remote.rtcp, mux: l.local.mux, raw: l.remote.raw,
		sends:    l.raw() || l.remote.dir.Receives() && l.local.dir.Sends(),
		receives: l.raw() || l.remote.dir.Sends() && l.local.dir.Receives(),
		holds:    !l.wish.Receives(),
		in:       l.in, out: l.out,
		keyFrames: l.kind == "video" && l.remote.feedback("nack pli"),
	}
	for pt, f := range l.receivable() {
		if f != nil && f.sounds() {
			p.clocks[pt] = int32(f.clock)
		}
	}
	if f, ok := l.keys(l.agreed); ok {
		p.keyPT, p.keyClock = f.pt, f.clock
	}
	for _, f := range l.agreed {
		if c := f.codec(); playRate(c) > 0 {
			p.codec, p.pt = c, f.pt
			break
		}
	}
	return p
}

func (l *sideLine) raw() bool { return l.remote.raw }
