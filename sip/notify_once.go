package sip

import (
	"context"
	"fmt"
	"slices"
)

// Notice is a NOTIFY of ours outside any subscription: phones take some of them, such as message-summary where they do not
// subscribe, or Event: resync of Cisco phones.
type Notice struct {
	Target      Target // a binding's as a rule
	From        string // SIP URI; empty means that of To
	To          string // SIP URI, the line's; empty means the target's
	Event       string // Event header
	ContentType string
	Body        []byte
	Headers     []Header    // further headers
	Credentials Credentials // answer a challenge of the phone; nil when there are none
}

// Notify sends a notice and waits for its answer. Anything but 2xx is an error that holds a *StatusError; nobody answering is
// 408. A phone that challenges gets the notice again with credentials.
func (s *Server) Notify(ctx context.Context, n Notice) error {
	res, err := s.Request(ctx, Request{
		Method: "NOTIFY", Target: n.Target, From: n.From, To: n.To, ContentType: n.ContentType, Body: n.Body, Credentials: n.Credentials,
		Headers: slices.Concat([]Header{{"Event", n.Event}, {"Subscription-State", "terminated"}}, n.Headers), // there is no subscription
	})
	if err == nil && (res.Code < 200 || res.Code > 299) {
		err = &StatusError{Code: res.Code, Reason: res.Reason}
	}
	if err != nil {
		return fmt.Errorf("notify of %s: %w", n.Event, err)
	}
	return nil
}
