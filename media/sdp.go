package media

import "net/netip"

// payload is one format of an audio m= line.
type payload struct {
	PT    uint8  // payload type number in this description
	Name  string // encoding name as written, such as "G729a"
	Codec Codec  // UnknownCodec when the name or the clock is not one of ours
	Clock int    // clock rate in Hz as SDP writes it (8000 for G.722, RFC 3551 §4.5.2)
	Fmtp  string // format parameters as written, empty when there are none
}

// remoteMedia is what one audio m= line of the peer says.
type remoteMedia struct {
	Addr      netip.AddrPort // where it wants RTP; not valid when the line names no usable address
	RTCP      netip.AddrPort // where it wants RTCP (RFC 3605), the next port when not told
	RTCPMux   bool           // RTP and RTCP on one port (RFC 5761 §5.1.1)
	Direction Direction      // the peer's, with c=0.0.0.0 taken into account
	Ptime     int            // ms of sound per packet the peer would like, 0 when not told
	MaxPtime  int            // ms of sound per packet the peer can take, 0 when not told
	Codecs    []payload      // sound formats in the peer's order, known and unknown
	Events    []payload      // telephone-event formats in the peer's order
	Keys      []srtpKey      // of the a=crypto lines that can be served, in the peer's order
	Hold      bool           // the peer does not want to hear us: sendonly, inactive or c=0.0.0.0 (RFC 3264 §8.4)
}

// negotiated is the outcome of one offer and its answer, from our side.
type negotiated struct {
	Remote         netip.AddrPort // where RTP goes until latching knows better; not valid when the peer named no usable address
	RemoteRTCP     netip.AddrPort // where RTCP goes
	Mux            bool           // RTCP shares the RTP port
	Codec          Codec          // what we send
	PT             uint8          // payload type we send it with
	Others         []payload      // further formats of ours that the peer may send
	EventPT        uint8          // payload type of events at the codec's clock; see HasEvents
	HasEvents      bool           // the peer takes telephone-events
	Events         []payload      // every event format the peer may send with
	Ptime          int            // ms of sound per packet we send: 10 to 60, a multiple of 10
	Direction      Direction      // ours, as it stands in our description
	SendAllowed    bool           // we may send sound
	ReceiveAllowed bool           // the peer may send sound
	Held           bool           // the peer does not want to hear us
	In, Out        *srtpKey       // the peer's key and ours; nil for plain RTP
}

// answerDirection is the direction that answers an offered one when we would like wish ourselves (RFC 3264 §6.1):
// we send only what the peer receives, and receive only what it sends.
func answerDirection(offered, wish Direction) Direction {
	return direction(wish.Sends() && offered.Receives(), wish.Receives() && offered.Sends())
}

func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendRecv
	case sends:
		return SendOnly
	case receives:
		return RecvOnly
	default:
		return Inactive
	}
}
