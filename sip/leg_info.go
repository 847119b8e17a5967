package sip

import (
	"context"
	"errors"
	"fmt"

	sipmsg "github.com/emiago/sipgo/sip"
)

// Info sends an INFO in the dialog (RFC 6086; RFC 2976 for its use without a package) and returns when the peer has
// answered it. A refusal is a *StatusError.
func (l *Leg) Info(ctx context.Context, contentType string, body []byte) error {
	result := make(chan error, 1)
	err := l.do(ctx, func() error {
		if l.state != legConfirmed {
			return fmt.Errorf("INFO: %w", ErrWrongState)
		}
		return l.send(&outCall{
			method: sipmsg.INFO,
			body:   body,
			kind:   contentType,
			done: func(res *sipmsg.Response, err error) {
				if err == nil && res.StatusCode >= 300 {
					err = &StatusError{Code: res.StatusCode, Reason: res.Reason}
				}
				result <- err
			},
		})
	})
	if err != nil {
		return err
	}
	answer, err := await(ctx, l, result)
	return errors.Join(answer, err)
}
