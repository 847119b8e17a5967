package api

import (
	"encoding/json"
	"testing"
)

// TestEmptyPage keeps the promise of the description: items is a list, never null.
func TestEmptyPage(t *testing.T) {
	for name, all := range map[string][]string{"nil": nil, "empty": {}} {
		out, err := paginate(PageQuery{Limit: 10}, "/x", nil, all, func(s string) string { return s })
		if err != nil {
			t.Fatal(err)
		}
		if b, err := json.Marshal(out.Body); err != nil || string(b) != `{"items":[]}` {
			t.Errorf("%s: got %s, %v", name, b, err)
		}
	}
}
