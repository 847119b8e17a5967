package i18n

import (
	"golang.org/x/text/language"

	"passerelle/directory"
)

var matcher = language.NewMatcher([]language.Tag{language.French, language.English})

// Choose takes the first of the wishes that names a language of the portal, then what a browser's Accept-Language likes
// best, then French.
func Choose(accept string, wishes ...directory.Language) directory.Language {
	for _, w := range wishes {
		if w == directory.French || w == directory.English {
			return w
		}
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return directory.French
	}
	_, i, confidence := matcher.Match(tags...)
	switch {
	case confidence == language.No, i == 1:
		return directory.English
	}
	return directory.French
}
