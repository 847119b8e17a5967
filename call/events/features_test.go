package events

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip"
	"passerelle/softphone"
)

var keysOf = softphone.SubscribeOptions{Event: "as-feature-event", Accept: "application/x-as-feature-event+xml, multipart/mixed"}

// shelf is a FeatureStore in memory; line 103 may forward nothing.
type shelf struct {
	mu sync.Mutex
	f  map[sip.AOR]Features
}

func newShelf() *shelf {
	return &shelf{f: map[sip.AOR]Features{"101@site.test": {}, "102@site.test": {}, "103@site.test": {}}}
}

func (s *shelf) Features(aor sip.AOR) (Features, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.f[aor]
	return f, ok
}

func (s *shelf) SetDoNotDisturb(_ context.Context, aor sip.AOR, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.f[aor]
	f.DoNotDisturb = on
	s.f[aor] = f
	return nil
}

func (s *shelf) SetForward(_ context.Context, aor sip.AOR, kind ForwardKind, w Forward) error {
	if aor == "103@site.test" || w.Active && w.Target == "" {
		return errors.New("not allowed")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.f[aor]
	f.Forwards[kind] = w
	s.f[aor] = f
	return nil
}

func keyWorld(t *testing.T, cfg FeatureKeysConfig) (*world, *FeatureKeys, *shelf) {
	t.Helper()
	store := newShelf()
	cfg.Store = store
	var k *FeatureKeys
	w := newWorld(t, func(*world) []sip.EventPackage {
		k = NewFeatureKeys(cfg)
		return []sip.EventPackage{k}
	})
	return w, k, store
}

const xmlHead = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n"

// dnd and forward are the documents as phones expect them.
func dnd(device string, on bool) string {
	return fmt.Sprintf(xmlHead+"<DoNotDisturbEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n  <device>%s</device>\n  <doNotDisturbOn>%t</doNotDisturbOn>\n</DoNotDisturbEvent>\n", device, on)
}

func forward(device, kind string, on bool, more string) string {
	return fmt.Sprintf(xmlHead+"<ForwardingEvent xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n  <device>%s</device>\n  <forwardingType>%s</forwardingType>\n  <forwardStatus>%t</forwardStatus>\n%s</ForwardingEvent>\n", device, kind, on, more)
}

// several is a body of several documents.
func several(docs ...string) string {
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "--passerelle-features\r\nContent-Type: application/x-as-feature-event+xml\r\nContent-Length: %d\r\n\r\n%s\r\n", len(d), d)
	}
	return b.String() + "--passerelle-features--\r\n"
}

const mixed = "multipart/mixed;boundary=passerelle-features"

