package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// The tests of this file are the two documents that the product is made from, step by step, by mouse and keyboard in a real
// browser against the built server. Labels are the documents' own, word for word, with the apostrophe of typography.

// press clicks on the one visible link, button or label of exactly that text.
func (b *tab) press(kind, text string) {
	b.t.Helper()
	b.do(chromedp.Click(fmt.Sprintf(`//%s[normalize-space(translate(., "%s", "  "))=%q]`, kind, "\u00a0\u202f", text), chromedp.NodeVisible))
}

// field gives the selector of the control that a label names.
func (b *tab) field(label string) string {
	b.t.Helper()
	script := fmt.Sprintf(`[...document.querySelectorAll("label")].find(l => l.innerText.trim() === %q)?.control?.id ?? ""`, label)
	var id string
	b.until(strings.Replace(script, `?.control?.id ?? ""`, "?.control?.id", 1))
	id, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](script))
	if err != nil || id == "" {
		b.t.Fatalf("no field is called %q: %v", label, err)
	}
	return "#" + id
}

// at waits until the browser is on a page of that heading.
func (b *tab) at(heading string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.querySelector("h1")?.innerText.trim() === %q`, heading))
}

// TestTheGatewayDocument is « Afficher ou modifier le numéro de la Passerelle de collaboration », steps 1 to 6.
func TestTheGatewayDocument(t *testing.T) {
	p := startProgram(t)
	b := p.chromium("fr")

	// 1. Connectez-vous au portail de l’administrateur.
	b.open("/")
	b.at("Connexion")
	b.do(chromedp.SendKeys(chromedp.CSS(b.field("Adresse e-mail")), "alice@acme.test"), chromedp.SendKeys(chromedp.CSS(b.field("Mot de passe")), "alice-demo"))
	b.press("button", "Se connecter")
	b.sees("Portail de l’administrateur")
	// 2. Sélectionnez Services avancés dans le menu de gauche.
	b.press("nav//a", "Services avancés")
	b.at("Services avancés")
	// 3. Sélectionnez Passerelle de collaboration sous Services de productivité.
	b.until(`[...document.querySelectorAll("section")].some(s => s.querySelector("h2")?.innerText === "Services de productivité" &&
		[...s.querySelectorAll("a strong")].some(a => a.innerText === "Passerelle de collaboration"))`)
	b.do(chromedp.Click(`//section[h2="Services de productivité"]//a[.//strong="Passerelle de collaboration"]`, chromedp.NodeVisible))
	b.at("Passerelle de collaboration")
	// 4. Le numéro de téléphone bidirectionnel attribué à la passerelle de collaboration s’affiche.
	b.sees("Numéro de téléphone bidirectionnel – Paris")
	b.until(`document.querySelector("#gateway-number").innerText.replace(/\s/g, " ") === "+33 1 70 00 10 00"`)
	b.sees("Le système utilise ce numéro pour recevoir et passer les appels Mon espace.")
	// 5. Cliquez sur Annuler l’attribution. Sélectionnez un autre numéro de téléphone bidirectionnel et sélectionnez Attribuer.
	b.sees("Cette modification s’applique à tous les utilisateurs du site")
	b.press("button", "Annuler l’attribution")
	b.sees("Il est impossible de passer des appels depuis la fonction Mon espace")
	p.wantGateway("")
	b.do(chromedp.SetValue(chromedp.CSS(b.field("Numéro de téléphone bidirectionnel")), "+33170001001"))
	b.press("button", "Attribuer")
	b.until(`document.querySelector("#gateway-number")?.innerText.replace(/\s/g, " ") === "+33 1 70 00 10 01"`)
	p.wantGateway("+33170001001")
	// 6. Voir les numéros d’identification d’espace de l’utilisateur.
	b.until(`[...document.querySelectorAll("h2")].some(h => h.innerText === "Numéros d’identification d’espace de l’utilisateur")`)
	for name, id := range map[string]string{"Alice Martin": aliceID, "Bruno Keller": brunoID} {
		b.until(fmt.Sprintf(`[...document.querySelectorAll("#list tbody tr")].some(r => r.querySelector("th").innerText.startsWith(%q) && r.querySelector(".id")?.innerText === %q)`, name, id))
	}
	// Without the Premium pack or the Pack de collaboration there is no space.
	b.until(`[...document.querySelectorAll("#list tbody tr")].some(r => r.innerText.includes("Camille Roy") && r.innerText.includes("ni pack Premium ni Pack de collaboration") && !r.querySelector(".id"))`)
}

// wantGateway asks the API for the gateway number of Paris.
func (p *program) wantGateway(want string) {
	p.t.Helper()
	var got struct{ Number string }
	if code := p.api(http.MethodGet, "sites/"+paris+"/gateway-number", "", &got); code != http.StatusOK || got.Number != want {
		p.t.Errorf("the gateway number is %q (%d), want %q", got.Number, code, want)
	}
}

