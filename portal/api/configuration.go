package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"passerelle/directory/sitefile"
)

// Configuration reads and replaces what is configured.
type Configuration interface {
	// Import checks the files together with what is configured and, unless it is a dry run, applies all of them in one
	// transaction and puts them in use. Faults of the files come as sitefile's own. progress is called now and then once
	// the files are known to be good. The files' data is not kept.
	Import(ctx context.Context, files []sitefile.Source, dryRun bool, progress func(done, total int)) (Imported, error)
	// Export returns a site file of all that is configured.
	Export(ctx context.Context, secrets sitefile.SecretMode) ([]byte, error)
}

// Imported counts what is configured after an import, or would be.
type Imported struct {
	Sites      int  `json:"sites"`
	Users      int  `json:"users"`
	Workspaces int  `json:"workspaces"`
	DryRun     bool `json:"dry_run" doc:"True when nothing was changed."`
}

// MaxUpload is the most bytes of an import; it holds some hundred thousand users.
const MaxUpload = 64 << 20

func (a *API) registerConfiguration() {
	a.registerImport()

	export := operation(ScopeAdmin, "Directory", http.MethodGet, "/export", "export-configuration", "Export all sites as a site file")
	export.Responses = map[string]*huma.Response{"200": {
		Description: "A site file, ready for import.",
		Content:     map[string]*huma.MediaType{typeYAML: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(a.huma, export, a.exportFile)
}

type exportOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a *API) exportFile(ctx context.Context, in *struct {
	Secrets sitefile.SecretMode `query:"secrets" enum:"omitted,sealed,clear" default:"omitted" doc:"What becomes of passwords, PINs and space IDs: left out, encrypted with the server's key, or, on the admin socket only, in clear."`
}) (*exportOutput, error) {
	if in.Secrets == sitefile.SecretsClear && !callerOf(ctx).id.Local {
		return nil, huma.Error403Forbidden("secrets in clear are exported through the admin socket only")
	}
	file, err := a.cfg.Configuration.Export(ctx, in.Secrets)
	if err != nil {
		return nil, a.fail(ctx, "export", err)
	}
	a.audit(ctx, "configuration exported", "secrets", string(in.Secrets))
	return &exportOutput{ContentType: typeYAML, Disposition: `attachment; filename="sites.yaml"`, Body: file}, nil
}
