package hoteling

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestBodiesAreAsCaptured compares with captured bodies: the lengths are those of the capture, 134 and 176 bytes.
func TestBodiesAreAsCaptured(t *testing.T) {
	const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<HotelingEvent xmlns=\"http://schema.broadsoft.com/hoteling\">\n"
	for _, tt := range []struct {
		name, got, want string
		length          int
	}{
		{"nobody", string(StateBody("", 0)), head + "<guestAddress/>\n</HotelingEvent>\r\n", 134},
		{"a guest for twelve hours", string(StateBody("102", 12*time.Hour)), head + "<guestAddress>102</guestAddress>\n<expires>43200</expires>\n</HotelingEvent>\r\n", 176},
		{"no limit", string(StateBody("102", 0)), head + "<guestAddress>102</guestAddress>\n</HotelingEvent>\r\n", 151},
		{"half a second left", string(StateBody("102", time.Second/2)), head + "<guestAddress>102</guestAddress>\n<expires>1</expires>\n</HotelingEvent>\r\n", 172},
		{"no text breaks out", string(StateBody("<é&", 0)), head + "<guestAddress>&lt;&#233;&amp;</guestAddress>\n</HotelingEvent>\r\n", 0},
		{"challenge", string(ChallengeBody("n0nce")), head + "<authenticationData>\n<nonce>n0nce</nonce>\n<algorithm>MD5</algorithm>\n</authenticationData>\n</HotelingEvent>\r\n", 0},
	} {
		if tt.got != tt.want || tt.length != 0 && len(tt.got) != tt.length {
			t.Errorf("%s: %d bytes\n%q, want\n%q", tt.name, len(tt.got), tt.got, tt.want)
		}
	}
}

// setBody is a phone's document in the layout of the capture.
func setBody(charset, inner string) []byte {
	return fmt.Appendf(nil, "<?xml version=\"1.0\" encoding=%q?>\n<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">\n%s</SetHoteling>", charset, inner)
}

func TestParseSet(t *testing.T) {
	const ext = "  <guestAddress>102</guestAddress>\n"
	auth := "<authenticationData><nonce> abc </nonce><algorithm>MD5</algorithm><response>00FF</response></authenticationData>"
	for _, tt := range []struct {
		name, kind string
		body       []byte
		guest      string
		proof      *Proof
	}{
		{"as captured", BodyType, setBody("ISO-8859-1", ext), "102", nil},
		{"UTF-8", BodyType + "; charset=UTF-8", setBody("UTF-8", ext), "102", nil},
		{"latin letters", BodyType, setBody("ISO-8859-1", "<guestAddress>andr\xe9@paris.acme.test</guestAddress>"), "andré@paris.acme.test", nil},
		{"white space", BodyType, setBody("UTF-8", "<guestAddress>\n 102 \t</guestAddress>"), "102", nil},
		{"out", BodyType, setBody("ISO-8859-1", "<guestAddress/>"), "", nil},
		{"out, two tags", BodyType, setBody("ISO-8859-1", "<guestAddress></guestAddress>"), "", nil},
		{"with a proof", BodyType, setBody("ISO-8859-1", ext+auth), "102", &Proof{"abc", "00ff"}},
		{"proof first", BodyType, setBody("UTF-8", auth+ext), "102", &Proof{"abc", "00ff"}},
		{"no declaration, no namespace", BodyType, []byte("<SetHoteling><guestAddress>102</guestAddress></SetHoteling>"), "102", nil},
		{"prefixed, unknown elements", BodyType, []byte(`<h:SetHoteling xmlns:h="http://schema.broadsoft.com/hoteling"><h:x/><h:guestAddress>102</h:guestAddress></h:SetHoteling>` + "\r\n"), "102", nil},
		{"type in other case", "Application/X-BroadWorks-Hoteling+XML", setBody("UTF-8", ext), "102", nil},
	} {
		s, err := ParseSet(tt.kind, tt.body)
		if err != nil || s.Guest != tt.guest || (s.Proof == nil) != (tt.proof == nil) || s.Proof != nil && *s.Proof != *tt.proof {
			t.Errorf("%s: %+v %v", tt.name, s, err)
		}
	}
	if n := len(setBody("ISO-8859-1", ext)); n != 152 {
		t.Errorf("the captured request has 152 bytes, ours %d", n)
	}
	for name, tt := range map[string]struct {
		kind string
		body []byte
	}{
		"empty":             {BodyType, nil},
		"another type":      {"text/plain", setBody("UTF-8", ext)},
		"no type":           {"", setBody("UTF-8", ext)},
		"another root":      {BodyType, []byte("<HotelingEvent><guestAddress>102</guestAddress></HotelingEvent>")},
		"another namespace": {BodyType, []byte(`<SetHoteling xmlns="urn:x"><guestAddress>102</guestAddress></SetHoteling>`)},
		"nothing said":      {BodyType, []byte("<SetHoteling/>")},
		"cut short":         {BodyType, setBody("UTF-8", ext)[:120]},
		"entities":          {BodyType, []byte(`<!DOCTYPE x [<!ENTITY e "102">]><SetHoteling><guestAddress>&e;</guestAddress></SetHoteling>`)},
		"long address":      {BodyType, setBody("UTF-8", "<guestAddress>"+strings.Repeat("1", 257)+"</guestAddress>")},
		"long nonce":        {BodyType, setBody("UTF-8", ext+"<authenticationData><nonce>"+strings.Repeat("1", 129)+"</nonce></authenticationData>")},
		"long":              {BodyType, setBody("UTF-8", ext+strings.Repeat(" ", maxBody))},
		"SHA-256":           {BodyType, setBody("UTF-8", ext+"<authenticationData><nonce>a</nonce><algorithm>SHA-256</algorithm></authenticationData>")},
		"another charset":   {BodyType, setBody("UTF-16", ext)},
	} {
		if s, err := ParseSet(tt.kind, tt.body); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s is taken: %+v %v", name, s, err)
		}
	}
}

