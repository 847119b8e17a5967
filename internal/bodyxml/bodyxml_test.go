package bodyxml

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
)

// doc is a document like those of phones.
type doc struct {
	XMLName xml.Name
	Device  string `xml:"device"`
	On      string `xml:"on"`
}

func TestDecode(t *testing.T) {
	tests := []struct {
		name, text string
		device     string
		err        error // nil: read; errAny: any error
	}{
		{"plain", `<Set><device>101</device></Set>`, "101", nil},
		{"a desk phone's", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<Set xmlns=\"http://x/ed3\">\n  <device>Andr\xe9</device>\n</Set>", "André", nil},
		{"UTF-8 with a mark", "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?><Set><device>é</device></Set>\r\n", "é", nil},
		{"ASCII", `<?xml version="1.0" encoding="US-ASCII"?><Set><device>1</device></Set>`, "1", nil},
		{"prefix", `<c:Set xmlns:c="http://x"><c:device>7</c:device></c:Set>`, "7", nil},
		{"comment behind", `<Set><device>1</device></Set><!-- end -->`, "1", nil},
		{"the five entities", `<Set><device>&lt;&amp;&gt;&quot;&apos;&#233;</device></Set>`, `<&>"'é`, nil},
		{"NUL behind", "<Set><device>1</device></Set>\x00", "1", errAny},
		{"external entity", `<!DOCTYPE Set [<!ENTITY f SYSTEM "file:///etc/passwd">]><Set><device>&f;</device></Set>`, "", ErrDirective},
		{"laughing", `<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Set><device>&b;</device></Set>`, "", ErrDirective},
		{"entity nobody declared", `<Set><device>&f;</device></Set>`, "", errAny},
		{"two roots", `<Set><device>1</device></Set><Set/>`, "", ErrTrailing},
		{"text behind", `<Set><device>1</device></Set>x`, "", ErrTrailing},
		{"not closed", `<Set><device>1</device>`, "", errAny},
		{"wrongly closed", `<Set><device>1</Set></device>`, "", errAny},
		{"other character set", `<?xml version="1.0" encoding="EBCDIC"?><Set/>`, "", errAny},
		{"not UTF-8", "<Set><device>\xff</device></Set>", "", errAny},
		{"empty", "", "", errAny},
		{"large", "<Set>" + strings.Repeat(" ", MaxSize) + "</Set>", "", ErrTooLarge},
		{"deep", strings.Repeat("<a>", 20000), "", errAny},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d doc
			err := Decode([]byte(tt.text), &d)
			switch {
			case tt.err == nil && (err != nil || d.Device != tt.device):
				t.Errorf("%q, %v; want %q", d.Device, err, tt.device)
			case tt.err != nil && err == nil:
				t.Errorf("read as %+v", d)
			case tt.err != nil && !errors.Is(tt.err, errAny) && !errors.Is(err, tt.err):
				t.Errorf("%v, want %v", err, tt.err)
			}
		})
	}
}

var errAny = errors.New("any")

func FuzzDecode(f *testing.F) {
	f.Add([]byte("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<Set xmlns=\"http://x/ed3\">\n  <device>Andr\xe9</device>\n</Set>"))
	f.Add([]byte(`<!DOCTYPE l [<!ENTITY a "aaaa">]><Set><device>&a;</device></Set>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d doc
		if err := Decode(b, &d); err != nil {
			return
		}
		// What was read can be written and read again, in a document of any character set.
		var again doc
		text := `<?xml version="1.0" encoding="ISO-8859-1"?><Set><device>` + Text(d.Device) + `</device></Set>`
		for i := range len(text) {
			if text[i] >= 0x80 {
				t.Fatalf("%q is not ASCII", text)
			}
		}
		if err := Decode([]byte(text), &again); err != nil || again.Device != d.Device {
			t.Errorf("%q came back as %q, %v", d.Device, again.Device, err)
		}
	})
}
