package sip

import (
	"context"
	"errors"
	"fmt"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Update sends an UPDATE without offer, which changes nothing of the session, with headers such as P-Asserted-Identity: so the
// peer learns to whom it is connected now (RFC 3311, RFC 3325). It refreshes the session timer besides and returns when the peer
// has answered. ErrNotAllowed means that the peer does not take UPDATE; a Reoffer of what it has may tell it instead. A refusal
// is a *StatusError.
func (l *Leg) Update(ctx context.Context, headers ...Header) error {
	result := make(chan error, 1)
	err := l.do(ctx, func() error {
		switch {
		case l.state != legConfirmed && !(l.state == legEarly && l.rel.acked):
			return fmt.Errorf("UPDATE: %w", ErrWrongState)
		case !l.allow["UPDATE"]:
			return fmt.Errorf("UPDATE: %w", ErrNotAllowed)
		}
		c := &outCall{method: sipmsg.UPDATE, headers: ofOurs(headers)}
		if l.state == legConfirmed {
			c.headers = append(l.session.ask(l), c.headers...)
		}
		c.done = func(res *sipmsg.Response, err error) { result <- l.updated(res, err) }
		return l.send(c)
	})
	if err != nil {
		return err
	}
	answer, err := await(ctx, l, result)
	return errors.Join(answer, err)
}

// updated reads the answer to an UPDATE without offer.
func (l *Leg) updated(res *sipmsg.Response, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("UPDATE: %w", err)
	case res.IsSuccess():
		if l.state == legConfirmed {
			l.session.told(l, res)
		}
		return nil
	case res.StatusCode == 422:
		l.session.raise(res)
	case res.StatusCode == 405 || res.StatusCode == 501:
		delete(l.allow, "UPDATE")
		return fmt.Errorf("UPDATE: %w", ErrNotAllowed)
	}
	return fmt.Errorf("UPDATE: %w", &StatusError{Code: res.StatusCode, Reason: res.Reason})
}
