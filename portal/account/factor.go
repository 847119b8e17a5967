package account

import (
	"context"
	"time"

	"passerelle/directory"
)

// EnableTOTP makes key the account's second factor, once code proves that an application holds it. codes are the recovery
// codes, to be shown once, if the account had none.
func (a *Accounts) EnableTOTP(ctx context.Context, p *Principal, key directory.Secret, code string) (codes []string, err error) {
	step, ok := checkTOTP(key, code, 0, time.Now())
	if !ok {
		return nil, ErrWrongCode
	}
	err = a.cfg.Records.EditAccount(ctx, p.Account.ID, func(kept *directory.Account) error {
		kept.TOTP, kept.TOTPStep = key, step
		codes = firstCodes(kept)
		return nil
	})
	return codes, err
}

// DisableTOTP takes the application away from who has proved the second factor lately; ErrStale asks for it anew.
func (a *Accounts) DisableTOTP(ctx context.Context, p *Principal) error {
	return a.changeFactors(ctx, p, func(kept *directory.Account) error {
		kept.TOTP, kept.TOTPStep = "", 0
		dropCodes(kept)
		return nil
	})
}

// NewRecoveryCodes draws recovery codes in place of those there were, for who has proved the second factor lately;
// ErrStale asks for it anew.
func (a *Accounts) NewRecoveryCodes(ctx context.Context, p *Principal) (codes []string, err error) {
	err = a.changeFactors(ctx, p, func(kept *directory.Account) error {
		if !kept.SecondFactor() {
			return ErrStale
		}
		codes = drawCodes(kept)
		return nil
	})
	return codes, err
}

// HasSecondFactor says whether the user with that Ref has a second factor.
func (a *Accounts) HasSecondFactor(ctx context.Context, ref uint64) (bool, error) {
	kept, err := a.cfg.Records.Account(ctx, directory.UserAccount(ref))
	return kept.SecondFactor(), err
}

// ResetSecondFactor takes all second factors and recovery codes away from the user with that Ref, who has lost them: the
// password suffices until the user sets one up anew. had is false when there was none.
func (a *Accounts) ResetSecondFactor(ctx context.Context, ref uint64) (had bool, err error) {
	id := directory.UserAccount(ref)
	if had, err = a.HasSecondFactor(ctx, ref); err != nil || !had {
		return false, err
	}
	return true, a.cfg.Records.EditAccount(ctx, id, func(kept *directory.Account) error {
		kept.TOTP, kept.TOTPStep, kept.Passkeys, kept.RecoveryHashes = "", 0, nil, nil
		return nil
	})
}

// changeFactors changes an account's second factors in a session in which one was proved lately: a session that was left
// open, or stolen, does not suffice.
func (a *Accounts) changeFactors(ctx context.Context, p *Principal, change func(*directory.Account) error) error {
	if !a.proved(ctx, time.Now()) {
		return ErrStale
	}
	return a.cfg.Records.EditAccount(ctx, p.Account.ID, change)
}

// proved says whether the session of ctx began, or its second factor was given anew, within Fresh.
func (a *Accounts) proved(ctx context.Context, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, ok := a.state[a.sessions.Token(ctx)]
	return ok && !s.proved.IsZero() && now.Sub(s.proved) <= Fresh
}

// Fresh is how long a second factor that was given lets its account's second factors be changed.
const Fresh = 10 * time.Minute

// codeTries is how many codes of one account may be tried within the window.
const codeTries = 6

// useCode checks an account's code, of its application or one of its recovery codes, and marks it as used, in one
// transaction.
func (a *Accounts) useCode(ctx context.Context, id, code string) error {
	l := limit{"code " + id, codeTries}
	if a.limits.take(time.Now(), l) > 0 {
		return ErrTooManyTries
	}
	err := a.cfg.Records.EditAccount(ctx, id, func(kept *directory.Account) error {
		if takeCode(kept, code) {
			return nil
		}
		step, ok := checkTOTP(kept.TOTP, code, kept.TOTPStep, time.Now())
		if !ok {
			return ErrWrongCode
		}
		kept.TOTPStep = step
		return nil
	})
	if err == nil {
		a.limits.giveBack(l)
	}
	return err
}
