package i18n

import (
	"regexp"
	"strings"

	"passerelle/directory"
)

// Typography gives a text the spaces at which no line may break: in French before high signs and within quotes, in every
// language between a figure and its unit. Authors of texts write plain ones.
func Typography(lang directory.Language, text string) string {
	if lang == directory.French {
		text = frenchSpaces.Replace(text)
	}
	return beforeUnit.ReplaceAllString(text, "$1\u00a0$2")
}

// frenchSpaces puts a narrow space before a high sign of two parts, a full one before the colon.
var frenchSpaces = strings.NewReplacer(" ;", "\u202f;", " ?", "\u202f?", " !", "\u202f!", " :", "\u00a0:", "« ", "«\u00a0", " »", "\u00a0»")

// beforeUnit is a figure, or a mark for one, before the sign of a unit.
var beforeUnit = regexp.MustCompile(`(\d|\{\w\}) (h|min|s|%)\b`)
