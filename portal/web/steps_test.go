package web_test

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"passerelle/directory"
	"passerelle/hoteling"
)

// until waits for a condition of the page, a JavaScript expression.
func (b *tab) until(condition string) {
	b.t.Helper()
	var last error
	for {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("Boolean("+condition+")"))
		if ok {
			return
		}
		last = err
		select {
		case <-time.After(20 * time.Millisecond):
		case <-b.ctx.Done():
			b.t.Fatalf("never: %s: %v, %v", condition, b.ctx.Err(), last)
		}
	}
}

// sees waits until a text is on the page, as a reader sees it.
func (b *tab) sees(text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.body && document.body.innerText.replace(/\s+/g, " ").includes(%q)`, text))
}

// click clicks on the link or button of that text.
func (b *tab) click(kind, text string) {
	b.t.Helper()
	b.do(chromedp.Click(fmt.Sprintf(`//%s[contains(normalize-space(.), %q)]`, kind, text), chromedp.NodeVisible))
}

// TestGatewayNumberInABrowser is the document for administrators, step by step, by mouse and keyboard.
func TestGatewayNumberInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.chromium(t, "fr")
	b.signIn("alice") // 1
	b.click("nav//a", "Services avancés")
	b.sees("Services de productivité")
	b.click("main//a", "Passerelle de collaboration")
	b.sees("+33 1 70 00 10 00")
	b.click("button", "Annuler l’attribution")
	b.sees("Aucun numéro n’est attribué.")
	b.do(chromedp.SetValue(chromedp.CSS("#number"), string(other)))
	b.click("button", "Attribuer")
	b.sees("Le numéro +33 1 70 00 10 01 est attribué à la Passerelle de collaboration.")
	if got := w.site(t, paris).Gateway.Number; got != other {
		t.Error("assigned:", got)
	}
	b.sees(aliceID)
	// The search follows the keys, without a button.
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "keller"))
	b.until(`document.querySelectorAll("#list tbody tr").length === 1`)
	b.sees(brunoID)
	b.until(`location.search.includes("q=keller")`)
	// The message's button undoes what was done.
	b.open(gatewayAt)
	b.do(chromedp.SetValue(chromedp.CSS("#number"), string(number)))
	b.click("button", "Remplacer")
	b.sees("est remplacé par le +33 1 70 00 10 00")
	b.click("button", "Annuler cette modification")
	b.sees("est remplacé par le +33 1 70 00 10 01")
	if got := w.site(t, paris).Gateway.Number; got != other {
		t.Error("after the undo:", got)
	}
}

// TestHotelingInABrowser is the document for users, step by step.
func TestHotelingInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.chromium(t, "fr")
	b.signIn("alice")
	b.click("a", "User Hub")
	b.click("nav//a", "Paramètres")
	b.click("main//a", "Appel")
	b.click("main//a", "Paramètres d’appel")
	b.sees("Hébergement")
	b.sees("Mon emplacement de conciergerie")
	b.do(chromedp.SendKeys(chromedp.CSS("#host-search"), "nobody"))
	b.sees("Aucun organisateur hôte libre ne correspond.")
	b.do(evaluate(`document.getElementById("host-search").select()`), chromedp.SendKeys(chromedp.CSS("#host-search"), "passage"))
	b.sees("Bureau de passage 1")
	b.do(chromedp.Click(chromedp.CSS(`input[name="host"]`)))
	b.sees("Limiter la période d’association")
	b.do(chromedp.SetValue(chromedp.CSS("#hours"), "4"))
	b.click("section[@id='hoteling']//button", "Enregistrer")
	b.sees("Vous êtes connecté au téléphone Bureau de passage 1.")
	a, in := w.desk.Of(w.user(t, "alice@acme.test").Ref)
	if !in || a.Host != w.workspace(t).Ref || a.Source != hoteling.ByPortal || a.Left() > 4*time.Hour {
		t.Errorf("%+v %v", a, in)
	}
}

// TestLivePageFollowsInABrowser changes what happens under an open page.
func TestLivePageFollowsInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.chromium(t, "fr")
	b.signIn("alice")
	b.open("/live")
	b.sees("Aucune session n’est en cours.")
	busy(t, w)
	b.sees("Espace de Alice Martin")
	b.sees("1 session en cours, 3 participants")
	b.click("button", "Retirer")
	b.sees("a été retiré de la session.")
	b.sees("2 participants")
	w.live.set()
	b.sees("Aucune session n’est en cours.")
}

func TestCopyingInABrowser(t *testing.T) {
	w := newWorld(t)
	b := w.chromium(t, "fr")
	b.signIn("alice")
	b.open("/services/gateway/spaces/" + directory.SpaceRef(w.user(t, "alice@acme.test").Ref))
	// What the clipboard would get, as tests have none of their own.
	b.do(evaluate(`navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }`))
	b.click("button", "Copier")
	b.until(fmt.Sprintf("window.copied === %q", aliceID))
	b.sees("Copié")
}

func evaluate(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[any]("void ("+script+")"))
		return err
	})
}

// emulateScheme makes the browser like light or dark pages.
func emulateScheme(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}

//go:embed testdata/axe.min.js
var axeSource string

// violation is what axe-core finds wrong.
type violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Nodes  []string `json:"nodes"`
}

// TestAccessibility has axe-core look at every page of the router, wide and narrow, light and dark, in both languages: nothing
// that WCAG 2.2 AA forbids, and nothing wider than a narrow screen.
func TestAccessibility(t *testing.T) {
	w := newWorld(t)
	busy(t, w)
	for i, lang := range []string{"fr", "en"} {
		b := w.chromium(t, lang)
		b.do(emulateScheme([]string{"light", "dark"}[i]))
		look := func(p shownPage) {
			for _, width := range []int64{1280, 390} {
				b.do(chromedp.EmulateViewport(width, 800))
				b.axe(fmt.Sprintf("%s, %s, %d px", p.path, lang, width))
				b.fits(fmt.Sprintf("%s, %s, %d px", p.path, lang, width))
			}
		}
		w.door(t, b, look)
		b.signIn("alice")
		for _, p := range shown(t, w) {
			b.open(p.path)
			look(p)
		}
		b.do(chromedp.EmulateViewport(1280, 800))
		b.click("button", map[string]string{"fr": "Se déconnecter", "en": "Sign out"}[lang])
		b.until(`location.pathname === "/sign-in"`)
		promote(t, w)
		b.signIn("camille")
		for _, p := range shownToOwners {
			b.open(p.path)
			look(p)
		}
	}
}

// fits fails if the page must be moved sideways to be read (WCAG 2.2, 1.4.10).
func (b *tab) fits(where string) {
	b.t.Helper()
	wide, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {
		const wide = document.documentElement.clientWidth;
		if (document.documentElement.scrollWidth <= wide) return "";
		return [...document.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > wide + 1).map(e => e.outerHTML.slice(0, 120))[0] || "the page";
	})()`))
	if err != nil || wide != "" {
		b.t.Errorf("%s is too wide: %s %v", where, wide, err)
	}
}

func (b *tab) axe(where string) {
	b.t.Helper()
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]violation](axeSource+`;
		axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then(r => r.violations.map(v =>
			({id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 200) + " " + n.any.map(a => a.message).join("; "))})))`,
		chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatal(where, err)
	}
	for _, v := range found {
		b.t.Errorf("%s: %s (%s): %s\n\t%s", where, v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n\t"))
	}
}
