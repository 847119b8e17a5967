package account

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"passerelle/directory"
)

const (
	// Lifetime is how long a session lasts at most.
	Lifetime = 12 * time.Hour
	// Idle is how long a session lasts without a request.
	Idle = 2 * time.Hour

	// codeLife is how long a sign-in waits for the second factor's code.
	codeLife = 10 * time.Minute

	cookieName = "passerelle_session"

	// The keys of a session's data.
	keyAccount    = "account"
	keyProved     = "proved" // the second factor too, where there is one
	keyCredential = "credential"
)

// The tries within the window. A guesser at one address from one source has few; a source that tries many addresses has
// some more, for the office behind it; an address tried from everywhere has so many that its owner is hardly shut out.
const (
	triesOfBoth    = 6
	triesOfSource  = 30
	triesOfAddress = 100
)

// Load reads the request's session: Of tells who is signed in. A session that cannot be read is nobody's.
func (a *Accounts) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		ctx, p, err := a.open(r)
		if err != nil {
			a.log.ErrorContext(r.Context(), "session not read", "err", err)
			http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
			return
		}
		if p != nil {
			ctx = With(ctx, p)
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// open reads a request's session and finds out whose it is; a session that is over is deleted.
func (a *Accounts) open(r *http.Request) (context.Context, *Principal, error) {
	token := ""
	if c, err := r.Cookie(cookieName); err == nil {
		token = c.Value
	}
	ctx, err := a.sessions.Load(r.Context(), token)
	if err != nil {
		return nil, nil, err
	}
	id := a.sessions.GetString(ctx, keyAccount)
	if id == "" || !a.sessions.GetBool(ctx, keyProved) {
		return ctx, nil, nil
	}
	p, err := a.principal(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	kept := a.sessions.GetString(ctx, keyCredential)
	if p == nil || kept != "" && kept != credential(p) || !a.touch(a.sessions.Token(ctx), time.Now()) {
		a.forget(a.sessions.Token(ctx))
		return ctx, nil, a.sessions.Destroy(ctx)
	}
	return ctx, p, nil
}

// touch notes a request of a session; false when it comes after too long a pause.
func (a *Accounts) touch(token string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, known := a.state[token]
	if known && now.Sub(s.seen) > Idle {
		return false
	}
	s.seen = now
	a.state[token] = s
	return true
}

// begin notes a session that has just been proved.
func (a *Accounts) begin(token string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.state[token] = state{seen: now, proved: now}
}

func (a *Accounts) forget(token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.state, token)
}

// Still says whether the session of ctx, as Load gave it, is signed in yet: for answers that last.
func (a *Accounts) Still(ctx context.Context) bool {
	was := Of(ctx)
	if was == nil {
		return false
	}
	if _, found, err := a.sessionData(ctx); err != nil || !found {
		return false
	}
	p, err := a.principal(ctx, was.Account.ID)
	return err == nil && p != nil && credential(p) == credential(was) && p.Staff() == was.Staff()
}

// sessionData looks for the session of ctx in the store.
func (a *Accounts) sessionData(ctx context.Context) (account string, found bool, err error) {
	fresh, err := a.sessions.Load(noSession{ctx}, a.sessions.Token(ctx))
	if err != nil {
		return "", false, err
	}
	account = a.sessions.GetString(fresh, keyAccount)
	return account, account != "", nil
}

// noSession hides the values of a context, so that a session is read anew.
type noSession struct{ context.Context }

func (noSession) Value(any) any { return nil }

// Note keeps a message for the session's next page.
func (a *Accounts) Note(ctx context.Context, note any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := a.sessions.Token(ctx)
	if s, ok := a.state[token]; ok {
		s.note = note
		a.state[token] = s
	}
}

// TakeNote gives the message that was kept, once; nil when there is none.
func (a *Accounts) TakeNote(ctx context.Context) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	token := a.sessions.Token(ctx)
	s, ok := a.state[token]
	if !ok || s.note == nil {
		return nil
	}
	note := s.note
	s.note = nil
	a.state[token] = s
	return note
}

// SignIn starts a session for who knows the password of the address. more says that the account has a second factor,
// which Prove must be given before the session is anybody's.
func (a *Accounts) SignIn(w http.ResponseWriter, r *http.Request, email, password string) (more bool, err error) {
	email = strings.TrimSpace(email)
	source := Source(r)
	limits := []limit{
		{"both " + source + " " + strings.ToLower(email), triesOfBoth},
		{"source " + source, triesOfSource},
		{"address " + strings.ToLower(email), triesOfAddress},
	}
	if len(email) > 254 || len(password) > 4*MaxPassword {
		limits, email, password = limits[1:2], "", "" // nobody's, and not worth remembering
	}
	limits = a.unblocked(source, limits)
	if wait := a.limits.take(time.Now(), limits...); wait > 0 {
		a.log.WarnContext(r.Context(), "sign-in refused: too many tries", "remote", source, "for", wait.Round(time.Second))
		return false, ErrTooManyTries
	}
	p, err := a.authenticate(r.Context(), email, password)
	if err != nil {
		a.log.InfoContext(r.Context(), "sign-in failed", "remote", source, "err", err)
		return false, err
	}
	a.limits.giveBack(limits...)
	more = p.Account.SecondFactor()
	return more, a.start(w, r, p, !more)
}

