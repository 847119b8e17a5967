package gateway

import (
	"context"
	"time"

	"passerelle/directory"
	"passerelle/media/prompts"
	"passerelle/party"
)

// tries is how often a caller may type a space ID.
const tries = 3

// attendant asks one caller for a space ID.
type attendant struct {
	party *party.Party
	site  *directory.Site
	lang  string
	live  *directory.Live
	guard *guessGuard
	// caller and source are what wrong IDs are counted by; slowed callers get one try after a pause.
	caller, source string
	stranger       bool // no authenticated line
	wrong          func()
	full           bool // the last ID ended by its full length, so its # may still come
}

// ask returns the space whose ID the caller typed, or errNoID after the last try.
func (a *attendant) ask(ctx context.Context) (*directory.Space, error) {
	if err := a.wait(ctx, a.party.Ready()); err != nil {
		return nil, err
	}
	left := tries
	if a.slowed() {
		left = 1
		if err := a.pause(ctx); err != nil {
			return nil, err
		}
	}
	prompt := prompts.Welcome
	for ; left > 0; left-- {
		id, err := a.collect(ctx, prompt)
		if err != nil {
			return nil, err
		}
		if space, err := a.find(id); space != nil || err != nil {
			return space, err
		}
		a.mistyped(id)
		prompt = prompts.Again
		if a.slowed() {
			break
		}
	}
	return nil, errNoID
}

// collect speaks the prompt, which stops at the first key, and reads one ID.
func (a *attendant) collect(ctx context.Context, prompt prompts.Name) (string, error) {
	spoken := a.party.Say(prompts.Get(a.lang, prompt))
	full := a.site.SpaceIDLength
	id, err := collect(ctx, a.party.Keys(), spoken, full, a.full, a.party.Hush)
	a.full = len(id) == full
	return id, err
}

// find opens the space of an ID by what is configured now: the number may have been taken away, and the ID changed, while
// the caller was typing.
func (a *attendant) find(id string) (*directory.Space, error) {
	dir := a.live.Current()
	site, ok := dir.SiteByDomain(a.site.Domain)
	if !ok || site.Gateway.Number == "" {
		return nil, ErrUnassigned
	}
	space, _ := dir.SpaceByID(site, id)
	return space, nil
}

// mistyped counts a wrong ID as a guess, unless it is empty or its check digit shows a slip of the finger.
func (a *attendant) mistyped(id string) {
	if id == "" || isSlip(a.site, id) {
		return
	}
	a.guard.wrong(a.site.Domain, a.caller, a.source, time.Now())
	a.wrong()
}

// isSlip tells a slip of the finger: on sites whose IDs have one, the check digit is wrong.
func isSlip(site *directory.Site, id string) bool {
	return site.SpaceIDCheck && !directory.ValidSpaceID(site, id)
}

func (a *attendant) slowed() bool {
	return a.stranger && a.guard.slowed(a.site.Domain, a.caller, a.source, wrongIDsPerHour(a.site), time.Now())
}

// pause makes a slowed caller wait; what is typed meanwhile does not count.
func (a *attendant) pause(ctx context.Context) error {
	a.party.Say(prompts.Get(a.lang, prompts.Pause))
	over := time.NewTimer(guessPause)
	defer over.Stop()
	for {
		select {
		case <-over.C:
			return nil
		case <-a.party.Keys():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// say speaks one prompt to its end.
func (a *attendant) say(ctx context.Context, prompt prompts.Name) error {
	return a.wait(ctx, a.party.Say(prompts.Get(a.lang, prompt)))
}

func (a *attendant) wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
