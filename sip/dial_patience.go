package sip

// giveUp ends a call that nothing has answered. The INVITE may have arrived all the same, so the leg stays to cancel it as
// soon as that is allowed (RFC 3261 §9.1).
func (l *Leg) giveUp() {
	if c := l.inviteCall(); l.state != legCalling || l.isOver || c == nil || c.begun || c.final || c.tries > 0 {
		return
	}
	l.hangup(Reason{Protocol: "SIP", Cause: 408}, &StatusError{Code: 408, Err: ErrNoResponse})
}