// SignInProven starts a session for the user of the directory whose e-mail address a provider has proved; ErrDenied when
// there is none. The owner's account is not open to providers. more is as SignIn says it.
func (a *Accounts) SignInProven(w http.ResponseWriter, r *http.Request, email string) (more bool, err error) {
	user, known := a.cfg.Directory.Current().UserByEmail(strings.TrimSpace(email))
	if !known {
		return false, ErrDenied
	}
	p, err := a.ofUser(r.Context(), user)
	if err != nil {
		return false, err
	}
	more = p.Account.SecondFactor()
	return more, a.start(w, r, p, !more)
}

// Prove completes a session that SignIn left open, or proves the second factor anew in one that is signed in. The code is
// an application's or a recovery code.
func (a *Accounts) Prove(w http.ResponseWriter, r *http.Request, code string) error {
	id := a.Pending(r.Context())
	if id == "" {
		return ErrDenied
	}
	if err := a.useCode(r.Context(), id, code); err != nil {
		a.log.InfoContext(r.Context(), "second factor failed", "account", id, "remote", Source(r), "err", err)
		return err
	}
	p, err := a.principal(r.Context(), id)
	if err != nil {
		return err
	}
	if p == nil {
		return ErrDenied
	}
	return a.start(w, r, p, true)
}

// Pending gives the account whose second factor the session may give: its password was right, or it is signed in and has
// one. Empty when there is none.
func (a *Accounts) Pending(ctx context.Context) string {
	if a.sessions.GetBool(ctx, keyProved) {
		if p := Of(ctx); p != nil && p.Account.SecondFactor() {
			return p.Account.ID
		}
		return ""
	}
	return a.sessions.GetString(ctx, keyAccount)
}

// start writes a session under a token of its own, whatever token came with the request.
func (a *Accounts) start(w http.ResponseWriter, r *http.Request, p *Principal, proved bool) error {
	ctx := r.Context()
	a.forget(a.sessions.Token(ctx))
	if err := a.sessions.RenewToken(ctx); err != nil {
		return err
	}
	a.sessions.Put(ctx, keyAccount, p.Account.ID)
	a.sessions.Put(ctx, keyProved, proved)
	a.sessions.Put(ctx, keyCredential, credential(p))
	if !proved {
		a.sessions.SetDeadline(ctx, time.Now().Add(codeLife))
	}
	token, _, err := a.sessions.Commit(ctx)
	if err != nil {
		return err
	}
	a.sweep(ctx, time.Now())
	if proved {
		a.begin(token, time.Now())
		a.log.InfoContext(ctx, "signed in", "account", p.Account.ID, "remote", Source(r))
	}
	http.SetCookie(w, cookie(r, token))
	return nil
}

// sweep forgets sessions that have expired.
func (a *Accounts) sweep(ctx context.Context, now time.Time) {
	if _, err := a.cfg.Sessions.Sweep(ctx); err != nil {
		a.log.WarnContext(ctx, "expired sessions not removed", "err", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for token, s := range a.state {
		if now.Sub(s.seen) > Lifetime {
			delete(a.state, token)
		}
	}
}

// SignOut ends the request's session.
func (a *Accounts) SignOut(w http.ResponseWriter, r *http.Request) error {
	a.forget(a.sessions.Token(r.Context()))
	gone := cookie(r, "")
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	return a.sessions.Destroy(r.Context())
}

// cookie is the session's cookie; it dies with the browser.
func cookie(r *http.Request, token string) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: token, Path: "/", HttpOnly: true, Secure: Secure(r), SameSite: http.SameSiteLaxMode}
}

// Secure says whether the browser speaks TLS, with us or with the proxy on this machine.
func Secure(r *http.Request) bool {
	return r.TLS != nil || byProxy(r) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// Source is the address that a request comes from, or what a proxy on this machine says it is. IPv6 counts by network, as
// one host has all addresses of its network.
func Source(r *http.Request) string {
	addr, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return "local"
	}
	ip := addr.Addr().Unmap()
	if byProxy(r) {
		hops := strings.Split(r.Header.Get("X-Forwarded-For"), ",")
		if told, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1])); err == nil {
			ip = told.Unmap()
		}
	}
	if ip.Is6() {
		if network, err := ip.WithZone("").Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}

// byProxy says whether a proxy on this machine may have sent the request.
func byProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// LanguageOf is the language that somebody chose, empty when they did not.
func LanguageOf(ctx context.Context) directory.Language {
	if p := Of(ctx); p != nil {
		return p.Account.Language
	}
	return ""
}
