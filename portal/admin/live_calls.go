package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/portal/account"
	"passerelle/portal/page"
)

// callRow is a live call.
type callRow struct {
	ID       string
	From, To callParty
	Since    time.Time
	State    call.LegState
	Codec    string // of both sides; empty before media flows, and where it does not pass us
	Help     bool   // nobody ends it from here
	Changes  bool   // who looks may end it
}

// callParty is who is in a call.
type callParty struct {
	Name  string // empty when withheld
	Space bool   // Name is of a space's owner
	Desk  bool   // nobody in particular yet: the gateway asks for a space ID
	Line  string // number of the line, or name of the trunk
}

// liveCalls is the list of the calls that are up.
func (p *Portal) liveCalls(w http.ResponseWriter, r *http.Request) {
	if all, list, ok := p.liveCallList(w, r); ok {
		show(p, w, r, "livecalls", all, list)
	}
}

// liveCallEvents sends the list's rows whenever they have changed.
func (p *Portal) liveCallEvents(w http.ResponseWriter, r *http.Request) {
	followList(p, w, r, liveEvery, "livecalls", p.liveCallList)
}

func (p *Portal) liveCallList(w http.ResponseWriter, r *http.Request) (all []*directory.Site, list page.List[callRow], ok bool) {
	all, sites, ok := p.scope(w, r)
	if !ok {
		return nil, list, false
	}
	q := page.ReadQuery(r, "since", "from", "to", "state", "codec")
	who, dir := account.Of(r.Context()), p.cfg.Directory.Current()
	rows := []callRow{}
	for _, c := range p.cfg.LiveCalls.LiveCalls() {
		row, mine := newCallRow(dir, c), false
		for _, l := range c.Legs {
			mine = mine || slices.ContainsFunc(sites, func(s *directory.Site) bool { return strings.EqualFold(s.Domain, l.Site) })
			if s, there := dir.SiteByDomain(l.Site); there && who.Changes(s) {
				row.Changes = true
			}
		}
		if mine && q.Matches(row.From.Name, row.From.Line, row.To.Name, row.To.Line) {
			rows = append(rows, row)
		}
	}
	return all, page.Cut(q, rows, func(a, b callRow) int {
		first := 0
		switch q.Sort {
		case "from":
			first = cmp.Compare(a.From.Name, b.From.Name)
		case "to":
			first = cmp.Compare(a.To.Name, b.To.Name)
		case "state":
			first = cmp.Compare(a.State, b.State)
		case "codec":
			first = cmp.Compare(a.Codec, b.Codec)
		}
		return cmp.Or(first, a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	}), true
}

// newCallRow is a call as the list shows it.
func newCallRow(dir *directory.Directory, c call.LiveCall) callRow {
	first := c.Legs[0]
	row := callRow{ID: c.ID, Since: first.Start, Help: c.Help(), State: first.State()}
	legs := c.Legs
	switch {
	case first.Direction == cdr.In:
		row.From, legs = partyOf(first), legs[1:]
	case first.Space != "":
		row.From = spaceParty(dir, first.Space)
	}
	var codecs []string
	for _, l := range c.Legs {
		if l.Codec != "" && !slices.Contains(codecs, l.Codec) {
			codecs = append(codecs, l.Codec)
		}
		switch s := l.State(); {
		case row.State == call.LegTrying && s == call.LegRinging, row.State == call.LegUp && s == call.LegHeld:
			row.State = s
		}
	}
	row.Codec = strings.Join(codecs, " / ")
	var names, lines []string
	for _, l := range legs { // several phones of one line are one callee
		to := partyOf(l)
		if !slices.Contains(names, to.Name) {
			names = append(names, to.Name)
		}
		if to.Line != "" && !slices.Contains(lines, to.Line) {
			lines = append(lines, to.Line)
		}
	}
	row.To = callParty{Name: strings.Join(names, ", "), Line: strings.Join(lines, ", ")}
	if len(legs) == 0 {
		row.To = callParty{Name: first.Number}
		switch {
		case first.Space != "":
			row.To = spaceParty(dir, first.Space)
		case first.Route == call.ToGateway.String():
			row.To = callParty{Desk: true, Line: first.Number}
		}
	}
	return row
}

// partyOf is who is at the end of a leg.
func partyOf(l call.LiveLeg) callParty {
	p := callParty{Name: l.Name, Line: l.User}
	if l.Device == "" { // outside: a space's call on the account of a line too
		p.Line = l.Trunk
	}
	switch {
	case l.Outside != "" && l.Name != "" && l.Name != l.Outside:
		p.Line = strings.TrimSpace(l.Outside + " " + p.Line)
	case l.Outside != "":
		p.Name = l.Outside
	}
	return p
}

// spaceParty is a space by its ref; a conference has no owner in the directory.
func spaceParty(dir *directory.Directory, ref string) callParty {
	if sp, ok := dir.SpaceByRef(ref); ok {
		return callParty{Name: sp.Owner.Name, Space: true, Line: string(sp.Site.Gateway.Number)}
	}
	return callParty{Name: ref}
}

// liveCall is the call that a path names, for those who may end it. Without one the request is answered.
func (p *Portal) liveCall(w http.ResponseWriter, r *http.Request) (callRow, bool) {
	who, dir := account.Of(r.Context()), p.cfg.Directory.Current()
	for _, c := range p.cfg.LiveCalls.LiveCalls() {
		if c.ID != r.PathValue("id") {
			continue
		}
		row, seen := newCallRow(dir, c), false
		for _, l := range c.Legs {
			if s, ok := dir.SiteByDomain(l.Site); ok && who.Sees(s) {
				seen, row.Changes = true, row.Changes || who.Changes(s)
			}
		}
		switch {
		case !seen:
			p.view.Refuse(w, r, http.StatusNotFound)
		case !row.Changes:
			p.view.Refuse(w, r, http.StatusForbidden)
		case row.Help:
			p.view.Note(w, r, "/live-calls", page.Note{Key: "livecalls.help"})
		default:
			return row, true
		}
		return callRow{}, false
	}
	if r.Method == http.MethodPost { // it has ended before the button was pressed
		p.view.Note(w, r, "/live-calls", page.Note{Key: "livecalls.ended_already"})
	} else {
		p.view.Refuse(w, r, http.StatusNotFound)
	}
	return callRow{}, false
}

// endCallForm asks before a call is ended.
func (p *Portal) endCallForm(w http.ResponseWriter, r *http.Request) {
	if c, ok := p.liveCall(w, r); ok {
		p.view.Render(w, r, pages, "endcall", http.StatusOK, page.Frame{Title: p.text(r, "endcall.title"), Area: "livecalls", Data: c,
			Trail: []page.Crumb{{Text: p.text(r, "nav.livecalls"), Href: "/live-calls"}, {Text: p.text(r, "endcall.title")}}})
	}
}

func (p *Portal) endCall(w http.ResponseWriter, r *http.Request) {
	c, ok := p.liveCall(w, r)
	if !ok {
		return
	}
	err := p.cfg.LiveCalls.EndCall(r.Context(), c.ID)
	switch {
	case errors.Is(err, call.ErrNoCall):
		p.view.Note(w, r, "/live-calls", page.Note{Key: "livecalls.ended_already"})
	case errors.Is(err, context.Canceled):
	case err != nil:
		p.view.Fail(w, r, "end call", err)
	default:
		p.audit(r.Context(), "call ended", "call", c.ID)
		p.view.Note(w, r, "/live-calls", page.Note{Key: "livecalls.ended"})
	}
}
