package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"passerelle/directory/sitefile"
)

// ndjson is the form of an import's answer that tells progress: one JSON object a line.
const ndjson = "application/x-ndjson"

const (
	typeYAML = "application/yaml"
	typeCSV  = "text/csv"
	typeForm = "multipart/form-data"
)

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
	Name        string `query:"name" maxLength:"255" doc:"What faults call the file; a form names each of its files itself."`
	DryRun      bool   `query:"dry_run" doc:"Check only, change nothing."`
	RawBody     []byte `contentType:"application/yaml"`
}

func (a *API) registerImport() {
	op := operation(ScopeAdmin, "Directory", http.MethodPost, "/import", "import-configuration", "Import a site file or users",
		http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusServiceUnavailable)
	op.Description = "A site file replaces the sites whose domains it has; users are added to sites that exist. Several files come in one form. " +
		"All is applied or nothing is, and every fault is reported at once. Ask for " + ndjson +
		" to be told progress, one object a line; the last line holds the result or the fault."
	op.MaxBodyBytes = MaxUpload
	op.BodyReadTimeout = 2 * time.Minute
	text := &huma.Schema{Type: huma.TypeString}
	op.RequestBody = &huma.RequestBody{Content: map[string]*huma.MediaType{typeCSV: {Schema: text}}}
	schemas := a.huma.OpenAPI().Components.Schemas
	op.Responses = map[string]*huma.Response{"200": {
		Description: "What was imported.",
		Content: map[string]*huma.MediaType{
			"application/json": {Schema: schemas.Schema(reflect.TypeFor[Imported](), true, "")},
			ndjson:             {Schema: schemas.Schema(reflect.TypeFor[ImportLine](), true, "")},
		},
	}}
	huma.Register(a.huma, op, a.importFile)
	// Told after registration: the library would try to decode a body whose schema is an object.
	op.RequestBody.Content[typeForm] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"file": {Type: huma.TypeArray, Items: text, Description: "Site files (.yaml) and users (.csv)."},
	}}}
}

func (a *API) importFile(ctx context.Context, in *importInput) (*huma.StreamResponse, error) {
	files, err := uploads(in)
	if err != nil {
		return nil, err
	}
	lines := strings.Contains(in.Accept, ndjson)
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		_, w := humago.Unwrap(hc)
		p := &progressWriter{w: w, on: lines}
		report, err := a.cfg.Configuration.Import(ctx, files, in.DryRun, p.progress)
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
			a.audit(ctx, "configuration imported", "files", len(files), "sites", report.Sites, "users", report.Users, "workspaces", report.Workspaces)
		}
	}}, nil
}

// uploads takes the files out of a request. A media type that is none of ours, such as curl's own default, is refused
// rather than guessed.
func uploads(in *importInput) ([]sitefile.Source, error) {
	kind, params, err := mime.ParseMediaType(in.ContentType)
	if err != nil {
		kind = ""
	}
	switch kind {
	case typeYAML, "application/x-yaml", "text/yaml", "text/x-yaml":
		return []sitefile.Source{{Name: named(in.Name, "upload.yaml"), Data: in.RawBody}}, nil
	case typeCSV:
		return []sitefile.Source{{Name: named(in.Name, "upload.csv"), Data: in.RawBody}}, nil
	case typeForm:
		return FormFiles(multipart.NewReader(bytes.NewReader(in.RawBody), params["boundary"]))
	}
	return nil, huma.Error415UnsupportedMediaType("Content-Type must be " + typeYAML + " (site file), " + typeCSV + " (users) or " + typeForm + " (several files)")
}

// named keeps the ending that tells the reader what the file holds.
func named(name, byType string) string {
	switch ext := path.Ext(byType); {
	case name == "":
		return byType
	case strings.EqualFold(path.Ext(name), ".csv") != (ext == ".csv"):
		return name + ext
	}
	return name
}

// FormFiles reads the files of a form in memory: files with secrets leave no copy on a disk.
func FormFiles(form *multipart.Reader) ([]sitefile.Source, error) {
	var files []sitefile.Source
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) && len(files) > 0 {
			return files, nil
		}
		if err != nil {
			return nil, huma.Error400BadRequest("the form holds no file or is cut short")
		}
		name := fileName(part)
		if name == "" {
			return nil, invalid("body."+part.FormName(), "is not a file")
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return nil, huma.Error400BadRequest("the form is cut short")
		}
		files = append(files, sitefile.Source{Name: name, Data: data})
	}
}

// fileName returns the name of a part whole, with its directories: it is for people who read faults, no file is opened
// by it.
func fileName(part *multipart.Part) string {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return ""
	}
	return params["filename"]
}

// importFault makes the faults of a file an answer 422 and anything else what fail makes of it.
func (a *API) importFault(ctx context.Context, err error) error {
	if faults := faultDetails(err); len(faults) > 0 {
		return huma.Error422UnprocessableEntity("the files have faults; nothing was changed", faults...)
	}
	return a.fail(ctx, "import", err)
}