func TestResponse(t *testing.T) {
	// printf 'n0nce:246810' | md5sum
	const want = "b37f808da26506e177cb4772ce5ed643"
	if got := Response("n0nce", "246810"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	c := Challenge{Nonce: "n0nce"}
	if !c.answered(Proof{"n0nce", Response("n0nce", "246810")}, "246810") || c.answered(Proof{"n0nce", Response("n0nce", "246811")}, "246810") ||
		c.answered(Proof{"other", Response("n0nce", "246810")}, "246810") || c.answered(Proof{"n0nce", ""}, "246810") {
		t.Error("a proof is judged wrongly")
	}
	if s := fmt.Sprintf("%v %+v", Proof{"n0nce", "resp"}, &Set{Proof: &Proof{"n0nce", "resp"}}); strings.Contains(s, "resp") {
		t.Errorf("a response is printed: %s", s)
	}
}

// FuzzParseSet never panics, holds the limits, and reads its own reading again.
func FuzzParseSet(f *testing.F) {
	f.Add(BodyType, setBody("ISO-8859-1", "  <guestAddress>102</guestAddress>\n"))
	f.Add(BodyType, setBody("UTF-8", "<guestAddress/>"))
	f.Add(BodyType, setBody("UTF-8", "<guestAddress>1</guestAddress><authenticationData><nonce>a</nonce><response>b</response></authenticationData>"))
	f.Add("text/plain", []byte("x"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		s, err := ParseSet(kind, body)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v is not ErrMalformed", err)
			}
			return
		}
		if len(s.Guest) > maxAddress || s.Proof != nil && (len(s.Proof.Nonce) > maxToken || len(s.Proof.Response) > maxToken) {
			t.Errorf("limits are not held: %q", s.Guest)
		}
		state := StateBody(s.Guest, 0)
		again := bytes.ReplaceAll(bytes.ReplaceAll(state, []byte("<HotelingEvent"), []byte("<SetHoteling")), []byte("</HotelingEvent"), []byte("</SetHoteling"))
		if r, err := ParseSet(BodyType, again); err != nil || r.Guest != s.Guest {
			t.Errorf("%q is read again as %q, %v", s.Guest, r.Guest, err)
		}
	})
}
