package call

import (
	"strings"
	"testing"

	"passerelle/directory"
)

// planTests are calls and their routes, as told tells them.
var planTests = []struct{ name, from, dialled, want string }{
	// Lines.
	{"extension", "alice", "202", "line Bruno"},
	{"own extension", "alice", "201", "line Alice"},
	{"extension at the domain", "alice", "202@paris.test", "line Bruno"},
	{"extension of another domain", "alice", "201@lyon.test", "line Zoe"},
	{"the same extension elsewhere", "zoe", "201", "line Zoe"},
	{"prefix and extension", "alice", "82201", "line Zoe"},
	{"prefix of the own site", "alice", "81202", "line Bruno"},
	{"prefix and gateway", "zoe", "81100", "gateway paris.test"},
	{"prefix and nobody", "alice", "82999", "refused 404"},
	{"prefix from a site without one", "dana", "82201", "line Zoe"},
	{"E.164", "alice", "+33470001201", "line Zoe"},
	{"E.164 with national prefix inside", "alice", "+330470001201", "line Zoe"},
	{"national", "alice", "0470001201", "line Zoe"},
	{"international", "dana", "01133470001201", "line Zoe"},
	{"ten digits", "alice", "00 1 514-555.0201", "line Dana"},
	{"North American", "dana", "5145550201", "line Dana"},
	{"North American with 1", "dana", "1 (514) 555-0201", "line Dana"},
	{"user name", "alice", "zoe", "line Zoe"},
	{"user name of a softphone", "zoe", "alice-app@paris.test", "line Alice"},
	{"main number", "zoe", "+33170001001", "line Camille"},
	{"tel URI", "alice", "tel:+33-4-70-00-12-01", "line Zoe"},
	{"tel URI, local", "alice", "tel:202;phone-context=paris.test", "line Bruno"},
	{"workspace", "alice", "301", "line Desk"},
	{"no such extension", "alice", "299", "refused 404"},
	{"no such number of ours", "alice", "+33170001003", "refused 404"},
	{"no such name", "alice", "nobody", "refused 404"},
	{"lobby calls nobody inside", "lobby", "201", "refused 403 not_in_plan"},
	{"lobby calls the gateway", "lobby", "100", "gateway paris.test"},

	// From outside.
	{"trunk to a line", "paris.test/any=+33612345678", "+33170001201", "line Alice"},
	{"trunk to a line, without plus", "paris.test/any=+33612345678", "33170001201", "line Alice"},
	{"trunk to a line, national", "paris.test/any=+33612345678", "0170001201", "line Alice"},
	{"trunk to the main number", "paris.test/any=+33612345678", "+33170001001", "line Camille"},
	{"trunk to a further number of the gateway", "paris.test/any=+33612345678", "+33170001002", "gateway paris.test"},
	{"trunk to an unused number", "paris.test/any=+33612345678", "+33170001003", "refused 404"},
	{"trunk to an extension", "paris.test/any=+33612345678", "201", "refused 404"},
	{"trunk to a prefixed extension", "paris.test/any=+33612345678", "82201", "refused 404"},
	{"trunk to a user name", "paris.test/any=+33612345678", "alice", "refused 404"},
	{"trunk to the outside", "paris.test/any=+33612345678", "+33612345679", "refused 404"},
	{"trunk for help", "paris.test/any=+33612345678", "112", "refused 404"},
	{"trunk with a code", "paris.test/any=+33612345678", "*21201", "refused 404"},
	{"trunk for a conference", "paris.test/any=+33612345678", "conference", "refused 404"},
	{"anonymous", "paris.test/any=anonymous", "+33170001202", "refused 433"},
	{"anonymous, where that is allowed", "paris.test/any=Anonymous", "+33170001201", "line Alice"},

	// Outside.
	{"mobile", "alice", "0612345678", "trunk +33612345678 national by any"},
	{"mobile in E.164", "alice", "+33612345678", "trunk +33612345678 national by any"},
	{"without its plus", "alice", "33612345678", "trunk +33612345678 national by any"},
	{"from a site without trunks", "zoe", "0612345678", "trunk +33612345678 national by any"},
	{"a range too new", "alice", "0099123", "refused 404"},
	{"unknown range of the country", "alice", "+33990000123", "trunk +33990000123 national by help any"},
	{"free phone", "alice", "0800123456", "trunk +33800123456 national by any"},
	{"barred international", "alice", "0012125550123", "refused 403 not_in_plan"},
	{"international", "+33170001202", "0012125550123", "trunk +12125550123 international by north any hidden"},
	{"longest prefix first", "+33170001202", "+442079460123", "trunk +442079460123 international by britain north any hidden"},
	{"premium", "+33170001202", "0899123456", "trunk +33899123456 premium_rate by any hidden"},
	{"barred premium", "alice", "0899123456", "refused 403 not_in_plan"},
	{"barred shared cost", "alice", "0820123456", "refused 403 not_in_plan"},
	{"premium abroad", "+33170001202", "+449098790123", "trunk +449098790123 international_premium_rate by britain north any hidden"},
	{"satellite", "+33170001202", "+881612345678", "trunk +881612345678 international_premium_rate by any hidden"},
	{"barred satellite", "alice", "+881612345678", "refused 403 not_in_plan"},
	{"no national calls", "camille", "0612345678", "refused 403 not_in_plan"},
	{"neighbour in the plan of the country", "dana", "2125550123", "trunk +12125550123 national by bell"},
	{"same country code, but abroad", "dana", "+18765550123", "refused 403 not_in_plan"},
	{"same country code, but abroad, nationally dialled", "dana", "8095550123", "refused 403 not_in_plan"},
	{"free phone of North America", "dana", "18005550123", "trunk +18005550123 national by bell"},
	{"premium of North America", "dana", "19005550123", "refused 403 not_in_plan"},
	{"a trunk of another country", "odd", "22334455", "trunk +4722334455 national by any"},
	{"short number", "alice", "3114", "trunk 3114 national by any"},
	{"short number of a site without trunks", "zoe", "3114", "trunk 3114 national by any"},
	{"dear short number", "alice", "3639", "refused 403 not_in_plan"},
	{"public service", "dana", "811", "trunk 811 national by bell"},
	{"short number that sites abroad cannot reach", "odd", "1881", "refused 403 not_in_plan"},
	{"directory enquiries", "alice", "118218", "refused 403 not_in_plan"},
	{"too short", "alice", "06123", "refused 484"},
	{"too long", "alice", "06123456789012", "refused 404"},
	{"far too long", "alice", strings.Repeat("9", 400), "refused 404"},
	{"no area code", "dana", "5550123", "refused 484"},
	{"no such country", "alice", "+999123456789", "refused 404"},
	{"nothing", "alice", "", "refused 404"},

	// Spaces.
	{"space of the gateway number", "alice", "+33170001000;space=48213907752", "gateway paris.test space"},
	{"space URI", "zoe", "space-48213907752@paris.test", "gateway paris.test space"},

	// Codes.
	{"hide", "alice", "*310612345678", "trunk +33612345678 national by any hidden"},
	{"hide, with star and hash", "alice", "*31*0612345678#", "trunk +33612345678 national by any hidden"},
	{"hide from a colleague", "alice", "*31202", "line Bruno hidden"},
	{"hidden by setting", "+33170001202", "201", "line Alice hidden"},
	{"show", "+33170001202", "#31201", "line Alice"},
	{"hide without a number", "alice", "*31", "refused 484"},
	{"hide and another code", "alice", "*31*21", "refused 484"},
	{"hide and a code after a hash", "alice", "*31#21", "refused 404"},
	{"hide and the plan", "alice", "*31+12125550123", "refused 403 not_in_plan"},
	{"forward", "alice", "*210612345678", "feature forward_always +33612345678"},
	{"forward, with star and hash", "alice", "*21*0612345678#", "feature forward_always +33612345678"},
	{"forward to a colleague", "alice", "*67202", "feature forward_busy 202"},
	{"forward to the gateway", "alice", "*61100", "feature forward_no_answer 100"},
	{"forward to voice mail", "alice", "*62", "feature forward_not_reachable voicemail"},
	{"forward to no voice mail", "zoe", "*62", "refused 484"},
	{"forward to the line itself", "alice", "*21201", "refused 403"},
	{"forward to help", "alice", "*21112", "refused 403"},
	{"forward where the plan forbids", "alice", "*210012125550123", "refused 403 not_in_plan"},
	{"forward nowhere", "alice", "*21299", "refused 404"},
	{"forward to a name", "alice", "*21bob", "refused 404"},
	{"no forward", "alice", "#21", "feature forward_always_off"},
	{"no forward, with hash", "alice", "#21#", "feature forward_always_off"},
	{"no forward, and a number", "alice", "#21202", "refused 404"},
	{"do not disturb", "alice", "*78", "feature dnd"},
	{"mailbox that is a number", "alice", "*86", "trunk +33170009999 national by any"},
	{"mailbox that is a URI", "camille", "*86", "uri sip:camille@vm.example"},
	{"no mailbox", "zoe", "*86", "refused 404"},
	{"park", "alice", "*68", "feature park Alice"},
	{"park there", "alice", "*68202", "feature park 202 Bruno"},
	{"unpark", "zoe", "*8881202", "feature unpark 81202 Bruno"},
	{"pick up", "alice", "*97202", "feature pickup 202 Bruno"},
	{"pick up by number", "alice", "*970470001201", "feature pickup 0470001201 Zoe"},
	{"pick up nobody", "alice", "*97999", "refused 404"},
	{"pick up nothing", "alice", "*97", "refused 484"},
	{"pick up in the group", "alice", "*98", "feature group_pickup"},
	{"pick up in the group, and more", "alice", "*98201", "refused 404"},
	{"pick up in no group", "zoe", "*98", "refused 404"},
	{"guest in", "alice", "*11202", "feature hoteling 202"},
	{"guest out", "alice", "*11", "feature hoteling"},
	{"guest what", "alice", "*11x", "refused 404"},
	{"conference", "alice", "*33", "feature conference"},
	{"conference by name", "alice", "conference@paris.test", "feature conference"},
	{"no such code", "alice", "*99", "refused 404"},
	{"half a code", "alice", "*2", "refused 484"},
	{"a star", "alice", "*", "refused 484"},
	{"code of the site", "odd", "**1", "feature park Odd"},
	{"code that the site has changed", "odd", "*68", "refused 404"},
	{"code that the site has switched off", "odd", "*11", "refused 404"},
}

