package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// progressWriter writes the lines of an import. Until the first line the answer may still become a problem with a
// status of its own.
type progressWriter struct {
	w       http.ResponseWriter
	on      bool
	started bool
	last    time.Time
}

// progress tells at most ten times a second how far the import is, and lets the answer take as long as it advances.
func (p *progressWriter) progress(done, total int) {
	now := time.Now()
	if !p.on || done < total && now.Sub(p.last) < 100*time.Millisecond {
		return
	}
	p.last = now
	// Fails where the connection has no deadlines, and then it needs none.
	_ = http.NewResponseController(p.w).SetWriteDeadline(now.Add(time.Minute))
	p.line(ImportLine{Done: done, Total: total})
}

func (p *progressWriter) line(l ImportLine) {
	if !p.started {
		p.started = true
		p.w.Header().Set("Content-Type", ndjson)
	}
	// A line that cannot be written has no reader any more; the import goes on.
	_ = json.NewEncoder(p.w).Encode(l)
	_ = http.NewResponseController(p.w).Flush()
}

func (p *progressWriter) fault(hc huma.Context, a *API, err error) {
	var status huma.StatusError
	if !errors.As(err, &status) {
		status = huma.Error500InternalServerError("internal error")
	}
	model, ok := status.(*huma.ErrorModel)
	if !ok {
		model = &huma.ErrorModel{Status: status.GetStatus(), Title: http.StatusText(status.GetStatus()), Detail: status.Error()}
	}
	if p.started {
		p.line(ImportLine{Fault: model})
		return
	}
	var errs []error
	for _, d := range model.Errors {
		errs = append(errs, d)
	}
	a.refuse(hc, model.Status, model.Detail, errs...)
}
