package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// outcome is what became of an attempt.
type outcome struct {
	err   error
	gone  bool          // the receiver wants no more, ever
	after time.Duration // that the receiver asks to wait
}

// maxAnswer is how much of an answer is read, so that the connection can be used again.
const maxAnswer = 64 << 10

// attempt sends a body once. Redirects are not followed: they would lead elsewhere than the webhook's owner chose.
func (s *Webhooks) attempt(ctx context.Context, w Webhook, id string, body []byte) outcome {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	key, err := keyOf(w.Secret)
	if err != nil {
		return outcome{err: fmt.Errorf("the secret %w", err)}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return outcome{err: errors.New("the URL cannot be asked for")}
	}
	now := time.Now()
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {s.cfg.Agent},
		headerID: {id}, headerTimestamp: {strconv.FormatInt(now.Unix(), 10)}, headerSignature: {sign(key, id, now, body)},
	}
	resp, err := s.cfg.Transport.RoundTrip(r)
	if err != nil {
		if ctx.Err() != nil {
			err = errors.New("no answer in time")
		}
		return outcome{err: err}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // whatever comes, the status has been told
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		return outcome{}
	case code == http.StatusGone:
		return outcome{err: errors.New("answered 410"), gone: true}
	case code >= 300 && code < 400:
		return outcome{err: fmt.Errorf("answered %d, a redirect, which is not followed", code)}
	default:
		return outcome{err: fmt.Errorf("answered %d", code), after: retryAfter(resp.Header.Get("Retry-After"), now)}
	}
}

// retryAfter reads the header (RFC 9110 §10.2.3); zero where it says nothing.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// WebhookTest is the type of what Test sends; it is in no log.
const WebhookTest Type = "webhook.test"

// Test sends a webhook a test event now, beside its order, and gives the error of the attempt.
func (s *Webhooks) Test(ctx context.Context, id string) error {
	st, err := s.Webhook(id)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	body := fmt.Appendf(nil, `{"id":"test-%d","type":%q,"time":%q,"sites":[],"data":{}}`, now.UnixNano(), WebhookTest, now.Format(time.RFC3339Nano))
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if o := s.attempt(ctx, st.Webhook, fmt.Sprintf("test-%d", now.UnixNano()), body); o.err != nil {
		return &AttemptError{o.err}
	}
	return nil
}

// AttemptError is why a test did not arrive.
type AttemptError struct{ Err error }

// Error implements error.
func (e *AttemptError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *AttemptError) Unwrap() error { return e.Err }
