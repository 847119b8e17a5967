package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Configuration reads and replaces what is configured.
type Configuration interface {
	// Import checks the whole upload together with what is configured and, unless it is a dry run, applies it in one
	// transaction and puts it in use. Its faults come joined, each naming its place. progress is called now and then
	// once the upload is known to be good.
	Import(ctx context.Context, up Upload, dryRun bool, progress func(done, total int)) (Imported, error)
	// Export returns a site file of all that is configured.
	Export(ctx context.Context, secrets Secrets) ([]byte, error)
}

// FileKind is what an upload holds.
type FileKind string

const (
	// KindSiteFile is YAML: whole sites, each replacing the site with its domain.
	KindSiteFile FileKind = "application/yaml"
	// KindUsers is CSV: users of sites that exist, each added or replacing the one with its key.
	KindUsers FileKind = "text/csv"
)

// Upload is one file to import.
type Upload struct {
	Name string // as faults call it
	Kind FileKind
	Data []byte // valid until Import returns
}

// Secrets says what an export does with passwords, PINs and space IDs.
type Secrets string

const (
	// SecretsOmit leaves them out: the export can be read by anybody, and imports without them.
	SecretsOmit Secrets = "omit"
	// SecretsSealed writes them encrypted, for import into a server that has the same key.
	SecretsSealed Secrets = "sealed"
	// SecretsClear writes them as they are. It is given on the admin socket only.
	SecretsClear Secrets = "clear"
)

// Imported counts what an import brought, or would bring.
type Imported struct {
	Sites      int  `json:"sites"`
	Users      int  `json:"users"`
	Workspaces int  `json:"workspaces"`
	DryRun     bool `json:"dry_run" doc:"True when nothing was changed."`
}

// maxUpload holds some hundred thousand users.
const maxUpload = 64 << 20

func (a *API) registerConfiguration() {
	a.registerImport()

	export := operation(ScopeAdmin, "Directory", http.MethodGet, "/export", "export-configuration", "Export all sites as a site file")
	export.Responses = map[string]*huma.Response{"200": {
		Description: "A site file, ready for import.",
		Content:     map[string]*huma.MediaType{string(KindSiteFile): {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	huma.Register(a.huma, export, a.exportFile)
}

type exportOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a *API) exportFile(ctx context.Context, in *struct {
	Secrets Secrets `query:"secrets" enum:"omit,sealed,clear" default:"omit" doc:"What becomes of passwords, PINs and space IDs; clear is given on the admin socket only."`
}) (*exportOutput, error) {
	if in.Secrets == SecretsClear && !callerOf(ctx).id.Local {
		return nil, huma.Error403Forbidden("secrets in clear are exported through the admin socket only")
	}
	file, err := a.cfg.Configuration.Export(ctx, in.Secrets)
	if err != nil {
		return nil, a.fail(ctx, "export", err)
	}
	a.audit(ctx, "configuration exported", "secrets", string(in.Secrets))
	return &exportOutput{ContentType: string(KindSiteFile), Disposition: `attachment; filename="sites.yaml"`, Body: file}, nil
}

// kindOf reads the Content-Type of an upload; curl's own default, a form, is refused rather than guessed.
func kindOf(contentType string) (FileKind, bool) {
	bare, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(bare) {
	case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml":
		return KindSiteFile, true
	case "text/csv":
		return KindUsers, true
	}
	return "", false
}
