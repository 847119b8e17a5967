package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// ndjson is the form of an import's answer that tells progress: one JSON object a line.
const ndjson = "application/x-ndjson"

// ImportLine is one line of an import's progress: either how far it is, or in the last line its result or its fault.
type ImportLine struct {
	Done   int              `json:"done,omitempty"`
	Total  int              `json:"total,omitempty"`
	Result *Imported        `json:"result,omitempty"`
	Fault  *huma.ErrorModel `json:"fault,omitempty"`
}

type importInput struct {
	ContentType string `header:"Content-Type"`
	Accept      string `header:"Accept"`
	Name        string `query:"name" maxLength:"255" default:"upload" doc:"What faults call the file."`
	DryRun      bool   `query:"dry_run" doc:"Check only, change nothing."`
	RawBody     []byte `contentType:"application/yaml"`
}

func (a *API) registerImport() {
	op := operation(ScopeAdmin, "Directory", http.MethodPost, "/import", "import-configuration", "Import a site file or users",
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Description = "All of the file is applied or nothing of it; every fault is reported at once. Ask for " + ndjson +
		" to be told progress, one object a line; the last line holds the result or the fault."
	op.MaxBodyBytes = maxUpload
	op.BodyReadTimeout = 2 * time.Minute
	text := &huma.Schema{Type: huma.TypeString}
	op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{string(KindUsers): {Schema: text}}}
	schemas := a.huma.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {
		Description: "What was imported.",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(reflect.TypeFor[Imported](), true, "")},
			ndjson:             {Schema: schemas.Schema(reflect.TypeFor[ImportLine](), true, "")},
		},
	}}
	huma.Register(a.huma, op, a.importFile)
}

func (a *API) importFile(ctx context.Context, in *importInput) (*huma.StreamResponse, error) {
	kind, ok := kindOf(in.ContentType)
	if !ok {
		return nil, huma.Error415UnsupportedMediaType("Content-Type must be application/yaml (site file) or text/csv (users)")
	}
	up := Upload{Name: in.Name, Kind: kind, Data: in.RawBody}
	lines := strings.Contains(in.Accept, ndjson)
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		p := &progressWriter{w: w, on: lines}
		report, err := a.cfg.Configuration.Import(ctx, up, in.DryRun, p.progress)
		report.DryRun = in.DryRun
		switch {
		case err != nil:
			p.fault(hc, a, a.importFault(ctx, err))
			return
		case lines:
			p.line(ImportLine{Result: &report})
		default:
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(report) // fails only when the caller has gone
		}
		if !in.DryRun {
			a.audit(ctx, "configuration imported", "kind", string(kind), "sites", report.Sites, "users", report.Users, "workspaces", report.Workspaces)
		}
	}}, nil
}

// importFault makes the faults of a file an answer 422 and anything else what fail makes of it.
func (a *API) importFault(ctx context.Context, err error) error {
	if faults := faultDetails(err); len(faults) > 0 {
		return huma.Error422UnprocessableEntity("the file has faults; nothing was changed", faults...)
	}
	return a.fail(ctx, "import", err)
}

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
