package call

import (
	"errors"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// Connected line: each side of a call is told who the other is, when it rings, when it answers, and when that changes.

// shownTo is how somebody is shown to who has that place in a call.
func (id callerID) shownTo(c directory.Caller) shown {
	switch {
	case c.Trunk == nil:
		return id.inside()
	case id.number == "" && !id.hidden:
		return shown{} // a URI, of which a trunk has no form
	}
	return id.outside(c.Trunk)
}

// connected are the headers that tell a side who it is connected with, in an answer or a request of the dialog
// (RFC 3325 §5, RFC 3311). Somebody who withholds its number takes the place of whoever was shown before.
func (s shown) connected() []sip.Header {
	switch {
	case s.uri == "":
		return nil
	case !s.asserted && s.private == "":
		return []sip.Header{{Name: "P-Asserted-Identity", Value: sip.NameAddr(s.display, s.uri)}, {Name: "Privacy", Value: "id"}}
	}
	return s.headers("called")
}

// who is whom an attempt calls, and how others may see it.
func (o *onward) who(a *attempt) (directory.Caller, callerID) {
	switch {
	case a.user != nil:
		u := a.user
		c := directory.Caller{User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language}
		c.Device, _ = o.root.dir.Current().DeviceByUsername(a.binding.Username)
		return c, identityOf(c, u.Name, u.CLIR)
	case a.trunk != nil:
		c := directory.Caller{Trunk: a.trunk, Site: a.trunk.Site, Number: a.called, Language: a.trunk.Site.Language}
		return c, identityOf(c, "", false)
	}
	return directory.Caller{}, callerID{uri: a.out.Target.URI}
}

// identified takes what a trunk says of who is there, and tells whether that is somebody else.
func (m *member) identified(e sip.IdentityEvent) bool {
	if m.caller.Trunk == nil {
		return false // what others say of themselves counts for nothing
	}
	c, before := m.caller, m.from
	c.Number = callableNumber(e.Identity.URI.User)
	if c.Number == "" || strings.EqualFold(c.Number, "anonymous") {
		c.Number = ""
	}
	next := identityOf(c, e.Identity.Display, e.Private)
	if sameNumber(before.number, next.number, m.caller.Site) {
		next.number, next.uri = before.number, before.uri
		if next.hidden {
			next.uri = anonymousURI
		}
		if next.display == "" {
			next.display = before.display
		}
	}
	if next.number == before.number && next.hidden == before.hidden && next.display == before.display {
		return false
	}
	m.from = next
	return true
}

// callableNumber is the user part of a URI without its parameters (RFC 3966 §5.1.1).
func callableNumber(user string) string {
	user, _, _ = strings.Cut(user, ";")
	return user
}

// sameNumber tells whether two ways to write a number mean the same one at a site.
func sameNumber(a, b string, site *directory.Site) bool {
	if a == b || site == nil {
		return a == b
	}
	x, ok := parseNumber(a, site.Country)
	y, too := parseNumber(b, site.Country)
	return ok && too && e164(x) == e164(y)
}

// rename has the other side of a member be told who is there now.
func (t *twoParty) rename(s side) {
	t.unnamed[s.other()], t.untold[s.other()] = true, 0
}

// A phone that cannot be told who is there now, since it negotiates or has something else to do, is asked so often again, after a
// while.
const (
	nameTries = 5
	namePause = 1500 * time.Millisecond
)

// nameAgain has a side be told again that could not be told, by the means that is left. It runs on the owner.
func (t *twoParty) nameAgain(s side, leg *sip.Leg, byOffer bool) {
	if t.legs[s].leg != leg || t.untold[s] >= nameTries {
		return
	}
	t.untold[s]++
	t.unnamed[s] = true
	t.again[s] = t.again[s] || byOffer
	t.refresh()
}

// names are the headers that tell a side who the other one is.
func (t *twoParty) names(to side) []sip.Header {
	return t.legs[to.other()].from.shownTo(t.legs[to].caller).connected()
}

// tellNames tells the sides who the other one is now, by UPDATE, which changes nothing else; a side that knows no UPDATE gets an
// offer of what it has. What an offer under way tells already is told no more.
func (t *twoParty) tellNames() {
	for s := range t.legs {
		if !t.unnamed[s] || t.pending[sideA] || t.pending[sideB] {
			continue
		}
		t.unnamed[s] = false
		headers := t.names(side(s))
		if len(headers) == 0 {
			continue
		}
		leg := t.legs[s].leg
		t.root.spawn(func() { // ends with the answer, or with the call
			err := leg.Update(t.ctx, headers...)
			if err == nil || t.ctx.Err() != nil {
				return
			}
			t.log.DebugContext(t.ctx, "connected line not told", "side", side(s).String(), "err", err)
			byOffer := errors.Is(err, sip.ErrNotAllowed)
			if !byOffer {
				select {
				case <-time.After(namePause):
				case <-t.ctx.Done():
					return
				}
			}
			_ = t.do(t.ctx, func() { t.nameAgain(side(s), leg, byOffer) }) // the call may have ended
		})
	}
}
