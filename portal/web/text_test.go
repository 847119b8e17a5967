package web_test

import (
	"html"
	"regexp"
	"strings"
)

var (
	head  = regexp.MustCompile(`(?s)<(head|svg)[ >].*?</(head|svg)>`)
	tags  = regexp.MustCompile(`<[^>]*>`)
	blank = regexp.MustCompile(`\s+`)
)

// text is what of a page a reader sees: no tags, blanks as one.
func text(source string) string {
	s := html.UnescapeString(tags.ReplaceAllString(head.ReplaceAllString(source, " "), " "))
	return strings.TrimSpace(blank.ReplaceAllString(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s), " "))
}
