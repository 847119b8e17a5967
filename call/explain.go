package call

import (
	"errors"
	"fmt"
	"strings"

	"passerelle/directory"
	"passerelle/sip"
)

// ErrNoCaller means that a name is no line's and no trunk's.
var ErrNoCaller = errors.New("no line and no trunk has that name")

// Explanation is a route in words, for people who ask why a call goes where it goes. It holds no space ID.
type Explanation struct {
	Caller      string         `json:"caller" doc:"Line or trunk that calls."`
	Route       string         `json:"route" enum:"refused,gateway,line,trunk,emergency,uri,feature" doc:"Kind of destination."`
	Destination string         `json:"destination" doc:"Where the call goes, or why it is refused."`
	Class       string         `json:"class" enum:"none,internal,national,international,premium_rate,international_premium_rate,emergency" doc:"What the call is to calling plans, night hours and limits."`
	HidesNumber bool           `json:"hides_number,omitempty" doc:"The called side does not see the caller's number."`
	Status      int            `json:"status,omitempty" doc:"SIP status of a refused call."`
	Reason      string         `json:"reason,omitempty" doc:"Reason phrase of a refused call."`
	Spoken      string         `json:"spoken,omitempty" doc:"Announcement that tells the caller why the call is refused."`
	Callback    string         `json:"callback,omitempty" doc:"Number that reaches the phone of an emergency call."`
	Trunks      []TrunkInWords `json:"trunks,omitempty" doc:"Ways out, in the order in which they are tried."`
	Steps       []string       `json:"steps" nullable:"false" doc:"How the plan came to it."`
}

// TrunkInWords is one way out.
type TrunkInWords struct {
	Name   string `json:"name" doc:"Site's domain and trunk's name."`
	Called string `json:"called" doc:"Called number as the trunk gets it."`
	Caller string `json:"caller,omitempty" doc:"Caller's number as the trunk gets it; absent when there is none to show."`
	Down   bool   `json:"down,omitempty" doc:"The trunk does not answer now."`
	Calls  int    `json:"calls,omitempty" doc:"Calls that are up on it now."`
	Most   int    `json:"most,omitempty" doc:"Calls that it carries at most; absent means no limit."`
}

// Explain says where a call would go now, and how that comes. From is a line's number, extension (at its domain, where
// several sites have it) or user name, or a trunk as TrunkName has it; to is what would be dialled, or a whole URI. Fields of now that
// are nil are left out of account.
func Explain(dir *directory.Directory, from, to string, now Limits) (Explanation, error) {
	caller, err := callerNamed(dir, from)
	if err != nil {
		return Explanation{}, err
	}
	if now.Hotel == nil {
		now.Hotel = home{}
	}
	hotel := &Root{hotel: now.Hotel}
	caller = placed(dir, now.Hotel, caller, from)
	r := Plan(dir, caller, dialledURI(to, caller.Site))
	if hotel.away(dir, caller, r) {
		r = refusedAway
		r.Steps = []string{awayInWords(dir, now.Hotel, caller.User)}
	}
	payer, steps := caller.User, r.Steps
	for hop := 0; r.Kind == ToLine && hop < maxExplained; hop++ {
		steps = append(steps, treatment(r.User)...)
		steps = append(steps, ringingInWords(dir, now.Hotel, r.User)...)
		next, forwarded := Forward(dir, r.User, ForwardAlways)
		if !forwarded {
			break
		}
		payer, r, steps = r.User, next, append(steps, next.Steps...)
	}
	if payer != nil && now.Fraud != nil && r.External() {
		steps = append(steps, limits(payer, r.Class, now.Fraud)...)
	}
	e := Explanation{
		Caller: callerInWords(caller), Route: r.Kind.String(), Destination: destination(r), Class: r.Class.String(), HidesNumber: r.HideNumber,
		Status: r.Status, Reason: r.Reason, Spoken: string(r.Spoken), Callback: string(r.Callback), Steps: steps,
	}
	for _, t := range r.InOrder(now.Health) {
		e.Trunks = append(e.Trunks, trunkInWords(r, t, caller, now))
	}
	return e, nil
}

// maxExplained bounds the forwardings that an explanation follows.
const maxExplained = 5

