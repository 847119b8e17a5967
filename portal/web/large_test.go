package web_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// tenThousand is a file of that many users of a site.
func tenThousand(t *testing.T, site string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("site,name,extension,pack\n")
	for i := range 10_000 {
		fmt.Fprintf(&b, "%s,Personne %05d,%d,premium\n", site, i, 10_000+i)
	}
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// setup is the path of the link that the server prints at its first start.
func (p *program) setup() string {
	p.t.Helper()
	path := regexp.MustCompile(`/setup/[A-Z0-9]+`).FindString(p.output.String())
	if path == "" {
		p.t.Fatal("no set-up link is printed")
	}
	return path
}

// TestImportOfTenThousandInABrowser takes the server from its first start to 10 000 users with a browser alone: the set-up
// link, an import that is checked, and one that is made, whose progress is seen while it runs.
func TestImportOfTenThousandInABrowser(t *testing.T) {
	p := startProgram(t)
	const site = "enterprise: acme\nsites:\n  - {name: Grand, domain: grand.acme.test, language: fr, country: FR, timezone: Europe/Paris, extension_length: 5}\n"
	p.importYAML(site)
	file := tenThousand(t, "grand.acme.test")
	b := p.chromium("fr")
	b.open(p.setup())
	b.do(chromedp.SendKeys(chromedp.CSS(b.field("Nom")), "Zoé Blanc"), chromedp.SendKeys(chromedp.CSS(b.field("Adresse e-mail")), "zoe@acme.test"),
		chromedp.SendKeys(chromedp.CSS(b.field("Mot de passe")), "correct horse battery"), chromedp.SendKeys(chromedp.CSS(b.field("Mot de passe, une seconde fois")), "correct horse battery"))
	b.press("button", "Créer le compte")
	b.sees("Bonjour Zoé Blanc")
	b.press("nav//a", "Utilisateurs")
	b.press("main//a", "Importer")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{file}))
	b.press("button", "Vérifier sans rien modifier")
	b.sees("Aucune erreur, et rien n’a été modifié. Après l’importation, il y aurait : 3 sites, 10 004 utilisateurs, 2 espaces de travail.")

	// What a reader is shown while it runs.
	b.do(evaluate(`(window.told = [], new MutationObserver(() => {
		const bar = document.querySelector("#progress progress");
		if (bar) window.told.push([document.querySelector("#progress label").innerText.replace(/\s/g, " "), bar.value, bar.max]);
	}).observe(document.querySelector("#progress"), {childList: true, subtree: true}))`))
	begin := time.Now()
	b.press("button", "Importer")
	b.sees("L’importation est faite. Il y a maintenant : 3 sites, 10 004 utilisateurs, 2 espaces de travail.")
	took := time.Since(begin)
	b.until(`document.querySelector("#progress").innerText === ""`)
	told, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]string](`window.told.map(t => t[0])`))
	if err != nil || len(told) == 0 {
		t.Errorf("no progress was seen in %v: %v", took, err)
	}
	t.Logf("imported in %v; told: %q", took, told)

	b.open("/users")
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "personne 09999"))
	b.until(`document.querySelectorAll("#list tbody tr").length === 1`)
	b.sees("19999")
}

// importYAML imports a site file by the API.
func (p *program) importYAML(file string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/api/v1/import", strings.NewReader(file))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	r.Header.Set("Content-Type", "application/yaml")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(res.Body)
		p.t.Fatalf("the site file is answered %d: %s", res.StatusCode, why)
	}
}