func TestPlanRoutes(t *testing.T) {
	dir := group(t)
	for _, tt := range planTests {
		t.Run(tt.name, func(t *testing.T) {
			r := Plan(dir, callerOf(t, dir, tt.from), uriOf(tt.dialled))
			if got := told(r); got != tt.want {
				t.Errorf("%s dials %q: %s\nwant %s\n%s", tt.from, tt.dialled, got, tt.want, strings.Join(r.Steps, "\n"))
			}
			wantWhole(t, r)
		})
	}
}

// wantWhole checks what every route has.
func wantWhole(t *testing.T, r Route) {
	t.Helper()
	if r.Why == "" || len(r.Steps) == 0 {
		t.Errorf("a route without a reason: %+v", r)
	}
	if (r.Kind == Refused) != (r.Status != 0) || (r.Err() != nil) != (r.Kind == Refused) {
		t.Errorf("%s with status %d and error %v", r.Kind, r.Status, r.Err())
	}
	if r.Kind == Refused && r.Reason == "" {
		t.Errorf("a refusal without a phrase: %+v", r)
	}
	if (r.Kind == ToTrunk || r.Kind == ToEmergency) && (len(r.Trunks) == 0 || (r.Number == "") == (r.Digits == "")) {
		t.Errorf("a call outside without trunk or number: %+v", r)
	}
	if r.External() != r.Class.External() && r.Kind != Refused {
		t.Errorf("%s of class %s", r.Kind, r.Class)
	}
}

