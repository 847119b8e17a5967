package web_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// page is a Chromium tab of a test.
type tab struct {
	t   *testing.T
	ctx context.Context
	url string // of the server
}

// chromium opens a browser of its own that asks for that language; the test is skipped where there is none.
func (w *world) chromium(t *testing.T, lang string) *tab {
	t.Helper()
	return openChromium(t, w.url, lang)
}

// openChromium opens a browser on the server at that URL.
func openChromium(t *testing.T, url, lang string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed; testdata/apt.sh chromium installs it")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("accept-lang", lang))
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute) // of a busy machine
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, url: url}
	b.do(chromedp.EmulateViewport(1280, 800))
	return b
}

// do acts as a person does; what does not happen in time ends the test.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// open goes to a page and waits until it is there.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url+path), chromedp.WaitVisible(chromedp.CSS("main")))
}

// signIn fills the form as a person does.
func (b *tab) signIn(name string) {
	b.t.Helper()
	b.open("/sign-in")
	b.do(chromedp.SendKeys(chromedp.CSS("#email"), name+"@acme.test"), chromedp.SendKeys(chromedp.CSS("#password"), name+"-demo\r"),
		chromedp.WaitVisible(chromedp.CSS("nav.side")))
}

// TestScreenshots writes a picture of each page, wide and narrow, in both languages, into the directory that
// PASSERELLE_SHOTS names.
func TestScreenshots(t *testing.T) {
	dir := os.Getenv("PASSERELLE_SHOTS")
	if dir == "" {
		t.Skip("PASSERELLE_SHOTS names no directory for the pictures")
	}
	w := newWorld(t)
	busy(t, w)
	for _, lang := range []string{"fr", "en"} {
		b := w.chromium(t, lang)
		b.open("/sign-in")
		b.shoot(dir, "sign-in-"+lang)
		b.signIn("alice")
		for _, p := range shown(t, w) {
			b.open(p.path)
			b.shoot(dir, p.name+"-"+lang)
		}
		promote(t, w)
		owner := w.chromium(t, lang)
		owner.signIn("camille")
		for _, p := range shownToOwners {
			owner.open(p.path)
			owner.shoot(dir, p.name+"-"+lang)
		}
	}
}

func (b *tab) shoot(dir, name string) {
	b.t.Helper()
	for suffix, width := range map[string]int64{"": 1280, "-narrow": 390} {
		b.do(chromedp.EmulateViewport(width, 800), chromedp.Sleep(100*time.Millisecond))
		picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+suffix+".png"), picture, 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	b.do(chromedp.EmulateViewport(1280, 800))
}
