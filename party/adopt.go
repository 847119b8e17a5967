package party

import (
	"context"

	"passerelle/media"
	"passerelle/sip"
)

// Adopt makes a party of a leg that is up already, with a session that its peer has agreed to and no mixer has: of a call of
// ours that was answered, or of a leg that was in another call. early are events of the leg that were read before. The
// session is the party's from now on; on error it has been closed, and the leg is as it was.
func Adopt(ctx context.Context, leg *sip.Leg, session *media.Session, early []sip.LegEvent, cfg Config) (*Party, error) {
	p := newParty(leg, session, cfg)
	p.early = early
	if err := cfg.Lobby.Attach(ctx, session); err != nil {
		session.Close()
		return nil, statusOf(err)
	}
	p.begin()
	return p, nil
}

// SecureOf is how the media of a leg that calls us may be secured: in the clear its keys would be no secret (RFC 4568 §8.1).
func SecureOf(src sip.Source) media.SRTPPolicy {
	if src.Transport == "TLS" || src.Transport == "WSS" {
		return media.OptionalSRTP
	}
	return media.NoSRTP
}
