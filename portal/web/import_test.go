package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

// upload sends files as the import's form does: names and contents by turns.
func (b *browser) upload(path string, files ...string) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for i := 0; i+1 < len(files); i += 2 {
		part, err := form.CreateFormFile("file", files[i])
		if err != nil {
			b.t.Fatal(err)
		}
		if _, err := io.WriteString(part, files[i+1]); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.url+path, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("Origin", b.url)
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Request.URL.RequestURI(), string(page), res.Header}
}

// owner is the browser of the owner, by the set-up link.
func (w *world) owner(t *testing.T) *browser {
	t.Helper()
	path, err := w.acc.SetupPath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := w.browser(t)
	b.post(path, "name", "Zoé Blanc", "email", "zoe@acme.test", "password", "correct horse battery", "again", "correct horse battery").want(t, 200, "Bonjour Zoé Blanc")
	return b
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	b := w.owner(t)
	b.get("/users").want(t, 200, "Importer")
	b.get("/import").want(t, 200, "Vérifier sans rien modifier")
	const good = "site,name,extension,pack\nparis.acme.test,Élodie Petit,241,premium\n"
	const bad = "site,name,extension,pack\nparis.acme.test,Élodie Petit,201,premium\nparis.acme.test,Somebody,xyz,gold\n"

	page := b.upload("/import?check=1", "users.csv", bad)
	page.want(t, http.StatusUnprocessableEntity, "Rien n’a été modifié.", "users.csv", "extension", "pack", "gold")
	b.upload("/import", "users.csv", bad).want(t, http.StatusUnprocessableEntity, "Rien n’a été modifié.")
	b.upload("/import?check=1", "users.csv", good).want(t, 200, "Aucune erreur, et rien n’a été modifié.", "2 sites, 5 utilisateurs, 2 espaces de travail")
	if n := len(w.site(t, paris).Users); n != 3 {
		t.Fatal("a check changed something:", n)
	}
	b.upload("/import", "users.csv", good).want(t, 200, "L’importation est faite.", "5 utilisateurs")
	b.get("/users?q=elodie").want(t, 200, "Élodie Petit", "241", "Premium")

	b.upload("/import").want(t, http.StatusUnprocessableEntity, "Choisissez au moins un fichier")
	b.post("/import", "file", "no file").want(t, http.StatusUnprocessableEntity, "Choisissez au moins un fichier")
	for _, name := range []string{"alice", "bruno", "camille"} {
		other := w.as(t, name)
		other.upload("/import", "users.csv", strings.ReplaceAll(good, "241", "242")).want(t, http.StatusForbidden)
		other.get("/import").want(t, http.StatusForbidden)
	}
	if n := len(w.site(t, paris).Users); n != 4 {
		t.Error("imported by those who may not:", n)
	}
}

// TestImportTellsItsProgress stops an import half-way: who asked for it sees how far it is, and nobody else.
func TestImportTellsItsProgress(t *testing.T) {
	w := newWorld(t)
	halfway, on := make(chan struct{}), make(chan struct{})
	w.config.told = func(progress func(done, total int)) {
		progress(1200, 2006)
		close(halfway)
		<-on
	}
	b := w.owner(t)
	promote(t, w)
	another := w.as(t, "camille")
	_, mine := b.stream(t.Context(), "/import/events")
	_, others := another.stream(t.Context(), "/import/events")
	if first := mine() + others(); first != "\n\n" {
		t.Errorf("before: %q", first)
	}
	done := make(chan answer, 1)
	go func() {
		done <- b.upload("/import", "users.csv", "site,name,extension\nparis.acme.test,Élodie Petit,241\n")
	}() // ends with the import
	<-halfway
	seen := ""
	for !strings.Contains(seen, "1 200 utilisateurs et espaces de travail enregistrés sur 2 006") {
		if seen = text(mine()); seen == "" {
			t.Fatal("the progress is not told")
		}
	}
	close(on)
	if answer := <-done; answer.code != http.StatusOK {
		t.Error(answer.code)
	}
	for seen != "" {
		seen = text(mine())
	}
	_, fresh := another.stream(t.Context(), "/import/events")
	if first := fresh(); first != "\n" {
		t.Errorf("another administrator is told of it: %q", first)
	}
	if res, _ := w.as(t, "alice").stream(t.Context(), "/import/events"); res.StatusCode != http.StatusForbidden {
		t.Error("a site's administrator:", res.StatusCode)
	}
}
