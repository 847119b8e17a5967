package call

import (
	"reflect"
	"strings"
	"testing"

	"passerelle/directory"
)

// FuzzPlan dials anything from everywhere: a whole route comes back, the same each time, which tells no space ID; help is
// told from everything else by the same rule as in Emergency; and nothing leaves the enterprise for a trunk.
func FuzzPlan(f *testing.F) {
	for _, tt := range planTests {
		f.Add(tt.dialled, tt.from)
	}
	for _, dialled := range []string{"urn:service:sos", "tel:112;phone-context=+33", "48213907752", "sip:48213907752@conf.paris.test", "*31*31*31*31", "+", "sip:@", "sip:;space=", "sip:%", "\x00"} {
		f.Add(dialled, "alice")
	}
	dir := group(f)
	f.Fuzz(func(t *testing.T, dialled, from string) {
		name := "alice"
		for _, known := range []string{"zoe", "dana", "odd", "camille", "paris.test/any=+33612345678"} {
			if known == from {
				name = from
			}
		}
		caller := callerOf(t, dir, name)
		r := Plan(dir, caller, uriOf(dialled))
		wantWhole(t, r)
		if again := Plan(dir, caller, uriOf(dialled)); !reflect.DeepEqual(r, again) {
			t.Errorf("%s, then %s", told(r), told(again))
		}
		if text := strings.Join(r.Steps, "\n") + r.Why; strings.Contains(text, "48213907752") && !r.Class.External() {
			t.Errorf("the space ID is told: %s", text)
		}
		if first, ok := Emergency(dir, caller, uriOf(dialled)); ok != (r.Class == ClassEmergency || r.Status == noHelp.status) {
			t.Errorf("%s, but Emergency says %v, %s", told(r), ok, told(first))
		}
		if caller.User == nil && r.Kind != ToGateway && r.Kind != ToLine && r.Kind != Refused {
			t.Errorf("a trunk reaches %s", told(r))
		}
	})
}

// FuzzReach gives anything as the target of a forwarding.
func FuzzReach(f *testing.F) {
	for _, target := range []string{"202", "voicemail", "sip:201@lyon.test", "sips:x@[2001:db8::1]:5061;a=b?c=d", "tel:+33;x", "0612345678", "112", "urn:x", "sip:"} {
		f.Add(target)
	}
	dir := group(f)
	f.Fuzz(func(t *testing.T, target string) {
		for _, u := range []*directory.User{dir.Sites()[0].Users[0], dir.Sites()[3].Users[0]} {
			r := Reach(dir, u, target)
			wantWhole(t, r)
			if r.Class == ClassEmergency || r.Kind == ToFeature {
				t.Errorf("%q: %s", target, told(r))
			}
		}
	})
}
