package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

const tokenScheme = "token"

const aboutAPI = `Live state and configuration of a Passerelle server.

Send a token as "Authorization: Bearer …". Each operation names the scope that it asks for; admin includes them all. A token
of one site meets that site only: what belongs to others is not there, and what is for the whole enterprise is refused. Lists return at most
"limit" entries and the cursor of the next page. Faults are problem details (RFC 9457) whose "errors" name the fields.
Times are RFC 3339 in UTC.`

// description starts the OpenAPI document. The library's own routes stay off: they render on first use without a lock,
// and its documentation page loads scripts from elsewhere.
func description(version string) huma.Config {
	cfg := huma.DefaultConfig("Passerelle", version)
	cfg.Info.Description = aboutAPI
	cfg.Servers = []*huma.Server{{URL: "/", Description: "the server that serves this document"}}
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil // no $schema links in answers
	cfg.Transformers = []huma.Transformer{withoutValues}
	cfg.RejectUnknownQueryParameters = true
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		tokenScheme: {Type: "http", Scheme: "bearer", Description: "A token of the server, or one that somebody made for their account. Scopes: " + names(Scopes()) + "."},
	}
	cfg.Tags = []*huma.Tag{
		{Name: "Live", Description: "What happens now."},
		{Name: "Directory", Description: "What is configured."},
		{Name: "Operation", Description: "The server itself."},
	}
	return cfg
}

// withoutValues keeps the library from repeating what was sent: it may hold a password or a space ID.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		for _, d := range p.Errors {
			d.Value = nil
		}
	}
	return v, nil
}

// describe notes the operations that take a key.
func (a *API) describe() {
	a.posts = make(map[string]*huma.Operation)
	for path, item := range a.huma.OpenAPI().Paths {
		if item.Post != nil {
			a.posts[http.MethodPost+" "+path] = item.Post
		}
	}
}

// rendered is the OpenAPI document in both forms.
type rendered struct{ json, yaml []byte }

// render makes the document; it is asked for rarely, and costs more than all the rest of the API's beginning.
func (a *API) render() (d rendered, err error) {
	if d.json, err = json.Marshal(a.huma.OpenAPI()); err == nil {
		d.yaml, err = a.huma.OpenAPI().YAML()
	}
	if err != nil {
		err = fmt.Errorf("render the API description: %w", err)
	}
	return d, err
}

// Description serves the OpenAPI document, as JSON or YAML by the path's ending. It needs no token.
func (a *API) Description() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := a.document()
		if err != nil {
			a.log.ErrorContext(r.Context(), "API not described", "err", err)
			Problem(w, http.StatusInternalServerError, "the description cannot be made")
			return
		}
		body, kind := d.yaml, "application/yaml"
		if r.URL.Path == "/openapi.json" {
			body, kind = d.json, "application/json"
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(body) // fails only when the caller has gone
	})
}

// operation is the common part of all operations: its scope, its tag and the refusals that any may give.
func operation(scope Scope, tag, method, path, id, summary string, errs ...int) huma.Operation {
	op := huma.Operation{
		OperationID: id,
		Method:      method,
		Path:        "/api/v1" + path,
		Summary:     summary,
		Tags:        []string{tag},
		Security:    []map[string][]string{{tokenScheme: {string(scope)}}},
		Errors:      slices.Concat([]int{http.StatusUnauthorized, http.StatusForbidden}, errs),
	}
	if method == http.MethodPost {
		op.Parameters = []*huma.Param{{
			Name: idempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Text of your choice, such as a UUID. A request that was done is answered the same again for 24 hours, and not done twice: " +
				"409 while it is under way, 422 for the key of another request.",
		}}
		for _, code := range []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusTooManyRequests} {
			if !slices.Contains(op.Errors, code) {
				op.Errors = append(op.Errors, code)
			}
		}
	}
	return op
}

// ofSites is the mark of operations that hold their callers to the sites that they see.
const ofSites = "passerelle.of-sites"

// bySite marks an operation whose handler holds the caller to the sites that it sees (see sees). Without the mark an
// operation is refused to callers who see one site only.
func bySite(op huma.Operation) huma.Operation {
	op.Metadata = map[string]any{ofSites: true}
	return op
}

func isBySite(op *huma.Operation) bool { return op.Metadata[ofSites] == true }

// scopeOf reads the scope back from the description, so that what is enforced is what is told.
func scopeOf(op *huma.Operation) Scope {
	for _, s := range op.Security {
		if scopes := s[tokenScheme]; len(scopes) == 1 {
			return Scope(scopes[0])
		}
	}
	return ScopeAdmin
}