// callerNamed finds who calls.
func callerNamed(dir *directory.Directory, name string) (directory.Caller, error) {
	if strings.Contains(name, "/") {
		if t, ok := trunkNamed(dir, name); ok {
			return directory.Caller{Trunk: t, Site: t.Site, Number: "unknown", Language: t.Site.Language}, nil
		}
		return directory.Caller{}, ErrNoCaller
	}
	user, host, _ := strings.Cut(strings.TrimPrefix(name, "sip:"), "@")
	u, ok := dir.UserByURI(user, host)
	if !ok {
		return directory.Caller{}, ErrNoCaller
	}
	c := directory.Caller{User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language}
	if devices := u.Devices(); len(devices) > 0 {
		c.Device = devices[0]
	}
	if device, ok := dir.DeviceByUsername(user); ok && device.User == u {
		c.Device = device
	}
	return c, nil
}

// dialledURI is the Request-URI that a phone of the site makes of what is dialled.
func dialledURI(text string, site *directory.Site) sip.URI {
	if u, ok := parseTarget(text); ok {
		return u
	}
	user, host, ok := strings.Cut(text, "@")
	if !ok {
		host = site.Domain
	}
	return sip.URI{Scheme: "sip", User: user, Host: strings.ToLower(host)}
}

func callerInWords(c directory.Caller) string {
	if c.User == nil {
		return "trunk " + TrunkName(c.Trunk)
	}
	return lineInWords(c.User)
}

func lineInWords(u *directory.User) string {
	return fmt.Sprintf("%s (%s) of %s", u.Name, u.Line(), u.Site.Domain)
}

func destination(r Route) string {
	switch r.Kind {
	case Refused:
		return r.Why
	case ToGateway:
		if r.SpaceID != "" {
			return "a space of " + r.Site.Domain
		}
		return "the spaces of " + r.Site.Domain
	case ToLine:
		return lineInWords(r.User)
	case ToTrunk:
		if r.Number == "" {
			return "a short number"
		}
		return "a number outside"
	case ToEmergency:
		return "help, by " + r.Digits + " at " + r.Site.Domain
	case ToURI:
		return r.URI
	case ToFeature:
		if r.User != nil {
			return string(r.Feature) + " at " + lineInWords(r.User)
		}
		return string(r.Feature)
	}
	return ""
}

// treatment tells what becomes of a call at a line.
func treatment(u *directory.User) []string {
	var steps []string
	if u.DND {
		steps = append(steps, u.Name+" does not want to be disturbed: busy")
	}
	for _, cause := range []ForwardCause{ForwardBusy, ForwardNoAnswer, ForwardNotReachable} {
		if target := cause.Target(u.Forwards); target != "" {
			steps = append(steps, fmt.Sprintf("%s forwards calls (%s) to %s", u.Name, cause, target))
		}
	}
	return append(steps, fmt.Sprintf("the phones of %s ring for %v", u.Name, u.RingTime()))
}

// limits tells how the line that pays stands to its limits.
func limits(u *directory.User, class Class, g *FraudGuard) []string {
	use := g.Use(u)
	step := fmt.Sprintf("%s has %d calls outside up (%s), %d begun in a minute (%s)", u.Name,
		use.Up, most(u.Limits.SimultaneousExternal), use.LastMinute, most(u.Limits.PerMinute))
	if err := g.Check(u, class); err != nil {
		step += ": " + err.Error()
	}
	return []string{step}
}

func most(limit int) string {
	if limit == 0 {
		return "no limit"
	}
	return fmt.Sprintf("%d at most", limit)
}

func trunkInWords(r Route, t *directory.Trunk, c directory.Caller, now Limits) TrunkInWords {
	w := TrunkInWords{Name: TrunkName(t), Called: r.Called(t), Most: t.Channels}
	switch number := directory.Number(c.Number); {
	case r.Kind == ToEmergency:
		w.Caller = Written(r.Callback, t)
	case c.User != nil:
		w.Caller = Written(CallerNumber(c.User, t), t)
	default:
		w.Caller = Written(number, t)
	}
	if now.Channels != nil {
		w.Calls = now.Channels.Calls(t)
	}
	w.Down = now.Health != nil && !now.Health.Up(t)
	return w
}
