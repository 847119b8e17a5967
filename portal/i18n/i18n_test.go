package i18n

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"passerelle/directory"
)

// TestCatalogues wants the same keys in every language, each with the same arguments and the same kind of plural.
func TestCatalogues(t *testing.T) {
	fr, en := texts[directory.French], texts[directory.English]
	marks := regexp.MustCompile(`\{\w\}`)
	for key, text := range fr {
		other, ok := en[key]
		if !ok {
			t.Errorf("%s is not in English", key)
			continue
		}
		if strings.Contains(text, " | ") != strings.Contains(other, " | ") {
			t.Errorf("%s is counted in one language only", key)
		}
		a, b := marks.FindAllString(text, -1), marks.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(slices.Compact(a), slices.Compact(b)) {
			t.Errorf("%s has arguments %v and %v", key, a, b)
		}
		if strings.Contains(text, "'") {
			t.Errorf("%s has a typewriter's apostrophe in French", key)
		}
	}
	for key := range en {
		if _, ok := fr[key]; !ok {
			t.Errorf("%s is not in French", key)
		}
	}
}

// TestKeysHaveTexts follows every key that templates and pages name in full.
func TestKeysHaveTexts(t *testing.T) {
	inTemplate := regexp.MustCompile(`\b(?:t|n) "([^"]+)"`)
	inCode := regexp.MustCompile(`(?:\.T\(|text\(r, |Key: +|Text: +|Do: +|signin\.title.*|d\.show\(w, r, "\w+", )"([a-z]+\.[a-z_.]+)"`)
	found := 0
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		expr := map[string]*regexp.Regexp{".html": inTemplate, ".go": inCode}[filepath.Ext(path)]
		if err != nil || expr == nil || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range expr.FindAllStringSubmatch(string(source), -1) {
			found++
			if _, ok := texts[directory.French][m[1]]; !ok {
				t.Errorf("%s: no text %q", path, m[1])
			}
		}
		return nil
	})
	if err != nil || found < 100 {
		t.Fatalf("%d keys found, %v: this test looks in the wrong place", found, err)
	}
}

func TestPlurals(t *testing.T) {
	for lang, want := range map[directory.Language]map[int]string{
		directory.French:  {0: "0 espace", 1: "1 espace", 2: "2 espaces", 12345: "12\u202f345 espaces"},
		directory.English: {0: "0 spaces", 1: "1 space", 2: "2 spaces", 12345: "12,345 spaces"},
	} {
		for n, text := range want {
			if got := For(lang).N("count.spaces", n); got != text {
				t.Errorf("%s %d: %q, want %q", lang, n, got, text)
			}
		}
	}
	if got := For(directory.English).Number(-1234567); got != "-1,234,567" {
		t.Error(got)
	}
}

func TestTextsTakeArguments(t *testing.T) {
	p := For(directory.English)
	if got := p.T("list.page", 2, 7); got != "page 2 of 7" {
		t.Error(got)
	}
	if got := p.T("no.such.key"); got != "no.such.key" || p.Has(got) {
		t.Error(got)
	}
	if For("xx").Language() != directory.English {
		t.Error("an unknown language is not English")
	}
}

func TestTimes(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC)
	fr, en := For(directory.French), For(directory.English)
	for got, want := range map[string]string{
		fr.DateTime(at, paris):          "25/11/2026 00:30",
		en.DateTime(at, nil):            "24 Nov 2026, 23:30",
		fr.DateTime(time.Time{}, nil):   "",
		fr.Duration(42 * time.Second):   "42\u00a0s",
		fr.Duration(-time.Second):       "0\u00a0s",
		fr.Duration(17 * time.Minute):   "17\u00a0min",
		en.Duration(125 * time.Minute):  "2\u00a0h\u00a005",
		fr.Duration(50 * time.Hour):     "2\u00a0j\u00a002\u00a0h",
		en.Duration(50 * time.Hour):     "2\u00a0d\u00a002\u00a0h",
		Phone("+33170001000"):           "+33\u00a01\u00a070\u00a000\u00a010\u00a000",
		Phone("+15145550100"):           "+1\u00a0514\u2011555\u20110100",
		Phone("anonymous") + Phone("+"): "anonymous+",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestTypography(t *testing.T) {
	for in, want := range map[string]string{
		"Régénérer ?":       "Régénérer\u202f?",
		"« Oui » ; non !":   "«\u00a0Oui\u00a0»\u202f; non\u202f!",
		"Cause : {0} h":     "Cause\u00a0: {0}\u00a0h",
		"{n} x | {n} y":     "{n} x | {n} y",
		"https://a:8 {0} y": "https://a:8 {0} y",
	} {
		if got := Typography(directory.French, in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
	if got := Typography(directory.English, "12 h ? no"); got != "12\u00a0h ? no" {
		t.Errorf("%q", got)
	}
}

// TestFrenchIsSetAsFrench looks for signs before which a line could break, in the texts as pages have them.
func TestFrenchIsSetAsFrench(t *testing.T) {
	loose := regexp.MustCompile(` [:;?!»]|« |[^ \x{a0}\x{202f}/\d"(][;?!](\s|$)|\.\.\.`)
	for key, text := range texts[directory.French] {
		if at := loose.FindString(text); at != "" {
			t.Errorf("%s: %q in %q", key, at, text)
		}
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"Éloïse": "eloise", "ZOË Müller": "zoe muller", "plain": "plain", "Œuvre": "œuvre"} {
		if got := Fold(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		accept string
		wishes []directory.Language
		want   directory.Language
	}{
		{"en", []directory.Language{directory.French}, directory.French},
		{"en", []directory.Language{"", "xx"}, directory.English},
		{"fr-BE", nil, directory.French},
		{"", nil, directory.French},
		{"nl,en;q=0.1", nil, directory.English},
		{strings.Repeat("a,", 5000), nil, directory.French},
	} {
		if got := Choose(c.accept, c.wishes...); got != c.want {
			t.Errorf("%.20s %v: %s", c.accept, fmt.Sprint(c.wishes), got)
		}
	}
}
