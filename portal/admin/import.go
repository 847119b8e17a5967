package admin

import (
	"errors"
	"mime"
	"mime/multipart"
	"net/http"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/portal/account"
	"passerelle/portal/api"
	"passerelle/portal/page"
)

// importPage is the import of site files and users, and what became of the last one.
type importPage struct {
	Done   *api.Imported // nil: nothing was read yet, or it has faults
	Check  bool          // nothing was changed
	Faults []faultRow
	More   int // faults that are not shown
	Unread bool
}

// faultRow is a fault of a file.
type faultRow struct {
	File, Field, Cause string
	Line               int // 0: the file as a whole
}

// maxFaults is how many faults the page shows.
const maxFaults = 200

// imports lets only those through who may replace any site.
func (p *Portal) imports(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !account.Of(r.Context()).Owns() {
			p.view.Refuse(w, r, http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

func (p *Portal) importForm(w http.ResponseWriter, r *http.Request) {
	p.showImport(w, r, http.StatusOK, importPage{})
}

func (p *Portal) showImport(w http.ResponseWriter, r *http.Request, status int, i importPage) {
	p.view.Render(w, r, pages, "import", status, page.Frame{Title: p.text(r, "import.title"), Area: "users", Data: i,
		Trail: []page.Crumb{{Text: p.text(r, "nav.users"), Href: "/users"}, {Text: p.text(r, "import.title")}}})
}

// importFiles checks files, or imports them: all of them or nothing.
func (p *Portal) importFiles(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, api.MaxUpload)
	check := r.URL.Query().Get("check") != ""
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		p.showImport(w, r, http.StatusUnprocessableEntity, importPage{Unread: true})
		return
	}
	files, err := api.FormFiles(multipart.NewReader(r.Body, params["boundary"]))
	if err != nil || len(files) == 1 && files[0].Name == "" {
		p.showImport(w, r, http.StatusUnprocessableEntity, importPage{Unread: true})
		return
	}
	tell, end := p.importing.begin(account.Of(r.Context()).String())
	defer end()
	done, err := p.cfg.Configuration.Import(r.Context(), files, check, func(done, total int) {
		tell(done, total)
		// As long as it advances the answer may take its time; where there are no deadlines it needs none.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute))
	})
	if faults, more := faultRows(err); len(faults) > 0 {
		p.showImport(w, r, http.StatusUnprocessableEntity, importPage{Check: check, Faults: faults, More: more})
		return
	}
	if errors.Is(err, r.Context().Err()) && err != nil {
		return // the reader has gone, and nothing was changed
	}
	if err != nil {
		p.view.Fail(w, r, "import", err)
		return
	}
	if !check {
		p.audit(r.Context(), "configuration imported", "files", len(files), "sites", done.Sites, "users", done.Users, "workspaces", done.Workspaces)
	}
	p.showImport(w, r, http.StatusOK, importPage{Done: &done, Check: check})
}

// faultRows are the faults of files, or of what they would make of the directory.
func faultRows(err error) (rows []faultRow, more int) {
	for _, f := range sitefile.Faults(err) {
		rows = append(rows, faultRow{f.File, f.Field, f.Cause, f.Line})
	}
	if len(rows) == 0 {
		for _, f := range directory.Faults(err) {
			rows = append(rows, faultRow{Field: f.Path, Cause: f.Cause})
		}
	}
	shown := min(len(rows), maxFaults)
	return rows[:shown], len(rows) - shown
}