// press sends what a phone sends when one of its keys is pressed.
func press(t *testing.T, s *softphone.Subscription, body string) {
	t.Helper()
	if err := s.Refresh(t.Context(), time.Hour, FeatureType, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func setDND(on bool) string {
	return fmt.Sprintf(xmlHead+"<SetDoNotDisturb xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n  <device>101</device>\n  <doNotDisturbOn>%t</doNotDisturbOn>\n</SetDoNotDisturb>\n", on)
}

func setForward(kind string, on bool, more string) string {
	return fmt.Sprintf(xmlHead+"<SetForwarding xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><device/><forwardingType>%s</forwardingType><activateForward>%t</activateForward>%s</SetForwarding>", kind, on, more)
}

func TestFeatureKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, k, store := keyWorld(t, FeatureKeysConfig{})
		s, first := subscribe(t, w.phone("ann"), keysOf)
		wantBody(t, first, mixed, several(dnd("101", false), forward("101", "forwardImmediate", false, ""), forward("101", "forwardBusy", false, ""), forward("101", "forwardNoAns", false, "")))
		second, _ := subscribe(t, w.phone("ann"), keysOf) // another phone of the line
		other, _ := subscribe(t, w.phone("bob"), keysOf)

		press(t, s, setDND(true))
		wantBody(t, next(t, s), FeatureType, dnd("101", true))
		wantBody(t, next(t, second), FeatureType, dnd("101", true))
		press(t, second, setForward("forwardImmediate", true, "<forwardDN>102</forwardDN>"))
		to102 := forward("101", "forwardImmediate", true, "  <forwardTo>102</forwardTo>\n")
		wantBody(t, next(t, second), FeatureType, to102)
		wantBody(t, next(t, s), FeatureType, to102)
		press(t, s, setForward("forwardNoAns", true, "<forwardDN>+33 1 &amp; é</forwardDN><ringCount>3</ringCount>"))
		noAnswer := forward("101", "forwardNoAns", true, "  <forwardTo>+33 1 &amp; &#195;&#169;</forwardTo>\n  <ringCount>3</ringCount>\n")
		wantBody(t, next(t, s), FeatureType, noAnswer)
		wantBody(t, next(t, second), FeatureType, noAnswer)
		if f, _ := store.Features("101@site.test"); !f.DoNotDisturb || f.Forwards[ForwardAlways] != (Forward{true, "102", 0}) || f.Forwards[ForwardNoAnswer].Seconds != 18 {
			t.Errorf("kept %+v", f)
		}

		// Off, and on again by the key alone: the target was kept.
		press(t, s, setForward("forwardImmediate", false, ""))
		off := forward("101", "forwardImmediate", false, "  <forwardTo>102</forwardTo>\n")
		wantBody(t, next(t, s), FeatureType, off)
		wantBody(t, next(t, second), FeatureType, off) // before the next change, which would leave nothing to tell
		press(t, s, setForward("forwardImmediate", true, ""))
		wantBody(t, next(t, s), FeatureType, to102)
		wantBody(t, next(t, second), FeatureType, to102)

		// On the server, two at once.
		store.mu.Lock()
		store.f["101@site.test"] = Features{Forwards: [forwardKinds]Forward{ForwardAlways: {Target: "102"}, ForwardNoAnswer: {true, "+33 1 & Ã©", 18}}}
		store.mu.Unlock()
		k.Changed("101@site.test")
		both := several(dnd("101", false), forward("101", "forwardImmediate", false, "  <forwardTo>102</forwardTo>\n"))
		wantBody(t, next(t, s), mixed, both)
		wantBody(t, next(t, second), mixed, both)
		k.Changed("101@site.test")
		quiet(t, s)
		quiet(t, other)

		// A refresh without a body asks for all.
		if err := s.Refresh(t.Context(), time.Hour, "", nil); err != nil {
			t.Fatal(err)
		}
		if m := next(t, s); strings.Count(string(m.Body), "<?xml") != 4 {
			t.Errorf("%s", m)
		}
		if early, overtook := s.Faults(); early+overtook != 0 {
			t.Errorf("%d NOTIFYs before the 200, %d out of order", early, overtook)
		}
	})
}

// TestFeatureKeyRefused: the phone is told what is true, whatever it asked for.
func TestFeatureKeyRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, store := keyWorld(t, FeatureKeysConfig{})
		s, _ := subscribe(t, w.phone("eve"), keysOf)
		press(t, s, setForward("forwardBusy", true, "<forwardDN>102</forwardDN>"))
		wantBody(t, next(t, s), FeatureType, forward("103", "forwardBusy", false, ""))
		press(t, s, setDND(false)) // as it is already
		wantBody(t, next(t, s), FeatureType, dnd("103", false))
		for _, bad := range []string{"<SetDoNotDisturb/>", "<!DOCTYPE x><SetDoNotDisturb/>", "x", "<Else/>", setForward("forwardSometimes", true, ""), "<SetForwarding><forwardingType>forwardBusy</forwardingType></SetForwarding>"} {
			press(t, s, bad)
			if m := next(t, s); strings.Count(string(m.Body), "<?xml") != 4 {
				t.Errorf("%s was answered by\n%s", bad, m.Body)
			}
		}
		if f, _ := store.Features("103@site.test"); f != (Features{}) {
			t.Errorf("kept %+v", f)
		}
		for to, code := range map[string]int{"101": 403, "999": 404} {
			o := keysOf
			o.To = to
			wantRefused(t, w.phone("eve"), o, code)
		}
		o := keysOf
		o.Accept = "application/pidf+xml"
		wantRefused(t, w.phone("eve"), o, 406)
	})
}

// TestKeyInTheFirstSubscribe: a phone may come with the key pressed.
func TestKeyInTheFirstSubscribe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _, _ := keyWorld(t, FeatureKeysConfig{})
		o := keysOf
		o.ContentType, o.Body = FeatureType, []byte(setDND(true))
		s, first := subscribe(t, w.phone("ann"), o)
		if !strings.Contains(string(first.Body), dnd("101", false)) {
			t.Errorf("first\n%s", first.Body)
		}
		wantBody(t, next(t, s), FeatureType, dnd("101", true))
	})
}

func TestGuestsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &guests{}
		w, k, store := keyWorld(t, FeatureKeysConfig{Phones: g})
		s, _ := subscribe(t, w.phone("ann"), keysOf)
		own, _ := subscribe(t, w.phone("bob"), keysOf)
		g.set("ann", "102@site.test")
		k.OwnerChanged("ann", nil)
		all := func(device string, on bool) string {
			return several(dnd(device, on), forward(device, "forwardImmediate", false, ""), forward(device, "forwardBusy", false, ""), forward(device, "forwardNoAns", false, ""))
		}
		wantBody(t, next(t, s), mixed, all("102", false))
		press(t, s, setDND(true))
		wantBody(t, next(t, s), FeatureType, dnd("102", true))
		wantBody(t, next(t, own), FeatureType, dnd("102", true))
		if f, _ := store.Features("101@site.test"); f.DoNotDisturb {
			t.Error("the owner's line was set")
		}
		g.set("ann", "")
		k.OwnerChanged("ann", nil)
		wantBody(t, next(t, s), mixed, all("101", false))
	})
}

func TestParseFeatures(t *testing.T) {
	yes, no := true, false
	tests := []struct {
		name, contentType, body string
		want                    []FeatureChange // nil is malformed
	}{
		{"do not disturb", FeatureType, setDND(true), []FeatureChange{{DoNotDisturb: &yes}}},
		{"type with parameters", "Application/X-AS-Feature-Event+XML; charset=ISO-8859-1", setDND(false), []FeatureChange{{DoNotDisturb: &no}}},
		{"forward", FeatureType, setForward("forwardBusy", true, "<forwardDN> 102 </forwardDN>"), []FeatureChange{{Forward: &Forward{Active: true, Target: "102"}, Kind: ForwardBusy}}},
		{"forward with rings", FeatureType, setForward("forwardNoAns", false, "<forwardDN/><ringCount>4</ringCount>"), []FeatureChange{{Forward: &Forward{Seconds: 24}, Kind: ForwardNoAnswer}}},
		{"rings elsewhere", FeatureType, setForward("forwardImmediate", true, "<forwardDN>1</forwardDN><ringCount>4</ringCount>"), []FeatureChange{{Forward: &Forward{Active: true, Target: "1"}}}},
		{"many rings", FeatureType, setForward("forwardNoAns", false, "<ringCount>99999</ringCount>"), []FeatureChange{{Forward: &Forward{Seconds: 600}, Kind: ForwardNoAnswer}}},
		{"no namespace", FeatureType, "<SetDoNotDisturb><device><notKnown/></device><doNotDisturbOn>1</doNotDisturbOn></SetDoNotDisturb>", []FeatureChange{{DoNotDisturb: &yes}}},
		{"several", "multipart/mixed;boundary=b", "--b\r\nContent-Type: " + FeatureType + "\r\n\r\n" + setDND(true) + "\r\n--b\r\n\r\n" + setForward("forwardBusy", false, "") + "\r\n--b--\r\n",
			[]FeatureChange{{DoNotDisturb: &yes}, {Forward: &Forward{}, Kind: ForwardBusy}}},
		{"other type", "text/plain", setDND(true), nil},
		{"no boundary", "multipart/mixed", setDND(true), nil},
		{"part that is none", "multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--b--\r\n", nil},
		{"cut short", "multipart/mixed;boundary=b", "--b\r\n\r\n" + setDND(true), nil},
		{"too many", "multipart/mixed;boundary=b", strings.Repeat("--b\r\n\r\n"+setDND(true)+"\r\n", 17) + "--b--\r\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseFeatures(tt.contentType, []byte(tt.body))
			if tt.want == nil {
				if !errors.Is(err, ErrMalformed) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func FuzzParseFeatures(f *testing.F) {
	f.Add(FeatureType, []byte(setDND(true)))
	f.Add(FeatureType, []byte(setForward("forwardNoAns", true, "<forwardDN>102</forwardDN><ringCount>3</ringCount>")))
	f.Add("multipart/mixed;boundary=b", []byte("--b\r\n\r\n"+setDND(true)+"\r\n--b--\r\n"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		changes, err := ParseFeatures(contentType, body)
		if err != nil {
			return
		}
		for _, c := range changes {
			if (c.DoNotDisturb == nil) == (c.Forward == nil) || c.Kind < 0 || c.Kind >= forwardKinds {
				t.Fatalf("%+v", c)
			}
			if c.Forward != nil && (c.Forward.Seconds < 0 || c.Forward.Seconds > maxRings*ringSeconds) {
				t.Fatalf("%+v", *c.Forward)
			}
		}
	})
}
