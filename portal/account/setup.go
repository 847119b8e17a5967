package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"passerelle/directory"
)

// SetupLife is how long a set-up link holds.
const SetupLife = 24 * time.Hour

// OwnerLinkLife is how long a link of OwnerPath holds.
const OwnerLinkLife = time.Hour

// setup is the one-time link that makes the owner.
type setup struct {
	mu    sync.Mutex // held while the link is used, so that it is used once
	token string     // empty: there is none
	until time.Time
	anew  bool // an owner there is already may be replaced
}

// SetupPath draws the path of a one-time link that makes the owner's account, in place of any drawn before; empty while
// somebody administers the enterprise already.
func (a *Accounts) SetupPath(ctx context.Context) (string, error) {
	administered, err := a.administered(ctx)
	if err != nil || administered {
		return "", err
	}
	path, _ := a.setup.draw(SetupLife, false)
	return path, nil
}

// OwnerPath draws the path of a one-time link, in place of any drawn before, for an owner who has lost the password or the
// second factor, or who is gone: whoever opens it gives name, address and password anew, all second factors are taken away
// and all sessions of the owner end. Without an owner it makes one. It is for those who hold the server itself.
func (a *Accounts) OwnerPath(ctx context.Context) (path string, until time.Time) {
	path, until = a.setup.draw(OwnerLinkLife, true)
	a.log.WarnContext(ctx, "link to the owner's account drawn", "until", until)
	return path, until
}

// draw makes a link in place of the one there was.
func (s *setup) draw(life time.Duration, anew bool) (path string, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token, s.until, s.anew = rand.Text(), time.Now().Add(life), anew
	return "/setup/" + s.token, s.until
}

// administered says whether there is an owner, or a user who administers the enterprise and can sign in.
func (a *Accounts) administered(ctx context.Context) (bool, error) {
	owner, err := a.cfg.Records.Account(ctx, directory.OwnerAccount)
	if err != nil || owner.PasswordHash != "" {
		return true, err
	}
	for _, s := range a.cfg.Directory.Current().Sites() {
		for _, u := range s.Users {
			if u.HasRole(directory.EnterpriseAdmin) && u.Email != "" && (u.PortalPassword != "" || u.PortalPasswordHash != "") {
				return true, nil
			}
		}
	}
	return false, nil
}

// MaySetup says whether token is that of the link in force.
func (a *Accounts) MaySetup(r *http.Request, token string) error {
	a.setup.mu.Lock()
	defer a.setup.mu.Unlock()
	return a.maySetupLocked(r, token)
}

func (a *Accounts) maySetupLocked(r *http.Request, token string) error {
	l := limit{"setup " + Source(r), triesOfSource}
	if a.limits.take(time.Now(), l) > 0 {
		return ErrTooManyTries
	}
	s := &a.setup
	if s.token == "" || time.Now().After(s.until) || subtle.ConstantTimeCompare([]byte(s.token), []byte(token)) == 0 {
		return ErrNoSetup
	}
	a.limits.giveBack(l)
	return nil
}

// Setup makes the owner's account and signs the owner in; the link is used up.
func (a *Accounts) Setup(w http.ResponseWriter, r *http.Request, token, name, email, password string) error {
	ctx := r.Context()
	name, email = strings.TrimSpace(name), strings.TrimSpace(email)
	a.setup.mu.Lock()
	defer a.setup.mu.Unlock()
	if err := a.maySetupLocked(r, token); err != nil {
		return err
	}
	if name == "" || utf8.RuneCountInString(name) > 100 {
		return ErrBadName
	}
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email || len(email) > 254 {
		return fmt.Errorf("not an address: %w", ErrBadEmail)
	}
	if _, taken := a.cfg.Directory.Current().UserByEmail(email); taken {
		return fmt.Errorf("a user of the directory has it: %w", ErrBadEmail)
	}
	if err := checkNewPassword(password, name, email); err != nil {
		return err
	}
	hash, err := a.cfg.Passwords.HashPassword(ctx, password)
	if err != nil {
		return err
	}
	owner := directory.Account{ID: directory.OwnerAccount, Name: name, Email: email, PasswordHash: hash}
	err = a.cfg.Records.EditAccount(ctx, owner.ID, func(kept *directory.Account) error {
		if kept.PasswordHash != "" && !a.setup.anew {
			return ErrNoSetup
		}
		owner.Language = kept.Language
		*kept = owner
		return nil
	})
	if err != nil {
		return err
	}
	a.setup.token = ""
	a.log.WarnContext(ctx, "owner's account made", "anew", a.setup.anew, "remote", Source(r))
	return a.start(w, r, &Principal{Account: owner, Name: name, Email: email}, true)
}
