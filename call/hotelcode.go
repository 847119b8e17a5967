package call

import (
	"context"
	"errors"
	"log/slog"

	"passerelle/directory"
	"passerelle/media/prompts"
	"passerelle/party"
	"passerelle/sip"
)

// Guests signs guests in and out for the hoteling code; whoever owns the desk satisfies it. Errors mean that nothing has
// changed; their cause is not told on the phone.
type Guests interface {
	// SignIn signs the guest in who has that address, as typed at the host's phone, and that PIN.
	SignIn(ctx context.Context, host *directory.User, address string, pin directory.Secret) error
	// SignOut frees a host's phone.
	SignOut(ctx context.Context, host *directory.User) error
}

// Guests sets who signs guests in by the code, before the first leg.
func (r *Root) Guests(g Guests) { r.guests = g }

const (
	hotelTries = 3
	mostTyped  = 17 // one more than the longest number or PIN
)

// serveHotel serves the hoteling code, for phones without keys for it, of any brand: it says how things are, signs out here or
// elsewhere, or asks for extension and PIN.
func (r *Root) serveHotel(ctx context.Context, leg *sip.Leg, caller directory.Caller, extension string, log *slog.Logger) error {
	if r.guests == nil || caller.Device == nil {
		return &sip.StatusError{Code: 501, Reason: "Not Implemented", Err: errors.New("no hoteling")}
	}
	p, err := party.Answer(ctx, leg, r.party)
	if err != nil {
		return err
	}
	c := hotelCall{root: r, party: p, device: caller.Device, extension: extension, log: log, lang: string(caller.Language)}
	if lang := directory.PreferredLanguage(leg.Invite().AcceptLanguage()); lang != "" {
		c.lang = string(lang)
	}
	if err = c.wait(ctx, p.Ready()); err == nil {
		err = c.serve(ctx)
	}
	if ctx.Err() != nil { // the caller has hung up
		return nil
	}
	if bye := p.Hangup(ctx, sip.Reason{Protocol: "Q.850", Cause: 16, Text: "Normal call clearing"}); err == nil && !errors.Is(bye, context.Canceled) {
		err = bye
	}
	return err
}

// hotelCall is one call of the code.
type hotelCall struct {
	root      *Root
	party     *party.Party
	device    *directory.Device
	extension string // dialled behind the code
	log       *slog.Logger
	lang      string
}

// serve does what the state of the phone and its owner allows.
func (c *hotelCall) serve(ctx context.Context) error {
	dir, owner := c.root.dir.Current(), c.device.User
	if c.device.Primary && c.root.hotel.EffectiveUser(dir, c.device).Ref != owner.Ref {
		out, err := c.offerOut(ctx, prompts.HotelTaken, owner)
		if err != nil || out {
			return err
		}
		return c.say(ctx, prompts.Goodbye)
	}
	away := c.root.hotel.HostOf(dir, owner)
	if away != nil {
		if out, err := c.offerOut(ctx, prompts.HotelElsewhere, away.User); out || err != nil {
			return err
		}
	}
	if c.device.Primary && c.device.Host != nil && c.device.Host.Enabled {
		return c.signIn(ctx, owner)
	}
	if away == nil {
		return c.say(ctx, prompts.HotelNone)
	}
	return c.say(ctx, prompts.Goodbye)
}

// offerOut frees a host's phone when the caller presses 1.
func (c *hotelCall) offerOut(ctx context.Context, prompt prompts.Name, host *directory.User) (out bool, err error) {
	key := "?"
	for try := 0; key != "1"; try++ {
		if key == "" || try == hotelTries { // nothing typed, or nothing but other keys
			return false, nil
		}
		if key, err = c.ask(ctx, prompt, 1); err != nil {
			return false, err
		}
	}
	if err := c.root.guests.SignOut(ctx, host); err != nil {
		c.log.WarnContext(ctx, "guest not signed out by code", "host", host.Line(), "err", err)
		return true, c.say(ctx, prompts.HotelRefused)
	}
	return true, c.say(ctx, prompts.HotelOut)
}

// signIn asks for extension and PIN. Why somebody is refused is not said.
func (c *hotelCall) signIn(ctx context.Context, host *directory.User) error {
	for range hotelTries {
		extension := c.extension
		c.extension = ""
		if extension == "" {
			var err error
			if extension, err = c.ask(ctx, prompts.HotelExtension, 0); err != nil {
				return err
			}
			if extension == "" {
				break
			}
		}
		pin, err := c.ask(ctx, prompts.HotelPIN, 0)
		if err != nil {
			return err
		}
		if c.root.guests.SignIn(ctx, host, extension, directory.Secret(pin)) == nil {
			return c.say(ctx, prompts.HotelIn)
		}
		if err := c.say(ctx, prompts.HotelRefused); err != nil {
			return err
		}
	}
	return c.say(ctx, prompts.Goodbye)
}

// ask speaks a prompt and reads what is typed; full digits end it, zero means that # does.
func (c *hotelCall) ask(ctx context.Context, prompt prompts.Name, full int) (string, error) {
	spoken := c.party.Say(prompts.Get(c.lang, prompt))
	return party.Collect(ctx, c.party.Keys(), spoken, party.Entry{Full: full, Most: mostTyped}, c.party.Hush)
}

// say speaks a prompt to its end.
func (c *hotelCall) say(ctx context.Context, prompt prompts.Name) error {
	return c.wait(ctx, c.party.Say(prompts.Get(c.lang, prompt)))
}

func (c *hotelCall) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
