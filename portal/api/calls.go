package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/call/cdr"
)

// Records is the journal of calls.
type Records interface {
	// Between returns up to n records that match, ended since then and stand before the mark, newest first.
	Between(since time.Time, before cdr.Mark, n int, match func(cdr.Record) bool) ([]cdr.Record, error)
}

// CallLeg is the account of one leg of a call. A call through the server has two or more, with the same call.
type CallLeg struct {
	ID        string     `json:"id" doc:"Of the record, unique for ever."`
	Call      string     `json:"call" doc:"Shared by the legs of one call."`
	CallID    string     `json:"call_id" doc:"SIP Call-ID of the leg."`
	Direction string     `json:"direction" enum:"in,out" doc:"in is a leg that called us, out one that we called."`
	Line      string     `json:"line,omitempty" doc:"Line that called or was called; absent for a trunk."`
	Device    string     `json:"device,omitempty" doc:"User name of the phone."`
	Host      string     `json:"host,omitempty" doc:"Owner of the phone, when somebody else was signed in on it."`
	Trunk     string     `json:"trunk,omitempty"`
	Site      string     `json:"site,omitempty" doc:"SIP domain of the site."`
	Number    string     `json:"number,omitempty" doc:"The other side, as dialled or asserted; … where it could be a space ID."`
	Route     string     `json:"route,omitempty" doc:"Where the call went: line, trunk, emergency, gateway, uri, feature, refused."`
	Space     string     `json:"space,omitempty" doc:"Ref of the space that the leg entered."`
	Start     time.Time  `json:"start"`
	Answer    *time.Time `json:"answer,omitempty" doc:"Absent when the call was not answered."`
	End       time.Time  `json:"end"`
	Seconds   int        `json:"seconds" doc:"From the answer to the end, rounded up; 0 when it was not answered."`
	Ended     string     `json:"ended" enum:"peer,server,interrupted" doc:"Who ended it; interrupted means that the server died meanwhile."`
	Code      int        `json:"code,omitempty" doc:"Final SIP status; 200 for a call that was answered and hung up."`
	Cause     string     `json:"cause,omitempty"`
	Codec     string     `json:"codec,omitempty"`
	Received  *Quality   `json:"received,omitempty" doc:"From the phone to us."`
	Sent      *Quality   `json:"sent,omitempty" doc:"From us to the phone, as it reports."`
}

// Quality is what became of the media of one direction.
type Quality struct {
	Packets  uint64  `json:"packets"`
	Lost     uint64  `json:"lost"`
	JitterMS float64 `json:"jitter_ms" doc:"RFC 3550 §6.4.1."`
	DelayMS  float64 `json:"delay_ms" doc:"Of the jitter buffer, or half the round trip."`
	MOS      float64 `json:"mos" doc:"Estimate by the E-model, 1 to 4.5."`
}

