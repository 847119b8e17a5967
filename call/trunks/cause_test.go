package trunks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"passerelle/sip"
)

func TestCauses(t *testing.T) {
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		err  error
		want Cause
	}{
		{&sip.StatusError{Code: 408, Err: silence(4 * time.Second)}, Silent},
		{&sip.StatusError{Code: 408, Err: errors.New("timer F")}, Silent},
		{&sip.StatusError{Code: 503, Err: fmt.Errorf("connect: %w", dial)}, Unreachable},
		{&sip.StatusError{Code: 503, Err: &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}}, Certificate},
		{fmt.Errorf("send OPTIONS: %w", tls.AlertError(42)), Certificate},
		{fmt.Errorf("look up x: %w", errNoDNS), NoDNS},
		{fmt.Errorf("look up x: %w", ErrNoRecords), NoName},
		{&sip.StatusError{Code: 403, Reason: "Forbidden"}, Denied},
		{&sip.StatusError{Code: 503, Reason: "Service Unavailable"}, Refused},
		{&sip.StatusError{Code: 500, Err: errors.New("x")}, Other},
		{context.Canceled, Other},
	} {
		if got := causeOf(c.err); got != c.want {
			t.Errorf("%v: %s, want %s", c.err, got, c.want)
		}
	}
	if got := silence(4 * time.Second).Error(); got != "no answer within 4s" {
		t.Error(got)
	}
}
