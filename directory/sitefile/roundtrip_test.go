package sitefile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// same compares enterprises by what a file says; secrets by their text.
var same = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreFields(directory.User{}, "Site", "Ref"),
	cmpopts.IgnoreFields(directory.Device{}, "User", "Primary"),
	cmpopts.IgnoreFields(directory.Trunk{}, "Site"),
	cmp.Transformer("reveal", func(s directory.Secret) string { return s.Reveal() }),
}

// roundTrip writes and reads e: the same must come back.
func roundTrip(t *testing.T, e *directory.Enterprise) {
	t.Helper()
	text := sitefile.Format(e, sitefile.FormatOptions{})
	again, err := sitefile.Parse("formatted.yaml", text)
	if err != nil {
		t.Fatalf("what was written does not read: %v\n%s", err, text)
	}
	if diff := cmp.Diff(e, again, same); diff != "" {
		t.Fatalf("changed by writing and reading (-before +after):\n%s\n%s", diff, text)
	}
}

func TestDemoRoundTrip(t *testing.T) { roundTrip(t, sitefile.Demo()) }

// reverse is a stand-in for sealing that shows whether label and purpose come back the same.
type reverse struct{}

func (reverse) seal(p directory.Purpose, label, text string) string {
	return string(p) + "|" + label + "|" + text
}

func (reverse) open(p directory.Purpose, label, sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, string(p)+"|"+label+"|")
	if !ok {
		return "", errors.New("does not open")
	}
	return text, nil
}

func TestSealedRoundTrip(t *testing.T) {
	text := sitefile.Format(sitefile.Demo(), sitefile.FormatOptions{Secrets: sitefile.SecretsSealed, Seal: reverse{}.seal})
	again, err := sitefile.Read(sitefile.Options{Unseal: reverse{}.open}, sitefile.Source{Name: "sealed.yaml", Data: text})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sitefile.Demo(), again, same); diff != "" {
		t.Fatal(diff)
	}
	// A sealed secret that was copied to somebody else does not open, and is told with its line.
	moved := strings.Replace(string(text), "pin|paris.acme.test/+33170001201/pin|246810", "pin|paris.acme.test/+33170001202/pin|135790", 1)
	_, err = sitefile.Read(sitefile.Options{Unseal: reverse{}.open}, sitefile.Source{Name: "sealed.yaml", Data: []byte(moved)})
	faults := sitefile.Faults(err)
	if len(faults) != 1 || faults[0].Field != "sites[0].users[0].pin" || faults[0].Line == 0 {
		t.Fatalf("a moved secret: %v", err)
	}
}

func TestOmittedSecretsAreKept(t *testing.T) {
	text := sitefile.Format(sitefile.Demo(), sitefile.FormatOptions{Secrets: sitefile.SecretsOmitted})
	for _, site := range sitefile.Demo().Sites {
		for u := range site.Everyone() {
			u.EachSecret(func(field string, _ directory.Purpose, s *directory.Secret) {
				if strings.Contains(string(text), `"`+s.Reveal()+`"`) && field != "phone.password" || strings.Contains(string(text), "password: "+s.Reveal()) {
					t.Errorf("%s of %s was not left out", field, u.Name)
				}
			})
		}
	}
	src := sitefile.Source{Name: "omitted.yaml", Data: text}
	// On a server that has them, the secrets stay.
	again, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sitefile.Demo(), again, same); diff != "" {
		t.Fatal(diff)
	}
	// On a server without them, every device lacks its password, and its line is told.
	_, err = sitefile.Read(sitefile.Options{}, src)
	missing := 0
	for _, f := range sitefile.Faults(err) {
		if strings.HasSuffix(f.Field, ".password") && f.Cause == "is missing" && f.Line > 0 {
			missing++
		}
	}
	if missing != 7 {
		t.Fatalf("%d passwords are missed, the demo has 7 devices:\n%v", missing, err)
	}
}