func newQuality(q *cdr.Quality) *Quality {
	if q == nil {
		return nil
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return &Quality{Packets: q.Packets, Lost: q.Lost, JitterMS: ms(q.Jitter), DelayMS: ms(q.Delay), MOS: q.MOS}
}

func newCallLeg(r cdr.Record) CallLeg {
	c := CallLeg{
		ID: r.ID, Call: r.Call, CallID: r.CallID, Direction: string(r.Direction), Line: r.User, Device: r.Device, Host: r.Host,
		Trunk: r.Trunk, Site: r.Site, Number: r.Number, Route: r.Route, Space: r.Space, Start: r.Start.UTC(), End: r.End.UTC(),
		Ended: string(r.Ended), Code: r.Code, Cause: r.Cause, Codec: r.Codec, Received: newQuality(r.Received), Sent: newQuality(r.Sent),
	}
	if !r.Answer.IsZero() {
		at := r.Answer.UTC()
		c.Answer, c.Seconds = &at, int((r.End.Sub(r.Answer)+time.Second-1)/time.Second)
	}
	return c
}

// CallsQuery says which records are asked for. Embedded in an input it must be exported to be filled.
type CallsQuery struct {
	Site      string    `query:"site" maxLength:"255" doc:"Only legs of the site with this SIP domain."`
	Line      string    `query:"line" maxLength:"255" doc:"Only legs of this line." example:"+33170001201"`
	Trunk     string    `query:"trunk" maxLength:"255" doc:"Only legs by this trunk."`
	Number    string    `query:"number" maxLength:"255" doc:"Only legs whose other side has this number, as it is recorded."`
	Space     string    `query:"space" maxLength:"64" doc:"Only legs that entered the space with this ref."`
	Call      string    `query:"call" maxLength:"64" doc:"Only the legs of this call."`
	Direction string    `query:"direction" enum:"in,out"`
	Answered  string    `query:"answered" enum:"true,false" doc:"Only legs that were answered, or that were not."`
	Since     time.Time `query:"since" doc:"Only legs that ended then or later."`
	Until     time.Time `query:"until" doc:"Only legs that ended before."`
}

// match tells whether a record is asked for.
func (q CallsQuery) match(r cdr.Record) bool {
	for _, pair := range [][2]string{
		{q.Line, r.User}, {q.Trunk, r.Trunk}, {q.Number, r.Number}, {q.Space, r.Space}, {q.Call, r.Call}, {q.Direction, string(r.Direction)},
	} {
		if pair[0] != "" && pair[0] != pair[1] {
			return false
		}
	}
	switch {
	case q.Site != "" && !sameDomain(q.Site, r.Site), q.Answered != "" && (q.Answered == "true") == r.Answer.IsZero():
		return false
	}
	return q.Until.IsZero() || r.End.Before(q.Until)
}

// values are the query again, for the link to the next page.
func (q CallsQuery) values() url.Values {
	v := url.Values{
		"site": {q.Site}, "line": {q.Line}, "trunk": {q.Trunk}, "number": {q.Number}, "space": {q.Space}, "call": {q.Call},
		"direction": {q.Direction}, "answered": {q.Answered},
	}
	for name, at := range map[string]time.Time{"since": q.Since, "until": q.Until} {
		if !at.IsZero() {
			v.Set(name, at.Format(time.RFC3339Nano))
		}
	}
	for name, value := range v {
		if value[0] == "" {
			delete(v, name)
		}
	}
	return v
}

func (a *API) registerCalls() {
	op := operation(ScopeRead, "Operation", http.MethodGet, "/calls", "list-calls", "List the call records", http.StatusUnprocessableEntity)
	op.Description = "Records of legs that have ended, the one that ended last first. A call that ends while you page shifts no others."
	huma.Register(a.huma, bySite(op), func(ctx context.Context, in *struct {
		PageQuery
		CallsQuery
	}) (*pageOutput[CallLeg], error) {
		before, ok := parseMark(in.Cursor)
		if !ok {
			return nil, invalid("query.cursor", errBadCursor.Error())
		}
		found, err := a.cfg.Records.Between(in.Since, before, in.Limit+1, func(r cdr.Record) bool { return sees(ctx, "", r.Site) && in.match(r) })
		if err != nil {
			return nil, a.fail(ctx, "read the call records", err)
		}
		out := &pageOutput[CallLeg]{}
		out.Body.Items = []CallLeg{}
		for _, r := range found[:min(len(found), in.Limit)] {
			out.Body.Items = append(out.Body.Items, newCallLeg(r))
		}
		if len(found) > in.Limit {
			out.Body.NextCursor = formatMark(cdr.MarkOf(found[in.Limit-1]))
			next := in.values()
			next.Set("cursor", out.Body.NextCursor)
			next.Set("limit", strconv.Itoa(in.Limit))
			out.Link = "</api/v1/calls?" + next.Encode() + `>; rel="next"`
		}
		return out, nil
	})
}

// formatMark makes a cursor of a place in the journal.
func formatMark(m cdr.Mark) string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat([]byte(m.End.UTC().Format(time.RFC3339Nano)), []byte{' '}, []byte(m.ID)))
}

func parseMark(cursor string) (m cdr.Mark, ok bool) {
	if cursor == "" {
		return cdr.Mark{}, true
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return cdr.Mark{}, false
	}
	at, id, _ := strings.Cut(string(text), " ")
	m.ID = id
	m.End, err = time.Parse(time.RFC3339Nano, at)
	return m, err == nil && id != ""
}