// TestTheHotelingDocument is « Activer et localiser votre téléphone organisateur pour l’hôtel », steps 1 to 6.
func TestTheHotelingDocument(t *testing.T) {
	p := startProgram(t)
	const place = "+33170001301"
	b := p.chromium("fr")

	// 1. Connectez-vous à User Hub.
	b.open("/hub")
	b.do(chromedp.SendKeys(chromedp.CSS(b.field("Adresse e-mail")), "bruno@acme.test"), chromedp.SendKeys(chromedp.CSS(b.field("Mot de passe")), "bruno-demo"))
	b.press("button", "Se connecter")
	b.sees("User Hub")
	// 2. Allez dans Paramètres > Appel > Paramètres d’appel.
	b.press("nav//a", "Paramètres")
	b.at("Paramètres")
	b.do(chromedp.Click(`//main//a[.//strong="Appel"]`, chromedp.NodeVisible))
	b.at("Appel")
	b.do(chromedp.Click(`//main//a[.//strong="Paramètres d’appel"]`, chromedp.NodeVisible))
	b.at("Paramètres d’appel")
	b.until(`document.querySelector("ol.trail").innerText.replace(/\s+/g, " ").includes("Paramètres")`)
	// 3. Allez à la section Hébergement et activez le commutateur. It is on in the demo: off, saved, and on again.
	b.until(`document.querySelector("#hoteling h2").innerText === "Hébergement" && document.querySelector("#hoteling input[role=switch]").checked`)
	b.do(chromedp.Click(`//section[@id="hoteling"]//label[normalize-space(.)="Hébergement"]`, chromedp.NodeVisible))
	b.press("section[@id='hoteling']//button", "Enregistrer")
	b.sees("L’hébergement est désactivé.")
	b.do(chromedp.Click(`//section[@id="hoteling"]//label[normalize-space(.)="Hébergement"]`, chromedp.NodeVisible))
	b.until(`document.querySelector("#hoteling input[role=switch]").checked`)
	// 4. Saisissez le nom ou le numéro de l’organisateur hôte dans Mon emplacement de conciergerie, et choisissez-le.
	search := chromedp.CSS(b.field("Mon emplacement de conciergerie"))
	b.do(chromedp.SendKeys(search, "nobody of that name"))
	b.sees("Aucun organisateur hôte libre ne correspond.")
	for _, typed := range []string{"bureau de", "01 70 00 13 01", "301"} {
		b.do(evaluate(`document.querySelector("#host-search").select()`), chromedp.SendKeys(search, typed))
		b.until(`document.querySelectorAll("#hosts input[type=radio]").length === 1`) // radio: un seul organisateur
		b.sees("Bureau de passage 1")
	}
	b.do(chromedp.Click(`//div[@id="hosts"]//label[contains(., "Bureau de passage 1")]`, chromedp.NodeVisible))
	// 5. Cochez la case Limiter la période d’association et choisissez le nombre d’heures. The host allows 12 at most.
	limit := `//section[@id="hoteling"]//label[normalize-space(.)="Limiter la période d’association"]`
	b.until(`document.querySelector("#hoteling input[name=limited]").type === "checkbox"`)
	b.do(chromedp.Click(limit, chromedp.NodeVisible))
	hours := chromedp.CSS(b.field("Nombre d’heures"))
	b.do(chromedp.SetValue(hours, "13"))
	b.press("section[@id='hoteling']//button", "Enregistrer")
	b.sees("Votre limite de 13 h dépasse la période d’association de ce téléphone, 12 h. Contactez votre administrateur.")
	if p.guestOf(place).Line != "" {
		t.Error("a refused association was made")
	}
	b.until(`document.querySelector("#hoteling input[name=limited]").checked && document.querySelector("#hosts input[type=radio]").checked`)
	b.do(chromedp.SetValue(chromedp.CSS(b.field("Nombre d’heures")), "4"))
	// 6. Cliquez sur Enregistrer.
	b.press("section[@id='hoteling']//button", "Enregistrer")
	b.sees("Vous êtes connecté au téléphone Bureau de passage 1. Votre téléphone principal ne sonne plus.")
	b.until(`/encore (4\sh\s00|3\sh\s59)/.test(document.body.innerText)`)
	if g := p.guestOf(place); g.Line != "+33170001202" || g.Until.Sub(g.Since) != 4*time.Hour {
		t.Errorf("%+v is on the host", g)
	}
}

// guestOf asks the API who is on a host; the zero value is nobody.
func (p *program) guestOf(host string) (stay struct {
	Line         string
	Since, Until time.Time
}) {
	p.t.Helper()
	got := struct{ Guest any }{Guest: &stay}
	if code := p.api(http.MethodGet, "hoteling/hosts/"+host, "", &got); code != http.StatusOK {
		p.t.Errorf("the host %s: %d", host, code)
	}
	return stay
}
