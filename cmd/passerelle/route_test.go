package main

import (
	"strings"
	"testing"

	"passerelle/directory/sitefile"
)

// TestRouteByStoreAndServer wants the same answer from the store and from the server that runs on it.
func TestRouteByStoreAndServer(t *testing.T) {
	dir := t.TempDir()
	flags := storeFlags{Data: dir, StoreKey: strings.Repeat("0123456789abcdef", 4)}
	st, err := flags.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Import(t.Context(), sitefile.Demo(), nil); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	tell := func(from, to string) (string, error) {
		e, err := (&routeCmd{storeFlags: flags, From: from, To: to}).explain(t.Context())
		if err != nil {
			return "", err
		}
		var b strings.Builder
		if err := writeExplanation(&b, e); err != nil {
			t.Fatal(err)
		}
		return b.String(), nil
	}
	calls := []struct{ from, to, want string }{
		{"+33170001201", "202", "→ line: Bruno Keller (+33170001202) of paris.acme.test\n"},
		{"alice-app", "0612345678", "→ trunk: a number outside\n  paris.acme.test/carrier calls +33612345678 as +33170001201\n"},
		{"203", "*310612345678", "→ trunk: a number outside, the caller's number is withheld\n  paris.acme.test/carrier calls +33612345678 as +33170001203\n"},
		{"201@montreal.acme.test", "911", "→ refused: no trunk takes emergency calls of montreal.acme.test (503 No Emergency Trunk)\n"},
		{"+33170001201", "112", "→ emergency: help, by 112 at paris.acme.test\n  paris.acme.test/carrier calls 112 as +33170001201\n"},
		{"+33170001201", "0012125550123", "→ refused: international calls are not in the line's calling plan (403 Not In Calling Plan), told by announcement not_in_plan\n"},
		{"paris.acme.test/carrier", "+33170001000;space=48213907752", "→ gateway: a space of paris.acme.test\n"},
	}
	stored := make([]string, len(calls))
	for i, c := range calls {
		if stored[i], err = tell(c.from, c.to); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(stored[i], c.want) || !strings.Contains(stored[i], "  1. ") || strings.Contains(stored[i], "48213907752") {
			t.Errorf("%s dials %s:\n%s\nwant at the end\n%s", c.from, c.to, stored[i], c.want)
		}
	}
	if _, err := tell("nobody", "202"); err == nil || !strings.Contains(err.Error(), "no line and no trunk has that name") {
		t.Errorf("nobody calls: %v", err)
	}
	startAdmin(t, dir)
	for i, c := range calls {
		live, err := tell(c.from, c.to)
		if err != nil {
			t.Fatal(err)
		}
		if withoutLimits(live) != withoutLimits(stored[i]) {
			t.Errorf("%s dials %s: the server says\n%s\nthe store\n%s", c.from, c.to, live, stored[i])
		}
	}
	if _, err := tell("nobody", "202"); err == nil || !strings.Contains(err.Error(), "no line and no trunk has that name") {
		t.Errorf("nobody calls the server: %v", err)
	}
}

// withoutLimits leaves the step out that tells of calls under way.
func withoutLimits(text string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "calls outside up") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
