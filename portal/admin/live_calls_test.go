package admin

import (
	"testing"
	"time"

	"passerelle/call"
	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// TestCallRows says who talks with whom, of calls of every kind.
func TestCallRows(t *testing.T) {
	dir, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	space := dir.Spaces()[0]
	line := func(d cdr.Direction, name, number string) call.LiveLeg {
		return call.LiveLeg{Name: name, Record: cdr.Record{Direction: d, User: number, Device: number, Number: "202", Answer: time.Now(), Codec: "PCMA"}}
	}
	outside := func(d cdr.Direction, name string) call.LiveLeg {
		return call.LiveLeg{Name: name, Outside: "+33612345678", Record: cdr.Record{Direction: d, Trunk: "carrier", Number: "+33170001000", Answer: time.Now(), Codec: "PCMU"}}
	}
	change := func(l call.LiveLeg, f func(*call.LiveLeg)) call.LiveLeg { f(&l); return l }
	waits := func(l *call.LiveLeg) { l.Answer, l.Codec = time.Time{}, "" }
	rings := func(l *call.LiveLeg) { waits(l); l.Ringing = true }
	alice, bruno := line(cdr.In, "Alice Martin", "201"), line(cdr.Out, "Bruno Keller", "202")
	own := callParty{Name: space.Owner.Name, Space: true, Line: string(space.Site.Gateway.Number)}
	for name, tt := range map[string]struct {
		legs     []call.LiveLeg
		from, to callParty
		state    call.LegState
		codec    string
	}{
		"two lines":       {[]call.LiveLeg{alice, bruno}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "Bruno Keller", Line: "202"}, call.LegUp, "PCMA"},
		"held":            {[]call.LiveLeg{alice, change(bruno, func(l *call.LiveLeg) { l.Held = true })}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "Bruno Keller", Line: "202"}, call.LegHeld, "PCMA"},
		"two phones ring": {[]call.LiveLeg{change(alice, waits), change(bruno, rings), change(bruno, waits)}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "Bruno Keller", Line: "202"}, call.LegRinging, ""},
		"out":             {[]call.LiveLeg{alice, outside(cdr.Out, "")}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "+33612345678", Line: "carrier"}, call.LegUp, "PCMA / PCMU"},
		"in, with a name": {[]call.LiveLeg{outside(cdr.In, "Claude"), bruno}, callParty{Name: "Claude", Line: "+33612345678 carrier"}, callParty{Name: "Bruno Keller", Line: "202"}, call.LegUp, "PCMU / PCMA"},
		"withheld":        {[]call.LiveLeg{change(outside(cdr.In, ""), func(l *call.LiveLeg) { l.Outside = "" }), bruno}, callParty{Line: "carrier"}, callParty{Name: "Bruno Keller", Line: "202"}, call.LegUp, "PCMU / PCMA"},
		"in a space":      {[]call.LiveLeg{change(alice, func(l *call.LiveLeg) { l.Space, l.Route = space.Ref, "gateway" })}, callParty{Name: "Alice Martin", Line: "201"}, own, call.LegUp, "PCMA"},
		"attendant":       {[]call.LiveLeg{change(outside(cdr.In, ""), func(l *call.LiveLeg) { l.Route = "gateway" })}, callParty{Name: "+33612345678", Line: "carrier"}, callParty{Desk: true, Line: "+33170001000"}, call.LegUp, "PCMU"},
		"a space calls":   {[]call.LiveLeg{change(outside(cdr.Out, ""), func(l *call.LiveLeg) { l.Space = space.Ref; rings(l) })}, own, callParty{Name: "+33612345678", Line: "carrier"}, call.LegRinging, ""},
		"conference":      {[]call.LiveLeg{change(alice, func(l *call.LiveLeg) { l.Space = "conference-3" })}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "conference-3"}, call.LegUp, "PCMA"},
		"a code":          {[]call.LiveLeg{change(alice, func(l *call.LiveLeg) { l.Number = "*11" })}, callParty{Name: "Alice Martin", Line: "201"}, callParty{Name: "*11"}, call.LegUp, "PCMA"},
	} {
		row := newCallRow(dir, call.LiveCall{ID: "1", Legs: tt.legs})
		if row.From != tt.from || row.To != tt.to || row.State != tt.state || row.Codec != tt.codec {
			t.Errorf("%s: from %+v to %+v, %s, %q\nwant from %+v to %+v, %s, %q", name, row.From, row.To, row.State, row.Codec, tt.from, tt.to, tt.state, tt.codec)
		}
	}
}
