package sip

import (
	"log/slog"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// AuthConfig is how the server challenges and how it slows guessing down.
type AuthConfig struct {
	NonceLife time.Duration         // how long a nonce may be reused; 0 means 4 hours
	MaxNonces int                   // nonces in use at once, the least used go first; 0 means 131072
	MaxDelay  time.Duration         // longest delay of the answer to a wrong password; 0 means 8 seconds
	Log       *slog.Logger          // nil discards
	Metrics   prometheus.Registerer // nil means a registry of its own
}

// Authenticator proves by digest (RFC 3261 §22, RFC 7616, RFC 8760) which line a request comes from.
type Authenticator struct{}

// Verdict is what to do with a request after the digest was looked at: exactly one of Line, Response and Drop is set.
type Verdict struct {
	Line     *Line            // proven; shared, read only
	Response *sipmsg.Response // answer to send statelessly, 401 or 403
	Delay    time.Duration    // wait so long before Response is sent
	Drop     bool             // send nothing: an answer to this request is already waiting
}

// NewAuthenticator makes an authenticator for the lines of the directory.
func NewAuthenticator(cfg AuthConfig, lines Lines) *Authenticator { return &Authenticator{} }

// Check looks at the request's credentials. It never waits and may be called from many goroutines.
func (a *Authenticator) Check(req *sipmsg.Request, src Source) Verdict { return Verdict{Drop: true} }
