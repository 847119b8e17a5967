package sip

import (
	"context"
	"slices"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// EventPackage serves one event package (RFC 6665 §5.4). Server.Handle registers it.
//
// Subscribe is called once for each new subscription, on the goroutine that owns it, after its line was proven and before
// its SUBSCRIBE is answered. A nil error accepts it: the answer 200 leaves first, then what Subscribe has queued by State
// or Notify. Any other error refuses it with the status of StatusOf, such as 404 for a resource nobody has. Subscribe must
// not wait. Its ctx ends when the subscription does; context.Cause tells why.
type EventPackage interface {
	// Name is the event type as the Event header has it.
	Name() string
	Subscribe(ctx context.Context, s *Subscription) error
}

// EventExtender is what an EventPackage may satisfy besides: it names the option tags that its SUBSCRIBEs may require,
// such as "eventlist" (RFC 4662 §4.1).
type EventExtender interface {
	OptionTags() []string
}

// Handle registers an event package, before Run. Allow-Events in all answers, those of the registrar too, names it from
// now on (RFC 6665 §8.2.2).
func (s *Server) Handle(p EventPackage) {
	s.subs.packages[strings.ToLower(p.Name())] = p
	s.events = withEvent(s.events, p.Name())
	if s.reg != nil {
		s.reg.serves(p.Name())
	}
}

// serves adds an event package to the Allow-Events of the registrar's answers, before Run.
func (r *Registrar) serves(event string) {
	r.cfg.AllowEvents = withEvent(r.cfg.AllowEvents, event)
	r.allow = sipmsg.NewHeader("Allow-Events", strings.Join(r.cfg.AllowEvents, ", "))
}

// withEvent returns a list with one more event, without touching what the list shares.
func withEvent(list []string, event string) []string {
	if slices.ContainsFunc(list, func(e string) bool { return strings.EqualFold(e, event) }) {
		return list
	}
	return append(slices.Clone(list), event)
}

// optionTags are the extensions that a SUBSCRIBE may require.
func (s *Server) optionTags(in *inbound) []string {
	if in.Method != sipmsg.SUBSCRIBE {
		return nil
	}
	name, _, _ := parseEvent(headerValue(in.Request, "event"))
	if x, ok := s.subs.packages[strings.ToLower(name)].(EventExtender); ok {
		return x.OptionTags()
	}
	return nil
}

// parseEvent reads an Event header (RFC 6665 §8.2.1): the event type, its id, and all parameters with names in lower case.
func parseEvent(v string) (name, id string, params map[string]string) {
	name, rest := cutUnquoted(v, ';')
	for rest != "" {
		var one string
		one, rest = cutUnquoted(rest, ';')
		key, val, _ := strings.Cut(one, "=")
		if key = strings.ToLower(strings.TrimSpace(key)); key == "" {
			continue
		}
		if params == nil {
			params = make(map[string]string)
		}
		params[key] = unquote(strings.TrimSpace(val))
	}
	return strings.TrimSpace(name), params["id"], params
}
