package call

import (
	"sync"

	"passerelle/directory"
	"passerelle/sip"
)

// seats knows who the legs at the gateway are. The zero value is ready.
type seats struct {
	mu sync.Mutex
	at map[*sip.Leg]directory.Caller
}

// put makes a leg known until drop is called.
func (s *seats) put(leg *sip.Leg, caller directory.Caller) (drop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = make(map[*sip.Leg]directory.Caller)
	}
	s.at[leg] = caller
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.at, leg)
	}
}

// of says who a leg at the gateway is; false for any other leg.
func (s *seats) of(leg *sip.Leg) (directory.Caller, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.at[leg]
	return c, ok
}

// named is the leg at the gateway whose focus URI (RFC 4579 §4.1) a URI is, of the same line; nil if it is none.
func (s *seats) named(uri sip.URI, line directory.Caller) *sip.Leg {
	s.mu.Lock()
	defer s.mu.Unlock()
	for leg, caller := range s.at {
		if string(leg.ID().LocalTag) == uri.User && sameUser(caller, line) {
			return leg
		}
	}
	return nil
}

// atGateway is a call that a forwarding brings to the gateway.
type atGateway struct{ route Route }

// Error says where the call goes.
func (e *atGateway) Error() string { return "forwarded to the gateway of " + e.route.Site.Domain }

// Unwrap is what a caller is told who cannot go there any more.
func (e *atGateway) Unwrap() error {
	return &sip.StatusError{Code: 480, Reason: "Temporarily Unavailable"}
}
