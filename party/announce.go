package party

import (
	"context"
	"time"

	"passerelle/media"
	"passerelle/sip"
)

// announceLimit bounds what is said before a final answer; no announcement is that long.
const announceLimit = 15 * time.Second

// Announce lets the caller of a leg that has rung nobody hear pcm (16 kHz mono) before its final answer, which is the caller's
// of Announce to give: 183 with a description of media (RFC 3960 §3.1), and the sound from the lobby. It needs the INVITE's
// offer. It returns when all was said, when the caller hangs up, or with an error when nothing could be said.
func Announce(ctx context.Context, leg *sip.Leg, cfg Config, pcm []int16) error {
	if leg.Offer() == nil {
		return sip.ErrNoOffer
	}
	ctx, cancel := context.WithTimeout(ctx, announceLimit)
	defer cancel()
	source := leg.Invite().Source
	cfg.Session.Local, cfg.Session.Secure = source.Local.Addr(), SecureOf(source)
	session, err := media.NewSession(cfg.Ports, cfg.Session)
	if err != nil {
		return statusOf(err)
	}
	defer session.Close()
	sdp, err := session.Accept(leg.Offer())
	if err != nil {
		return statusOf(err)
	}
	if err := cfg.Lobby.Attach(ctx, session); err != nil {
		return statusOf(err)
	}
	defer func() {
		// Detaching waits for one tick of the mixer at most, whatever became of ctx.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = cfg.Lobby.Detach(ctx, session) // a mixer that has closed has let go of it
	}()
	if err := leg.Ring(ctx, 183, sdp); err != nil {
		return err
	}
	select { // the first word is not to be lost
	case <-session.FirstPacket():
	case <-time.After(readyWait):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	play := media.NewPlayback(pcm)
	session.Play(play)
	select {
	case <-play.Done():
		return nil
	case <-session.Broken():
		return media.ErrMixerClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
