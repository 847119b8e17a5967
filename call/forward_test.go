package call

import (
	"strings"
	"testing"

	"passerelle/directory"
)

func TestForward(t *testing.T) {
	for _, tt := range []struct {
		name   string
		from   int // user of Paris
		target string
		want   string
	}{
		{"not at all", 0, "", ""},
		{"extension", 0, "202", "line Bruno"},
		{"extension with a prefix", 0, "82201", "line Zoe"},
		{"number", 0, "+33612345678", "trunk +33612345678 national by any"},
		{"national number", 0, "0612345678", "trunk +33612345678 national by any"},
		{"gateway", 0, "100", "gateway paris.test"},
		{"voice mail", 0, "voicemail", "trunk +33170009999 national by any"},
		{"voice mail that the plan would not allow", 2, "voicemail", "uri sip:camille@vm.example"},
		{"URI of ours", 0, "sip:201@lyon.test", "line Zoe"},
		{"URI of ours with port and parameters", 0, "sip:201@LYON.test:5060;transport=tcp", "line Zoe"},
		{"URI of a space", 0, "sip:space-48213907752@paris.test", "gateway paris.test space"},
		{"URI outside", 0, "sip:bob@example.com;transport=tls", "uri sip:bob@example.com;transport=tls"},
		{"URI outside that the plan does not allow", 2, "sips:bob@[2001:db8::1]:5061", "refused 403 not_in_plan"},
		{"tel", 0, "tel:+33-6-12-34-56-78", "trunk +33612345678 national by any"},
		{"the forwarding line pays", 0, "+12125550123", "refused 403 not_in_plan"},
		{"the forwarding line hides", 1, "+12125550123", "trunk +12125550123 international by north any hidden"},
		{"itself by another name", 0, "+33170001201", "refused 404"},
		{"help, by another way", 0, "tel:112", "refused 403"},
		{"help abroad", 0, "911", "refused 403"},
		{"nowhere", 0, "299", "refused 404"},
		{"name", 0, "sip:nobody@paris.test", "refused 404"},
	} {
		for _, cause := range []ForwardCause{ForwardAlways, ForwardBusy, ForwardNoAnswer, ForwardNotReachable} {
			t.Run(tt.name+", "+cause.String(), func(t *testing.T) {
				dir := group(t)
				u := dir.Sites()[0].Users[tt.from]
				switch cause {
				case ForwardAlways:
					u.Forwards.Always = tt.target
				case ForwardBusy:
					u.Forwards.Busy = tt.target
				case ForwardNoAnswer:
					u.Forwards.NoAnswer.Target = tt.target
				case ForwardNotReachable:
					u.Forwards.NotReachable = tt.target
				}
				r, ok := Forward(dir, u, cause)
				if ok != (tt.want != "") {
					t.Fatalf("forwards: %v", ok)
				}
				if !ok {
					return
				}
				if got := told(r); got != tt.want {
					t.Errorf("%s\nwant %s\n%s", got, tt.want, strings.Join(r.Steps, "\n"))
				}
				wantWhole(t, r)
				for other := ForwardAlways; other <= ForwardNotReachable; other++ {
					if _, ok := Forward(dir, u, other); ok != (other == cause) {
						t.Errorf("%s: %v", other, ok)
					}
				}
			})
		}
	}
}

func TestReachIsNoPhone(t *testing.T) {
	dir := group(t)
	u := dir.Sites()[0].Users[0]
	for target, want := range map[string]string{
		"202": "line Bruno", "0612345678": "trunk +33612345678 national by any", "112": "refused 403", "911": "refused 403",
		"*21202": "refused 404", "": "refused 404",
	} {
		if got := told(Reach(dir, u, target)); got != want {
			t.Errorf("%q: %s, want %s", target, got, want)
		}
	}
}

func TestNoTrunk(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) { e.Sites[0].Trunks[0].Shared = false })
	for from, want := range map[string]string{
		"alice": "trunk +33612345678 national by any", "zoe": "refused 404", "odd": "refused 403 not_in_plan",
	} {
		if got := told(Plan(dir, callerOf(t, dir, from), uriOf("+33612345678"))); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}
