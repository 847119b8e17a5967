package sip

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
)

// leastMinSE is the shortest session interval RFC 4028 §4 allows.
const leastMinSE = 90 * time.Second

// sessionTimer ends a leg whose peer has vanished (RFC 4028). It belongs to the owner of its leg.
type sessionTimer struct {
	interval time.Duration // 0: no session timer
	minSE    time.Duration // least interval the peer's side asked for
	ours     bool          // we refresh
	peerCan  bool          // the peer knows session timers
	refresh  *time.Timer
	expiry   *time.Timer
	turn     int // counts up with each agreement: timers of an earlier one do nothing
}

// checkInterval refuses a session interval below ours, if the peer knows what 422 means (RFC 4028 §9).
func (s *Server) checkInterval(req *sipmsg.Request) (code int, headers []sipmsg.Header) {
	se, _, ok := sessionExpires(req)
	if !ok || se >= s.cfg.MinSE || !hasToken(req, "supported", "timer") {
		return 0, nil
	}
	return 422, []sipmsg.Header{sipmsg.NewHeader("Min-SE", seconds(int(s.cfg.MinSE/time.Second)))}
}

// sessionExpires reads Session-Expires and its refresher.
func sessionExpires(m headerList) (d time.Duration, refresher string, ok bool) {
	v := headerValue(m, "session-expires")
	num, params, _ := strings.Cut(v, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(num), 10, 31)
	if err != nil || n == 0 {
		return 0, "", false
	}
	for p := range strings.SplitSeq(params, ";") {
		if k, v, _ := strings.Cut(p, "="); strings.EqualFold(strings.TrimSpace(k), "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return time.Duration(n) * time.Second, refresher, true
}

// minSE reads Min-SE, 0 if absent.
func minSE(m headerList) time.Duration {
	num, _, _ := strings.Cut(headerValue(m, "min-se"), ";")
	n, err := strconv.ParseUint(strings.TrimSpace(num), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// agree settles the session timer in a 2xx of ours (RFC 4028 §9). Without Session-Expires in the request there is none. The
// peer refreshes when it can.
func (t *sessionTimer) agree(l *Leg, req *sipmsg.Request, res *sipmsg.Response) {
	t.stop()
	se, refresher, ok := sessionExpires(req)
	if !ok {
		t.interval = 0
		return
	}
	t.peerCan = hasToken(req, "supported", "timer") || hasToken(req, "require", "timer")
	t.minSE = max(minSE(req), l.s.cfg.MinSE)
	t.interval = max(min(se, l.s.cfg.SessionExpires), t.minSE)
	t.ours = !t.peerCan || refresher == "uas"
	who := "uac"
	if t.ours {
		who = "uas"
	}
	res.AppendHeader(sipmsg.NewHeader("Session-Expires", seconds(int(t.interval/time.Second))+";refresher="+who))
	if t.peerCan {
		res.AppendHeader(sipmsg.NewHeader("Require", "timer"))
	}
	t.arm(l)
}

// ask returns the headers of a re-INVITE or UPDATE of ours (RFC 4028 §7.1, §7.4): who refreshes now goes on to.
func (t *sessionTimer) ask(*Leg) []sipmsg.Header {
	if t.interval == 0 {
		return nil
	}
	who := "uas"
	if t.ours {
		who = "uac"
	}
	headers := []sipmsg.Header{
		sipmsg.NewHeader("Session-Expires", seconds(int(t.interval/time.Second))+";refresher="+who),
	}
	if t.minSE > leastMinSE {
		headers = append(headers, sipmsg.NewHeader("Min-SE", seconds(int(t.minSE/time.Second))))
	}
	return headers
}

// begin returns the headers of a call of ours: we ask for the longest interval, and leave it to the callee whether there is to be
// a timer, and who refreshes (RFC 4028 §7.1). least is what a 422 asked for, 0 before one.
func (t *sessionTimer) begin(l *Leg, least time.Duration) []sipmsg.Header {
	headers := []sipmsg.Header{sipmsg.NewHeader("Session-Expires", seconds(wholeSeconds(max(l.s.cfg.SessionExpires, least))))}
	if least = max(least, l.s.cfg.MinSE); least > leastMinSE {
		headers = append(headers, sipmsg.NewHeader("Min-SE", seconds(wholeSeconds(least))))
	}
	return headers
}

// lengthen repeats an INVITE of ours whose session interval is too short for somebody, with the one that he names
// (RFC 4028 §7.3). It reports whether it did.
func (l *Leg) lengthen(c *outCall, res *sipmsg.Response) bool {
	if res == nil || res.StatusCode != 422 || c != l.inviteCall() || c.cancel || c.tries >= maxTries {
		return false
	}
	least := minSE(res)
	if least <= l.session.minSE {
		return false // it has that already
	}
	l.session.minSE = least
	kept := slices.DeleteFunc(slices.Clone(c.headers), func(h sipmsg.Header) bool {
		return sameHeader(h.Name(), "session-expires") || sameHeader(h.Name(), "min-se")
	})
	c.headers = append(kept, l.session.begin(l, least)...)
	l.again(c)
	return true
}

// told settles the session timer by the 2xx to a request of ours (RFC 4028 §7.2).
func (t *sessionTimer) told(l *Leg, res *sipmsg.Response) {
	se, refresher, ok := sessionExpires(res)
	if t.interval == 0 && !ok {
		return
	}
	t.stop()
	if ok {
		t.interval = max(se, leastMinSE)
		t.ours = refresher != "uas"
	} else {
		t.ours = true // the peer keeps none: the refreshing is ours
	}
	t.arm(l)
}

// raise takes over the interval of a 422 (RFC 4028 §7.4) and reports whether it asks for more than it had.
func (t *sessionTimer) raise(res *sipmsg.Response) bool {
	m := minSE(res)
	if m <= t.minSE {
		return false
	}
	t.minSE = m
	t.interval = max(t.interval, m)
	return true
}

// arm starts the clock of an interval: half of it until our refresh, or nearly all of it until we give the peer up
// (RFC 4028 §10).
func (t *sessionTimer) arm(l *Leg) {
	t.turn++
	turn := t.turn
	if t.ours {
		t.refresh = l.after(t.interval/2, func() {
			if t.turn == turn {
				l.refreshSession()
			}
		})
	}
	t.expiry = l.after(t.interval-min(32*time.Second, t.interval/3), func() {
		if t.turn == turn {
			l.hangup(Reason{Protocol: "SIP", Cause: 408, Text: "Session expired"}, ErrSessionExpired)
		}
	})
}

func (t *sessionTimer) stop() {
	t.turn++
	if t.refresh != nil {
		t.refresh.Stop()
	}
	if t.expiry != nil {
		t.expiry.Stop()
	}
}

// refreshSession proves to the peer that we live: by UPDATE if it takes that, which touches no media, else by a re-INVITE
// with the session description it has (RFC 4028 §7.4). One that fails is tried again; the expiry ends the leg.
func (l *Leg) refreshSession() {
	if l.state != legConfirmed || l.isOver {
		return
	}
	turn := l.session.turn
	retry := func(after time.Duration) {
		l.session.refresh = l.after(after, func() {
			if l.session.turn == turn {
				l.refreshSession()
			}
		})
	}
	c := &outCall{method: sipmsg.UPDATE, headers: l.session.ask(l)}
	if !l.allow["UPDATE"] {
		if l.glare() != 0 {
			retry(2 * time.Second)
			return
		}
		c.method, c.body = sipmsg.INVITE, l.sdp
	}
	c.done = func(res *sipmsg.Response, err error) {
		l.endReinvite(c)
		switch {
		case l.isOver:
		case dialogGone(res, err):
			l.over(errors.Join(ErrDialogGone, err))
			l.bye(Reason{Protocol: "SIP", Cause: 408, Text: "Session refresh failed"})
		case res.StatusCode == 422 && l.session.raise(res):
			l.refreshSession()
		case res.StatusCode == 405 || res.StatusCode == 501:
			delete(l.allow, "UPDATE")
			retry(0)
		case !res.IsSuccess():
			retry(5 * time.Second)
		default:
			l.session.told(l, res)
			if sdp, ok := l.s.sdpOf(res); ok && c.method == sipmsg.INVITE {
				l.emit(AnswerEvent{SDP: sdp})
			}
		}
	}
	if err := l.send(c); err != nil {
		l.log.Debug("refresh not sent", "err", err)
		retry(5 * time.Second)
		return
	}
	if c.method == sipmsg.INVITE {
		l.beginReinvite(c)
	}
}
