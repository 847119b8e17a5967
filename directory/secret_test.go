package directory_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"passerelle/directory"
)

// TestSecretsStaySecret prints a user in every way there is and looks for its secrets.
func TestSecretsStaySecret(t *testing.T) {
	u := directory.NewUser(directory.Person)
	u.SpaceID, u.PIN, u.PortalPassword = "48213907752", "246810", "alice-demo"
	u.Phone = &directory.Device{Username: "a", Password: "pA-6d1f0c"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", u.SpaceID)
		fmt.Fprintf(&out, verb+"\n", *u)
		fmt.Fprintf(&out, verb+"\n", u.Phone)
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("user", "user", u, "phone", u.Phone, "pin", u.PIN, "id", u.SpaceID)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal, "yaml": yaml.Marshal,
		"xml": func(any) ([]byte, error) { return xml.Marshal(u.SpaceID) },
	} {
		text, err := marshal(u)
		if err != nil {
			t.Fatal(name, err)
		}
		out.Write(text)
	}
	fmt.Fprintln(&out, fmt.Errorf("wrapped: %w, %v", fmt.Errorf("%s", u.PIN), u.SpaceID))
	for _, s := range []directory.Secret{u.SpaceID, u.PIN, u.PortalPassword, u.Phone.Password} {
		for _, form := range []string{s.Reveal(), fmt.Sprintf("%x", s.Reveal()), fmt.Sprintf("%X", s.Reveal())} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%s is in the output", form)
			}
		}
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("nothing was hidden")
	}
}

func TestSecretEqual(t *testing.T) {
	s := directory.Secret("246810")
	if !s.Equal("246810") || s.Equal("246811") || s.Equal("") || s.Equal("2468100") {
		t.Error("Equal is wrong")
	}
}
