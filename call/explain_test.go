package call

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
)

func TestExplain(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) {
		camille := e.Sites[0].Users[2]
		camille.Forwards.Always = "0612345678"
		camille.CallingPlan.National = true
		e.Sites[1].Users[0].Forwards = directory.Forwards{Busy: "0612345678", NoAnswer: directory.NoAnswer{Target: "0612345679", Seconds: 15}}
		e.Sites[1].Users[0].DND = true
	})
	by := []TrunkInWords{{Name: "paris.test/any", Called: "0612345678", Caller: "0170001001"}}
	for _, tt := range []struct {
		name, from, to string
		want           Explanation
	}{
		{"line", "201@paris.test", "+33470001201", Explanation{
			Caller: "Alice (+33170001201) of paris.test", Route: "line", Destination: "Zoe (+33470001201) of lyon.test", Class: "internal", Steps: []string{
				"Alice of paris.test calls",
				"+33470001201 is the number of a line",
				"it is the line of Zoe at lyon.test",
				"the call is internal, which the calling plan has",
				"Zoe does not want to be disturbed: busy",
				"Zoe forwards calls (busy) to 0612345678",
				"Zoe forwards calls (no_answer) to 0612345679",
				"the phones of Zoe ring for 15s",
			},
		}},
		{"trunk", "+33170001201", "06 12 34 56 78", Explanation{
			Caller: "Alice (+33170001201) of paris.test", Route: "trunk", Destination: "a number outside", Class: "national", Trunks: by, Steps: []string{
				"Alice of paris.test calls",
				"its E.164 form is +33612345678",
				"the call is national, which the calling plan has",
				"it goes out by paris.test/any",
				"Alice has 0 calls outside up (3 at most), 0 begun in a minute (10 at most)",
			},
		}},
		{"forwarded", "alice-app", "203", Explanation{
			Caller: "Alice (+33170001201) of paris.test", Route: "trunk", Destination: "a number outside", Class: "national", Trunks: by, Steps: []string{
				"Alice of paris.test calls",
				"it is an extension of paris.test",
				"it is the line of Camille at paris.test",
				"the call is internal, which the calling plan has",
				"the phones of Camille ring for 1m0s",
				"Camille forwards calls (always)",
				"its E.164 form is +33612345678",
				"the call is national, which the calling plan has",
				"it goes out by paris.test/any",
				"Camille has 0 calls outside up (3 at most), 0 begun in a minute (10 at most)",
			},
		}},
		{"refused", "alice", "+12125550123", Explanation{
			Caller: "Alice (+33170001201) of paris.test", Route: "refused", Destination: "international calls are not in the line's calling plan",
			Class: "international", Status: 403, Reason: "Not In Calling Plan", Spoken: "not_in_plan", Steps: []string{
				"Alice of paris.test calls",
				"its E.164 form is +12125550123",
				"refused: international calls are not in the line's calling plan",
			},
		}},
		{"help", "203@paris.test", "112", Explanation{
			Caller: "Camille (203) of paris.test", Route: "emergency", Destination: "help, by 112 at paris.test", Class: "emergency", Callback: "+33170001001",
			Trunks: []TrunkInWords{
				{Name: "paris.test/help", Called: "112", Caller: "+33170001001"}, {Name: "paris.test/any", Called: "112", Caller: "0170001001"},
				{Name: "paris.test/north", Called: "112", Caller: "+33170001001"}, {Name: "paris.test/britain", Called: "112", Caller: "+33170001001"},
			},
			Steps: []string{
				"Camille of paris.test calls",
				"112 is an emergency number: no limit applies",
				"location is site paris.test, call-back number +33170001001",
				"it goes out by paris.test/help, then paris.test/any, then paris.test/north, then paris.test/britain",
			},
		}},
		{"from a trunk", "paris.test/any", "+33170001000;space=48213907752", Explanation{
			Caller: "trunk paris.test/any", Route: "gateway", Destination: "a space of paris.test", Class: "internal", Steps: []string{
				"trunk paris.test/any calls", "the call names a space", "it is the gateway of paris.test",
			},
		}},
		{"code", "alice", "*97201@lyon.test", Explanation{
			Caller: "Alice (+33170001201) of paris.test", Route: "feature", Destination: "pickup at Zoe (+33470001201) of lyon.test", Class: "none", Steps: []string{
				"Alice of paris.test calls", "the code is that of pickup", "it is an extension of lyon.test",
			},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Explain(dir, tt.from, tt.to, Limits{Fraud: NewFraudGuard(FraudConfig{})})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			text, err := json.Marshal(got)
			if err != nil || strings.Contains(string(text), "48213907752") {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
}

func TestExplainTheMoment(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) {
		e.Sites[0].Users[0].Limits = directory.Limits{PerMinute: 1, Night: true}
		e.Sites[0].Users[0].CallingPlan.International = true
		e.Sites[0].Trunks[1].Channels = 5
	})
	alice := dir.Sites()[0].Users[0]
	now := Limits{Fraud: NewFraudGuard(FraudConfig{}), Channels: NewChannels(nil), Health: down{"any": true}}
	if _, err := now.Fraud.Admit(t.Context(), alice, ClassNational); err != nil {
		t.Fatal(err)
	}
	if _, ok := now.Channels.Take(t.Context(), dir.Sites()[0].Trunks[1], ClassNational); !ok {
		t.Fatal("no channel")
	}
	e, err := Explain(dir, "alice", "+12125550123", now)
	if err != nil {
		t.Fatal(err)
	}
	want := []TrunkInWords{
		{Name: "paris.test/north", Called: "+12125550123", Caller: "+33170001201", Calls: 1, Most: 5},
		{Name: "paris.test/any", Called: "0012125550123", Caller: "0170001001", Down: true},
	}
	if diff := cmp.Diff(want, e.Trunks); diff != "" {
		t.Error(diff)
	}
	last := e.Steps[len(e.Steps)-1]
	if last != "Alice has 1 calls outside up (no limit), 1 begun in a minute (1 at most): limit per_minute does not allow the call" {
		t.Error(last)
	}
}

func TestExplainNobody(t *testing.T) {
	dir := group(t)
	for _, from := range []string{"", "nobody", "201", "999@paris.test", "paris.test/other", "nowhere.test/any", "/"} {
		if e, err := Explain(dir, from, "202", Limits{}); !errors.Is(err, ErrNoCaller) {
			t.Errorf("%q is %s, %v", from, e.Caller, err)
		}
	}
}

func TestForwardLoopIsExplained(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) {
		e.Sites[0].Users[0].Forwards.Always = "202"
		e.Sites[0].Users[1].Forwards.Always = "201"
	})
	e, err := Explain(dir, "alice", "202", Limits{})
	if err != nil || e.Route != "line" {
		t.Errorf("%+v, %v", e, err)
	}
}
