package sip

import (
	"strings"
)

// Received is a NOTIFY that a trusted trunk sent outside any subscription.
type Received struct {
	Trunk       string // name of the trunk
	Event       string
	AOR         AOR // line it is about: of the Request-URI, or of To
	ContentType string
	Body        []byte
}

// NoticeTaker is what an EventPackage may be besides: it takes the NOTIFYs of its event that a trusted trunk sends outside
// any subscription, as external mailboxes do (RFC 3842 §5.1). They come one after the other on a goroutine of the server.
type NoticeTaker interface {
	Take(r Received)
}

// NoticeResolver is what a NoticeTaker may be besides: it knows lines by names that senders of its event use, such as those of
// mailboxes. It is asked before Lines and must not wait.
type NoticeResolver interface {
	AOR(user, host string) (aor AOR, ok bool)
}

// noticeRoom bounds the notices of trunks that wait.
const noticeRoom = 1024

// takeNotify answers the phones' keep-alive and passes on what trunks tell; any other NOTIFY belongs to a subscription that
// we do not have (RFC 6665 §4.1.3).
func (s *Server) takeNotify(in *inbound) {
	event, _, _ := parseEvent(headerValue(in.Request, "event"))
	if strings.EqualFold(event, "keep-alive") {
		in.answer(200, "")
		return
	}
	trunk, trusted := s.lines.Trunk(in.src.Remote)
	taker, ok := s.subs.packages[strings.ToLower(event)].(NoticeTaker)
	if !trusted || !ok {
		in.answer(481, "")
		return
	}
	r := Received{Trunk: trunk, Event: event, ContentType: headerValue(in.Request, "content-type"), Body: in.Body()}
	if r.AOR, ok = s.aboutLine(taker, newURI(&in.Recipient)); !ok {
		r.AOR, ok = s.aboutLine(taker, newURI(&in.To().Address))
	}
	if !ok {
		in.answer(404, "")
		return
	}
	taken := s.subs.notices.post(noticeRoom, func() {
		defer s.recovered(ownerSubscriber)
		taker.Take(r)
	})
	if !taken {
		in.answer(503, "")
		return
	}
	in.answer(200, "")
}

// aboutLine is the line that a notice means by a URI.
func (s *Server) aboutLine(taker NoticeTaker, about URI) (AOR, bool) {
	if x, ok := taker.(NoticeResolver); ok {
		if aor, ok := x.AOR(about.User, about.Host); ok {
			return aor, true
		}
	}
	return s.lines.AOR(about.User, about.Host)
}
