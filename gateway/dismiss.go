package gateway

import (
	"context"
	"errors"
	"slices"

	"passerelle/directory"
	"passerelle/sip"
)

// Dismiss hangs up on whoever has one of some numbers in a space, as its owner asks by REFER (RFC 4579 §5.10), and returns when
// they are gone. The space is the one where a leg sits, else the one that the ID opens, else the owner's own.
func (g *Gateway) Dismiss(ctx context.Context, asker directory.Caller, leg *sip.Leg, site *directory.Site, spaceID directory.Secret, numbers ...string) error {
	space, err := g.meant(asker, leg, site, spaceID)
	switch {
	case err != nil:
		return err
	case space.Owner.Ref != asker.User.Ref:
		return &sip.StatusError{Code: 403, Reason: "Forbidden", Err: errors.New("the space is another line's")}
	}
	var out []string
	if b := g.bridges.find(space.Ref); b != nil {
		err = b.do(ctx, func() {
			for _, p := range b.seats {
				if slices.Contains(numbers, p.who.Number) {
					out = append(out, p.id)
				}
			}
		})
	}
	if err != nil && !errors.Is(err, errBridgeEnded) {
		return err
	}
	if len(out) > 0 {
		err = g.remove(ctx, space.Ref, func(id string) bool { return slices.Contains(out, id) }, ErrNoParticipant)
	}
	if len(out) == 0 || errors.Is(err, ErrNoParticipant) || errors.Is(err, ErrNoBridge) {
		return &sip.StatusError{Code: 404, Reason: "Not Found", Err: ErrNoParticipant}
	}
	return err
}

// meant is the space that a request from outside is for.
func (g *Gateway) meant(asker directory.Caller, leg *sip.Leg, site *directory.Site, spaceID directory.Secret) (*directory.Space, error) {
	if leg != nil {
		if seat := g.seats.of(leg); seat != nil {
			return seat.bridge.space, nil
		}
		return nil, ErrNotSeated
	}
	if spaceID != "" {
		return g.open(site, asker, "refer", spaceID)
	}
	if own, ok := g.cfg.Directory.Current().SpaceOf(asker.User); ok {
		return own, nil
	}
	return nil, &sip.StatusError{Code: 404, Reason: "Not Found", Err: ErrUnknownSpace}
}
