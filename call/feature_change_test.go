package call

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// TestCodesChangeSettings dials codes one after the other: after each the line's settings are as wanted and the directory
// takes them.
func TestCodesChangeSettings(t *testing.T) {
	dir := group(t)
	alice := callerOf(t, dir, "alice")
	type settings struct {
		Forwards directory.Forwards
		DND      bool
	}
	var now directory.User
	now.Forwards.NoAnswer.Seconds = 30 // with the target of before
	now.Forwards.NoAnswer.Target = "202"
	kept := directory.NoAnswer{Target: "202", Seconds: 30}
	for _, tt := range []struct {
		dialled string
		changes bool
		want    settings
	}{
		{"*21*0612345678#", true, settings{Forwards: directory.Forwards{Always: "+33612345678", NoAnswer: kept}}},
		{"*67203", true, settings{Forwards: directory.Forwards{Always: "+33612345678", Busy: "203", NoAnswer: kept}}},
		{"#21#", true, settings{Forwards: directory.Forwards{Busy: "203", NoAnswer: kept}}},
		{"*61", true, settings{Forwards: directory.Forwards{Busy: "203", NoAnswer: directory.NoAnswer{Target: "voicemail", Seconds: 30}}}},
		{"*62100", true, settings{Forwards: directory.Forwards{Busy: "203", NotReachable: "100", NoAnswer: directory.NoAnswer{Target: "voicemail", Seconds: 30}}}},
		{"*78", true, settings{DND: true, Forwards: directory.Forwards{Busy: "203", NotReachable: "100", NoAnswer: directory.NoAnswer{Target: "voicemail", Seconds: 30}}}},
		{"#61", true, settings{DND: true, Forwards: directory.Forwards{Busy: "203", NotReachable: "100"}}},
		{"*79", true, settings{Forwards: directory.Forwards{Busy: "203", NotReachable: "100"}}},
		{"*68", false, settings{Forwards: directory.Forwards{Busy: "203", NotReachable: "100"}}},
		{"202", false, settings{Forwards: directory.Forwards{Busy: "203", NotReachable: "100"}}},
		{"*21299", false, settings{Forwards: directory.Forwards{Busy: "203", NotReachable: "100"}}},
		{"#67", true, settings{Forwards: directory.Forwards{NotReachable: "100"}}},
		{"#62", true, settings{}},
	} {
		if got := Plan(dir, alice, uriOf(tt.dialled)).Change(&now); got != tt.changes {
			t.Errorf("%s changes settings: %v", tt.dialled, got)
		}
		if diff := cmp.Diff(tt.want, settings{now.Forwards, now.DND}); diff != "" {
			t.Errorf("%s: %s", tt.dialled, diff)
		}
		e, err := sitefile.Parse("group.yaml", []byte(groupFile))
		if err != nil {
			t.Fatal(err)
		}
		e.Sites[0].Users[0].Forwards, e.Sites[0].Users[0].DND = now.Forwards, now.DND
		for _, f := range directory.Validate(e) {
			t.Errorf("after %s: %v", tt.dialled, f)
		}
	}
}
