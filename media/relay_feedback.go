package media

import (
	"encoding/binary"
	"time"
)

// RTCP feedback (RFC 4585 §6.1, RFC 5104 §4.2) and its formats that pass.
const (
	rtcpRTPFB uint8 = 205
	rtcpPSFB  uint8 = 206

	fbNACK  int = 1  // of RTPFB: packets that did not come
	fbTMMBR int = 3  // of RTPFB: a limit of the bit rate
	fbTMMBN int = 4  // of RTPFB: its notification
	fbPLI   int = 1  // of PSFB: a picture was lost
	fbFIR   int = 4  // of PSFB: a whole picture, please
	fbApp   int = 15 // of PSFB: among others the receiver's estimate of the bit rate
)

const (
	// pictureEvery is the least time between two requests for a picture to one source.
	pictureEvery = 500 * time.Millisecond
	// pictureTries is how often a new source is asked for a picture, as nobody answers such a request.
	pictureTries = 3
	// longestFeedback is how much of a feedback's own part is passed on.
	longestFeedback = 160
)

// relayFeedback is what a stream knows of requests to its peer.
type relayFeedback struct {
	asked       time.Time // the last time a picture was
	wantPicture int       // times that it is still to be
}

// passFeedback passes a peer's feedback on our stream to the source of that stream, in the source's own numbers.
func (s *stream) passFeedback(p rtcpPacket, now time.Time) {
	t := s.partner
	if p.kind != rtcpRTPFB && p.kind != rtcpPSFB || len(p.body) < 8 || t == nil || t.params == nil || !s.o.live {
		return
	}
	fci := p.body[8:]
	if len(fci) > longestFeedback {
		return
	}
	picture := p.kind == rtcpPSFB && (p.count == fbPLI || p.count == fbFIR)
	if picture {
		if now.Sub(t.feedback.asked) < pictureEvery {
			return
		}
		t.feedback.asked = now
	}
	switch {
	case p.kind == rtcpRTPFB && p.count == fbNACK:
		for ; len(fci) >= 4; fci = fci[4:] {
			binary.BigEndian.PutUint16(fci, binary.BigEndian.Uint16(fci)-s.o.seqOff)
		}
	case p.kind == rtcpRTPFB && (p.count == fbTMMBR || p.count == fbTMMBN), p.kind == rtcpPSFB && p.count == fbFIR:
		for ; len(fci) >= 8; fci = fci[8:] {
			binary.BigEndian.PutUint32(fci, s.o.source)
		}
	case p.kind == rtcpPSFB && p.count == fbPLI:
	case p.kind == rtcpPSFB && p.count == fbApp && len(fci) >= 8 && string(fci[:4]) == "REMB":
		for fci = fci[8:]; len(fci) >= 4; fci = fci[4:] {
			binary.BigEndian.PutUint32(fci, s.o.source)
		}
	default:
		return
	}
	t.sendFeedback(p.kind, p.count, s.o.source, p.body[8:])
}

// sendFeedback asks something of the peer, about the stream that it sends.
func (s *stream) sendFeedback(kind uint8, format int, source uint32, fci []byte) {
	w := rtcpWriter{b: s.control.buf[:]}
	w.receiver(s.o.ssrc, 0)
	w.cname(s.o.ssrc, s.control.cname)
	fci = fci[:len(fci)/4*4]
	w.header(kind, format, 8+len(fci))
	w.u32(s.o.ssrc)
	w.u32(source)
	w.n += copy(w.b[w.n:], fci)
	s.sendControl(w.b[:w.n])
}

// askPicture asks a source that has come to another partner for a whole picture, without which that one sees nothing.
func (s *stream) askPicture(now time.Time) {
	f := &s.feedback
	if f.wantPicture == 0 || !s.params.keyFrames || !s.reception.started || now.Sub(f.asked) < pictureEvery {
		return
	}
	f.asked = now
	f.wantPicture--
	s.sendFeedback(rtcpPSFB, fbPLI, s.reception.ssrc, nil)
}
