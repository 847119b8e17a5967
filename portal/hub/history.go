package hub

import (
	"net/http"
	"time"

	"passerelle/call/cdr"
	"passerelle/directory"
	"passerelle/portal/page"
)

// callsPage is the user's latest calls, the newest first.
type callsPage struct {
	Calls []callRow
	Zone  *time.Location
}

// callRow is a call of the user's line.
type callRow struct {
	Out, Answered bool
	Number        string // of the other side; empty when it was withheld
	Space         bool   // into a space
	At            time.Time
	Length        time.Duration
}

const (
	// maxCalls is how many calls the page shows.
	maxCalls = 50
	// callsSince is how far back it looks.
	callsSince = 31 * 24 * time.Hour
)

func (h *Hub) history(w http.ResponseWriter, r *http.Request, u *directory.User) {
	line, domain := u.Line(), u.Site.Domain
	found, err := h.cfg.Records.Between(time.Now().Add(-callsSince), cdr.Mark{}, 4*maxCalls, func(r cdr.Record) bool {
		return r.User == line && r.Site == domain
	})
	if err != nil {
		h.view.Fail(w, r, "read the call records", err)
		return
	}
	c := callsPage{Zone: h.view.Zone(r)}
	at := map[[2]string]int{} // a call that rang several phones of the line is one row, answered if one of them was
	for _, rec := range found {
		row := callRow{Out: rec.Direction == cdr.In, Number: rec.Number, Space: rec.Space != "" || rec.Route == "gateway", At: rec.Start, Answered: !rec.Answer.IsZero()}
		if row.Answered {
			row.Length = rec.End.Sub(rec.Answer)
		}
		key := [2]string{rec.Call, string(rec.Direction)}
		if i, again := at[key]; again {
			if row.Answered {
				c.Calls[i] = row
			}
			continue
		}
		if len(c.Calls) == maxCalls {
			break
		}
		at[key] = len(c.Calls)
		c.Calls = append(c.Calls, row)
	}
	h.render(w, r, "calls", http.StatusOK, page.Frame{Title: h.text(r, "nav.calls"), Area: "calls", Data: c})
}
