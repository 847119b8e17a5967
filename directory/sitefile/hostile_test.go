package sitefile_test

import (
	"strings"
	"testing"
	"time"

	"passerelle/directory/sitefile"
)

// TestHostileFiles wants files made to keep the parser busy to be refused in time. Without bounds
// several of them take minutes when they are a few times longer; the limit is far above what a slow machine needs.
func TestHostileFiles(t *testing.T) {
	const n = 20_000
	for name, text := range map[string]string{
		"nested lists":       strings.Repeat("[", n),
		"nested mappings":    "a: " + strings.Repeat("{a: ", n),
		"nested dashes":      strings.Repeat("- ", n),
		"nested questions":   strings.Repeat("? ", n),
		"keys on one line":   strings.Repeat("a: ", n),
		"keys":               strings.Repeat("a: b\n", n),
		"keys of a flow map": "a: {" + strings.Repeat("b: 1, ", n) + "c: 1}",
		"empty entries":      strings.Repeat("- \n", n),
		"carriage returns":   strings.Repeat("a: b\r", n),
		"quotes":             strings.Repeat(`"`, n),
		"documents":          strings.Repeat("---\n", n),
		"anchors":            strings.Repeat("&a ", n),
		"tags":               strings.Repeat("!!str ", n),
		"laughs":             "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\n",
		"closed, not opened": strings.Repeat("]", n),
		"no end":             "a: '" + strings.Repeat("x\n", n),
	} {
		t.Run(name, func(t *testing.T) {
			begin := time.Now()
			if _, err := sitefile.Parse("hostile.yaml", []byte(text)); err == nil {
				t.Error("accepted")
			}
			if took := time.Since(begin); took > 30*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
