package sip

import (
	"hash/maphash"
	"log/slog"
	"strings"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"
	"github.com/prometheus/client_golang/prometheus"
)

// AuthConfig is how the server challenges and how it slows guessing down.
type AuthConfig struct {
	NonceLife time.Duration         // how long a nonce may be reused; 0 means 4 hours
	MaxNonces int                   // nonces in use at once, the least used go first; 0 means 131072
	MaxDelay  time.Duration         // longest step of the delay of answers to wrong passwords; 0 means 8 s, at most 14 s
	Log       *slog.Logger          // nil discards
	Metrics   prometheus.Registerer // nil means a registry of its own
}

// Authenticator proves by digest (RFC 3261 §22, RFC 7616, RFC 8760) which line a request comes from.
//
// A user name nobody has is treated exactly as a wrong password. A request gets two challenges at most, since phones give
// up after two: the nonce of the second says so, and wrong credentials for it are answered 403. A challenge is no fault;
// wrong credentials are counted per source address and user name, and the answer to them waits longer each time.
type Authenticator struct {
	lines  Lines
	life   time.Duration
	mint   *nonceMint
	uses   *nonceUses
	ha1    *ha1Cache
	slow   *penalties
	wrongs wrongs
	seed   maphash.Seed
	log    *slog.Logger
	count  *authMetrics
}

// Verdict is what to do with a request after the digest was looked at: exactly one of Line, Response and Drop is set.
type Verdict struct {
	Line     *Line            // proven; shared, read only
	Response *sipmsg.Response // answer to send statelessly, 401 or 403
	Delay    time.Duration    // wait so long before Response is sent
	Drop     bool             // send nothing: an answer to this request is already waiting
}

// LineFinder is what Lines may satisfy besides: it tells the line of an AOR, so that its first challenge can offer
// SHA-256 when the line wants it. Without it only a line named like the AOR's user is found.
type LineFinder interface {
	LineOf(aor AOR) (Line, bool)
}

// NewAuthenticator makes an authenticator for the lines of the directory.
func NewAuthenticator(cfg AuthConfig, lines Lines) *Authenticator {
	if cfg.NonceLife <= 0 {
		cfg.NonceLife = 4 * time.Hour
	}
	if cfg.MaxNonces <= 0 {
		cfg.MaxNonces = 1 << 17
	}
	if cfg.MaxDelay <= 0 {
		cfg.MaxDelay = 8 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &Authenticator{
		lines: lines,
		life:  cfg.NonceLife,
		mint:  newNonceMint(),
		uses:  newNonceUses(cfg.MaxNonces, cfg.NonceLife),
		ha1:   newHA1Cache(),
		slow:  newPenalties(min(cfg.MaxDelay, penaltyQueue)),
		seed:  maphash.MakeSeed(),
		log:   cfg.Log,
	}
	a.count = newAuthMetrics(cfg.Metrics, a)
	return a
}

// Check looks at the request's credentials. It never waits and may be called from many goroutines. The request is not
// changed, but the response shares header values with it.
func (a *Authenticator) Check(req *sipmsg.Request, src Source) Verdict {
	now := time.Now()
	c, ok := authorization(req, a.names)
	if !ok {
		a.count.challenged.Inc()
		return Verdict{Response: a.challenge(req, nil, now, false, false)}
	}
	line, known := a.lines.Line(c.username)
	alg := algorithmOf(c.algorithm)
	ha1 := a.ha1.ofNobody(alg)
	if known && alg != digestUnknown && (c.realm == line.Realm || c.realm == a.realm(req)) {
		ha1 = a.ha1.of(&line, c.realm, alg)
	}
	right := c.answers(alg, ha1, string(req.Method)) && c.plausible(req)

	n, ours := a.mint.open(c.nonce)
	if !right {
		return a.wrong(req, src, &c, ours && n.second, now)
	}
	if !ours || n.expired(now, a.life) || a.use(n, &c, req, src, now) == nonceReplay {
		a.count.stale.Inc()
		return Verdict{Response: a.challenge(req, &line, now, false, true)}
	}
	a.slow.forgive(a.slow.key(src.Remote.Addr(), c.username))
	a.wrongs.proven(src.Remote.Addr(), c.username)
	a.count.proven.Inc()
	return Verdict{Line: &line}
}

// plausible reports whether the fields fit what we offered and what is asked: qop auth or none, and a digest-uri for the
// same user as the Request-URI. Its host and parameters may differ: phones leave out ;transport, name the proxy's
// address, or the domain.
func (c *credentials) plausible(req *sipmsg.Request) bool {
	if c.qop != "" && !strings.EqualFold(c.qop, "auth") || c.nonce == "" || strings.EqualFold(c.userhash, "true") {
		return false
	}
	if req.Recipient.User == "" {
		return true
	}
	user, has := uriUser(c.uri)
	return !has || unescape(user) == unescape(req.Recipient.User)
}

// uriUser cuts the user part out of a SIP URI.
func uriUser(uri string) (user string, ok bool) {
	_, rest, ok := strings.Cut(uri, ":")
	if !ok {
		return "", false
	}
	user, _, ok = strings.Cut(rest, "@")
	if !ok {
		return "", false
	}
	user, _, _ = strings.Cut(user, ":") // a password has no place here
	return user, user != ""
}

// use spends one count of a nonce. Without qop a nonce is good for one request.
func (a *Authenticator) use(n nonce, c *credentials, req *sipmsg.Request, src Source, now time.Time) nonceUse {
	count := uint32(1)
	if c.qop != "" {
		count = c.count()
	}
	return a.uses.use(n.seq, count, a.fingerprint(req, src), now)
}

// wrong answers credentials that prove nothing: the second challenge, or 403 when that was given already.
func (a *Authenticator) wrong(req *sipmsg.Request, src Source, c *credentials, twice bool, now time.Time) Verdict {
	a.noteWrong(src, c.username, now)
	wait, drop := a.slow.fail(a.slow.key(src.Remote.Addr(), c.username), a.fingerprint(req, src), now)
	switch {
	case drop:
		a.count.dropped.Inc()
		return Verdict{Drop: true}
	case twice:
		a.count.refused.Inc()
		a.log.Info("credentials refused", "method", req.Method, "username", c.username[:min(len(c.username), 64)],
			"remote", src.Remote, "transport", src.Transport, "wait", wait)
		return Verdict{Response: statelessResponse(req, 403, "Forbidden"), Delay: wait}
	}
	a.count.wrong.Inc()
	return Verdict{Response: a.challenge(req, nil, now, true, false), Delay: wait}
}

// fingerprint identifies a request among those of its source: the same one retransmitted has the same.
func (a *Authenticator) fingerprint(req *sipmsg.Request, src Source) uint64 {
	return requestHash(a.seed, req, src)
}

func (a *Authenticator) names(username, realm string) bool {
	line, ok := a.lines.Line(username)
	return ok && realm == line.Realm
}
