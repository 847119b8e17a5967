package i18n

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"passerelle/directory"
)

//go:embed fr.yaml
var frenchSource []byte

//go:embed en.yaml
var englishSource []byte

// texts are the catalogues by language; they are read once and never change.
var texts = map[directory.Language]map[string]string{
	directory.French:  read(directory.French, frenchSource),
	directory.English: read(directory.English, englishSource),
}

// Languages are those that the portal speaks.
var Languages = []directory.Language{directory.French, directory.English}

func read(lang directory.Language, source []byte) map[string]string {
	var all map[string]string
	if err := yaml.UnmarshalWithOptions(source, &all, yaml.Strict()); err != nil {
		panic(err) // the file is ours
	}
	for key, text := range all {
		all[key] = Typography(lang, text)
	}
	return all
}

// Printer speaks one language. It is immutable.
type Printer struct {
	lang  directory.Language
	texts map[string]string
}

// For gives the printer of a language; one that the portal does not speak is English.
func For(l directory.Language) *Printer {
	if l != directory.French {
		l = directory.English
	}
	return &Printer{lang: l, texts: texts[l]}
}

// Language is the printer's.
func (p *Printer) Language() directory.Language { return p.lang }

// Has says whether there is a text of that key.
func (p *Printer) Has(key string) bool {
	_, ok := p.texts[key]
	return ok
}

// T gives a text with its arguments. A key without text, a fault of ours that a test finds, gives the key.
func (p *Printer) T(key string, args ...any) string {
	text, ok := p.texts[key]
	if !ok {
		return key
	}
	for i, a := range args {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(a))
	}
	return text
}

// N gives the text for a count; in French, zero is singular.
func (p *Printer) N(key string, n int) string {
	one, other, _ := strings.Cut(p.T(key), " | ")
	text := other
	if n == 1 || n == 0 && p.lang == directory.French {
		text = one
	}
	return strings.ReplaceAll(text, "{n}", p.Number(n))
}

// Number writes a number with the language's grouping.
func (p *Printer) Number(n int) string {
	digits := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	group := "," // English
	if p.lang == directory.French {
		group = "\u202f" // narrow no-break space
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + group + digits[i:]
	}
	return sign + digits
}