// TestEmergency wants help for every phone, in every form, before every other rule.
func TestEmergency(t *testing.T) {
	barred := func(e *directory.Enterprise) { // nobody may call anybody
		for _, s := range e.Sites {
			for u := range s.Everyone() {
				u.CallingPlan = directory.CallingPlan{}
			}
		}
	}
	dir := group(t, barred)
	const paris = " paris.test +33170001201 by help any north britain"
	for _, tt := range []struct {
		name    string
		caller  directory.Caller
		dialled string
		want    string
	}{
		{"number", callerOf(t, dir, "alice"), "18", "emergency 18" + paris},
		{"at the domain", callerOf(t, dir, "alice"), "112@paris.test", "emergency 112" + paris},
		{"at another domain", callerOf(t, dir, "alice"), "112@montreal.test", "emergency 112" + paris},
		{"with separators", callerOf(t, dir, "alice"), "1-1 2", "emergency 112" + paris},
		{"with a plus", callerOf(t, dir, "alice"), "+112", "emergency 112" + paris},
		{"tel URI", callerOf(t, dir, "alice"), "tel:112;phone-context=+33", "emergency 112" + paris},
		{"user=phone", callerOf(t, dir, "alice"), "sip:112@192.0.2.10;user=phone", "emergency 112" + paris},
		{"with a space", callerOf(t, dir, "alice"), "112;space=48213907752", "emergency 112" + paris},
		{"hidden", callerOf(t, dir, "alice"), "*31112", "emergency 112" + paris},
		{"hidden, with a star", callerOf(t, dir, "alice"), "*31*112#", "emergency 112" + paris},
		{"a line that hides its number", callerOf(t, dir, "+33170001202"), "15", "emergency 15 paris.test +33170001202 by help any north britain"},
		{"service URN", callerOf(t, dir, "alice"), "urn:service:sos.fire", "emergency 112" + paris},
		{"America's in Europe", callerOf(t, dir, "alice"), "911", "emergency 112" + paris},
		{"Europe's in America", callerOf(t, dir, "dana"), "112", "emergency 911 montreal.test +15145550201 by bell"},
		{"softphone", callerOf(t, dir, "alice-app"), "112", "emergency 112" + paris},
		{"without a number of its own", callerOf(t, dir, "camille"), "112", "emergency 112 paris.test +33170001001 by help any north britain"},
		{"site without trunks", callerOf(t, dir, "zoe"), "112", "emergency 112 lyon.test +33470001201 by any"},
		{"guest from abroad", guest(t, dir, "dana", "desk"), "112", "emergency 112 paris.test +33170001301 by help any north britain"},
		{"guest from abroad, as at home", guest(t, dir, "dana", "desk"), "911", "emergency 112 paris.test +33170001301 by help any north britain"},
		{"guest abroad", guest(t, dir, "alice", "dana"), "911", "emergency 911 montreal.test +15145550201 by bell"},
		{"nowhere to go", callerOf(t, dir, "odd"), "112", "refused 503"},
		{"an extension is none", callerOf(t, dir, "odd"), "911", "refused 403 not_in_plan"},
		{"a space is none", callerOf(t, dir, "alice"), "space-112@paris.test", "gateway paris.test space"},
		{"in the middle of a number", callerOf(t, dir, "alice"), "0112345678", "refused 403 not_in_plan"},
		{"a trunk has no phone", callerOf(t, dir, "paris.test/any=+33612345678"), "112", "refused 404"},
		{"a bridge has no phone", directory.Caller{User: callerOf(t, dir, "alice").User, Site: dir.Sites()[0]}, "112", "refused 403 not_in_plan"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Plan(dir, tt.caller, uriOf(tt.dialled))
			if got := told(r); got != tt.want {
				t.Errorf("%s\nwant %s\n%s", got, tt.want, strings.Join(r.Steps, "\n"))
			}
			wantWhole(t, r)
			first, ok := Emergency(dir, tt.caller, uriOf(tt.dialled))
			if help := r.Kind == ToEmergency || r.Status == 503; ok != help || ok && told(first) != told(r) {
				t.Errorf("Emergency says %v, %s", ok, told(first))
			}
		})
	}
}

