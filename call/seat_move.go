package call

import (
	"context"
	"errors"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/party"
	"passerelle/sip"
)

// leaver is a side of a call of two that goes to the gateway, at the wish of the line on the other side. It belongs to one
// goroutine, which is not the call's.
type leaver struct {
	t     *twoParty
	side  side
	begun func()        // called when the seat is sure, before anything else is done
	told  chan struct{} // not nil once the side has left its call
}

// bring makes a party of the side: its peer is offered a session by re-INVITE, and only when it has agreed does the side
// leave its call. On error the call is as it was.
func (l *leaver) bring(ctx context.Context) (*party.Party, directory.Caller, error) {
	l.begun()
	m, err := l.reserve(ctx)
	if err != nil {
		return nil, directory.Caller{}, err
	}
	session, astray, err := l.t.root.renegotiate(ctx, m)
	gone := l.t.ask(context.WithoutCancel(ctx), func() error {
		l.t.pending[l.side] = false
		if err != nil {
			l.t.again[l.side] = l.t.again[l.side] || astray
			l.t.refresh()
			return nil
		}
		l.told = make(chan struct{})
		l.t.given, l.t.told = &l.side, l.told
		l.t.root.joined.drop(m.leg, l.t)
		return nil
	})
	if err = errors.Join(err, gone); err != nil {
		if session != nil {
			session.Close()
		}
		return nil, directory.Caller{}, err
	}
	return l.t.root.adopt(ctx, m, session)
}

// adopt makes a party of a member that is in no call any more, and that has agreed to a session.
func (r *Root) adopt(ctx context.Context, m member, session *media.Session) (*party.Party, directory.Caller, error) {
	m.media.Close()
	p, err := party.Adopt(ctx, m.leg, session, m.early, r.party)
	if err != nil {
		m.leave(r, sip.ReasonOf(err))
		return nil, directory.Caller{}, err
	}
	r.keep(p, m)
	return p, m.caller, nil
}

// reserve keeps the call from negotiating with the side meanwhile. It waits a little for a hold that is under way.
func (l *leaver) reserve(ctx context.Context) (m member, err error) {
	for range 5 {
		err = l.t.ask(ctx, func() error {
			if l.t.given != nil || l.t.pending[sideA] || l.t.pending[sideB] {
				return errNegotiate
			}
			l.t.pending[l.side] = true
			m = l.t.legs[l.side]
			return nil
		})
		if !errors.Is(err, errNegotiate) {
			return m, err
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
			return m, context.Cause(ctx)
		}
	}
	return m, err
}

// done lets the call that was left end; it is called once the line that asked has been told.
func (l *leaver) done() {
	if l.told != nil {
		close(l.told)
	}
}

// renegotiate offers the peer of a member a session of its own, in the dialog's o= and m= lines (RFC 3264 §8). astray tells that
// the peer has agreed to what came to nothing, so that it must be told anew what it had.
func (r *Root) renegotiate(ctx context.Context, m member) (session *media.Session, astray bool, err error) {
	cfg, src := r.party.Session, m.leg.Invite().Source
	cfg.Local, cfg.Secure = src.Local.Addr(), party.SecureOf(src)
	if side, ok := m.media.(relayed); ok {
		cfg.Dialog = side.Dialog()
	}
	session, err = media.NewSession(r.party.Ports, cfg)
	if err != nil {
		return nil, false, mediaStatus(err)
	}
	m.leg.SetFocus(true) // RFC 4579 §4.1
	offer, err := session.Offer()
	if err == nil {
		var answer []byte
		if answer, err = m.leg.Reoffer(ctx, offer); err == nil {
			err = session.Complete(answer)
			astray = err != nil
		}
	}
	if err != nil {
		m.leg.SetFocus(false)
		session.Close()
		return nil, astray, mediaStatus(err)
	}
	return session, false, nil
}

// ask runs f on the owner of the call and returns its error, or that the call has ended first.
func (t *twoParty) ask(ctx context.Context, f func() error) error {
	result := make(chan error, 1)
	if err := t.do(ctx, func() { result <- f() }); err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-t.ended:
		select {
		case err := <-result:
			return err
		default:
			return errNotInCall
		}
	}
}
