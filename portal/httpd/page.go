package httpd

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageSource string

//go:embed style.css
var styleSource []byte

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// page shows that the server runs and where its API is described, in both languages.
func (f *Front) page(w http.ResponseWriter, _ *http.Request) {
	var body bytes.Buffer
	err := pageTemplate.Execute(&body, struct {
		Version string
		Ready   bool
	}{f.cfg.Version, f.cfg.Readiness.State() == StateReady})
	if err != nil {
		panic(err) // the template and its data are ours
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = body.WriteTo(w) // fails only when the caller has gone
}

func (f *Front) style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(styleSource) // fails only when the caller has gone
}
