package trunks

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"passerelle/sip"
)

// Cause is why a trunk, one of its ways or our registration with it fails, by kinds that people can act on.
type Cause string

// The causes.
const (
	Silent      Cause = "silent"      // nobody answers in time
	Unreachable Cause = "unreachable" // the network does not carry us there, or nobody listens
	NoDNS       Cause = "no_dns"      // no name server answers, or not with sense
	NoName      Cause = "no_name"     // DNS knows the name and has nothing of use
	Certificate Cause = "certificate" // TLS fails: a certificate that proves nothing, or another fault of the handshake
	Denied      Cause = "denied"      // it does not take our user name and password
	Refused     Cause = "refused"     // it answers with a failure
	Other       Cause = "other"       // what is none of these; the words say it
)

// silence is that nobody answered for so long.
type silence time.Duration

// Error implements error.
func (s silence) Error() string { return fmt.Sprintf("no answer within %v", time.Duration(s)) }

// trouble is what is wrong: its kind, and the same in words. The zero value is nothing.
type trouble struct {
	cause Cause
	why   string
}

func troubleOf(err error) trouble { return trouble{causeOf(err), inWords(err)} }

// causeOf sorts what a request or a look-up met. A status with an error behind it is our own word for that error.
func causeOf(err error) Cause {
	se, isStatus := errors.AsType[*sip.StatusError](err)
	_, isSilence := errors.AsType[silence](err)
	_, isNet := errors.AsType[*net.OpError](err)
	switch {
	case isSilence:
		return Silent
	case errors.Is(err, errNoDNS), errors.Is(err, errBadDNS), errors.Is(err, errTruncated):
		return NoDNS
	case errors.Is(err, ErrNoRecords), errors.Is(err, ErrNoService):
		return NoName
	case isHandshake(err):
		return Certificate
	case isNet:
		return Unreachable
	case isStatus && se.Err == nil && (se.Code == 401 || se.Code == 403 || se.Code == 407):
		return Denied
	case isStatus && se.Err == nil:
		return Refused
	case isStatus && se.Code == 408:
		return Silent
	}
	return Other
}

// isHandshake says whether TLS did not come about.
func isHandshake(err error) bool {
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, header := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, authority := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	return verification || header || alert || authority || name
}

// inWords says why something did not work, for people: without the status that we would give a caller for it.
func inWords(err error) string {
	if se, ok := errors.AsType[*sip.StatusError](err); ok && se.Err != nil {
		return se.Err.Error()
	} else if ok {
		return se.Error()
	}
	text := err.Error()
	for _, deed := range []string{"send OPTIONS: ", "send REGISTER: "} {
		text = strings.TrimPrefix(text, deed)
	}
	return text
}
