package trunks

import "errors"

var (
	// ErrNoRecords means that DNS knows the name, or its zone, and has no such record.
	ErrNoRecords = errors.New("no such record")
	// ErrNoService means that the SRV record of a name says that there is no such service (RFC 2782).
	ErrNoService = errors.New("the domain offers no such service")
	// errNoDNS means that no name server has answered in time.
	errNoDNS = errors.New("DNS does not answer")
	// errBadDNS means that a DNS message makes no sense.
	errBadDNS = errors.New("malformed DNS message")
	// errTruncated means that an answer did not fit into a datagram.
	errTruncated = errors.New("truncated")
)
