package call

import (
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// oneGuest is a Hotel with one guest.
type oneGuest struct{ guest, host *directory.User }

func (g oneGuest) EffectiveUser(_ *directory.Directory, dev *directory.Device) *directory.User {
	if dev == g.host.Phone {
		return g.guest
	}
	return dev.User
}

func (g oneGuest) HostOf(_ *directory.Directory, u *directory.User) *directory.Device {
	if u == g.guest {
		return g.host.Phone
	}
	return nil
}

// TestExplainWithGuests explains calls from and to a guest, the host and the guest's own phone.
func TestExplainWithGuests(t *testing.T) {
	dir, err := directory.New(sitefile.Demo())
	if err != nil {
		t.Fatal(err)
	}
	alice, _ := dir.UserByNumber("+33170001201")
	desk, _ := dir.UserByNumber("+33170001301")
	now := Limits{Hotel: oneGuest{alice, desk}}
	for _, tt := range []struct{ from, to, caller, route, step string }{
		{"+33170001301", "203", "Alice Martin", "line", "as a guest on the phone of Bureau de passage 1"}, // the host phone
		{"201@paris.acme.test", "203", "Alice Martin", "line", "as a guest on the phone of Bureau de passage 1"},
		{"+33170001201", "203", "Alice Martin", "refused", "is signed in on the phone of Bureau de passage 1"}, // her own
		{"+33170001201", "112", "Alice Martin", "emergency", "no limit applies"},
		{"+33170001201", "*11", "Alice Martin", "feature", "code is that of hoteling"},
		{"alice-app", "203", "Alice Martin", "line", "Alice Martin of paris.acme.test calls"},
		{"203@paris.acme.test", "201", "Camille Roy", "line", "that one rings, and not the own desk phone"},
		{"203@paris.acme.test", "301", "Camille Roy", "line", "is that of a guest now, Alice Martin"},
	} {
		e, err := Explain(dir, tt.from, tt.to, now)
		if err != nil || e.Route != tt.route || !strings.Contains(e.Caller, tt.caller) || !strings.Contains(strings.Join(e.Steps, "\n"), tt.step) {
			t.Errorf("%s calls %s: %+v %v, want %s, %q", tt.from, tt.to, e, err, tt.route, tt.step)
		}
	}
}