// TestEmergencyList wants a site's own list to hold, and a number outside it that the country knows to be what was dialled.
func TestEmergencyList(t *testing.T) {
	dir := group(t, func(e *directory.Enterprise) { e.Sites[0].Emergency = []string{"15", "18"} })
	for dialled, want := range map[string]string{
		"15": "emergency 15", "112": "emergency 112", "911": "emergency 112", "urn:service:sos": "emergency 112",
	} {
		if got := told(Plan(dir, callerOf(t, dir, "alice"), uriOf(dialled))); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s: %s, want %s", dialled, got, want)
		}
	}
}

func TestStepsHoldNoSpaceID(t *testing.T) {
	dir := group(t)
	for _, dialled := range []string{
		"48213907752", "+48213907752", "+33170001000;space=48213907752", "space-48213907752", "48213907752@conf.paris.test",
		"+33170001000,,48213907752#", "*3148213907752", "*2148213907752", "48 21 39 07 75 2", "space-48213907752x",
	} {
		for _, from := range []string{"alice", "zoe", "paris.test/any=+33612345678"} {
			r := Plan(dir, callerOf(t, dir, from), uriOf(dialled))
			if text := strings.Join(r.Steps, "\n") + r.Why + r.Reason; strings.Contains(text, "48213907752") {
				t.Errorf("%s dials %s: %s", from, dialled, text)
			}
		}
	}
}
