package media

import "slices"

// offerKeys are the keys for a line that we offer. What is in use stays, and with it the roll-over counters: new keys would
// have both ends guess.
func offerKeys(policy SRTPPolicy, active bool, out *srtpKey) []srtpKey {
	switch {
	case out != nil:
		return []srtpKey{*out}
	case active || policy == NoSRTP:
		return nil
	}
	keys := make([]srtpKey, 0, len(offeredSuites))
	for i, suite := range offeredSuites {
		keys = append(keys, newSRTPKey(i+1, suite))
	}
	return keys
}

// offerProfile is the profile of a line that we offer for the first time.
func offerProfile(policy SRTPPolicy) string {
	if policy >= PreferSRTP {
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

// answeredKeys are the peer's key and ours when the peer has answered our offered keys with its own; nil for plain RTP.
func answeredKeys(answered, offered []srtpKey) (in, out *srtpKey) {
	for i, k := range answered {
		j := slices.IndexFunc(offered, func(o srtpKey) bool { return o.tag == k.tag && o.suite == k.suite })
		if j >= 0 {
			return &answered[i], &offered[j]
		}
	}
	return nil, nil
}

// answerKeys chooses among the keys that a peer offers and gives ours to it; nil for plain RTP. Those in use, in and out,
// stay when they can; else the peer's order decides (RFC 4568 §5.1.2).
func answerKeys(policy SRTPPolicy, offered []srtpKey, in, out *srtpKey) (theirs, ours *srtpKey) {
	if policy == NoSRTP || len(offered) == 0 {
		return nil, nil
	}
	choice := 0
	if in != nil {
		choice = max(0, slices.IndexFunc(offered, func(k srtpKey) bool { return k.same(*in) }))
	}
	theirs = &offered[choice]
	k := newSRTPKey(theirs.tag, theirs.suite)
	if out != nil && out.suite == k.suite {
		k.master = out.master
	}
	return theirs, &k
}

// secures reports whether a line of this profile with these keys may be used under a policy.
func (policy SRTPPolicy) secures(proto string, keys []srtpKey) bool {
	_, secure := profile(proto)
	switch {
	case secure:
		return policy != NoSRTP && len(keys) > 0
	default:
		return policy != RequireSRTP || len(keys) > 0
	}
}

// keys are those of the line's a=crypto attributes that can be served, each tag once.
func (m *mediaLine) keys() []srtpKey {
	var keys []srtpKey
	for _, a := range m.attrs {
		if a.key != "crypto" {
			continue
		}
		if k, ok := parseCrypto(a.value); ok && !slices.ContainsFunc(keys, func(o srtpKey) bool { return o.tag == k.tag }) {
			keys = append(keys, k)
		}
	}
	return keys
}

// srtpState is what secures the packets of one session or relayed stream; it belongs to whoever moves them.
type srtpState struct {
	in  *srtpIn  // nil for plain RTP
	out *srtpOut // nil for plain RTP
}

// adopt takes up what was negotiated. heard is the stream that the peer has sent, sent how many packets we have. restart
// tells that our stream has to start anew, since under the new key the peer cannot know how often its numbers have wrapped.
func (s *srtpState) adopt(in, out *srtpKey, heard, sent uint32) (restart bool) {
	switch {
	case in == nil:
		s.in = nil
	case s.in == nil || !s.in.key.same(*in):
		s.in = newSRTPIn(*in, s.in, heard)
	}
	switch {
	case out == nil:
		s.out = nil
	case s.out == nil || !s.out.key.same(*out):
		s.out = newSRTPOut(*out)
		return sent >= 1<<15
	}
	return false
}
