package sitefile_test

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// TestAnyText puts every kind of text where a file may have one: it must come back as it was.
func TestAnyText(t *testing.T) {
	text := rapid.OneOf(
		rapid.StringN(1, 20, 60),
		rapid.StringMatching(`[ '"#&*!|>%@{}\[\],:?\\~-]{1,8}[a-z]{0,3}`),
		rapid.SampledFrom([]string{"true", "no", "~", "null", "0123", "1e3", "0x1F", "12:30", "---", "...", "<<", "=", "\u2028", "\ufeffx", "\u0085", "é\U0001F600", " lead", "trail ", "a: b", "a #b", "- a"}),
	).Filter(func(s string) bool {
		return len(s) <= 80 && strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, unicode.IsControl)
	})
	rapid.Check(t, func(rt *rapid.T) {
		e := sitefile.Demo()
		u := e.Sites[0].Users[0]
		e.Name = text.Draw(rt, "enterprise")
		e.Sites[0].Name = text.Draw(rt, "site")
		u.Name = text.Draw(rt, "name")
		u.Phone.Username = text.Draw(rt, "username")
		u.Phone.Password = directory.Secret(text.Draw(rt, "password"))
		u.Phone.Model = text.Draw(rt, "model")
		u.PortalPassword = directory.Secret(text.Draw(rt, "portal"))
		e.Sites[0].Trunks[0].Name = text.Draw(rt, "trunk")
		if len(directory.Validate(e)) > 0 {
			return // such as the site named like the other one
		}
		roundTrip(t, e)
	})
}
