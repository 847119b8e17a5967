package audit_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"passerelle/directory"
	"passerelle/directory/audit"
	"passerelle/directory/sitefile"
)

// twice gives the demo's enterprise two times, to change one.
func twice() (before, after *directory.Enterprise) { return sitefile.Demo(), sitefile.Demo() }

func TestDiffAndBack(t *testing.T) {
	no := false
	for name, c := range map[string]struct {
		change func(*directory.User)
		field  string
		before string
		after  string
	}{
		"text":                 {func(u *directory.User) { u.Forwards.Always = "0612345678" }, "forwards.always", `""`, `"0612345678"`},
		"number in a struct":   {func(u *directory.User) { u.Guest.LimitHours = 7 }, "guest.limit_hours", "", "7"},
		"switch":               {func(u *directory.User) { u.CLIR = true }, "clir", "false", "true"},
		"pointer from nothing": {func(u *directory.User) { u.CallWaiting = &no }, "call_waiting", "null", "false"},
		"list":                 {func(u *directory.User) { u.Roles = []directory.Role{directory.HelpDesk} }, "roles", `["enterprise_admin"]`, `["help_desk"]`},
		"behind a pointer":     {func(u *directory.User) { u.Phone.Model = "8845" }, "phone.model", "", `"8845"`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := twice()
			was, is := a.Sites[0].Users[0], b.Sites[0].Users[0]
			was.Ref, is.Ref = 7, 7
			was.Roles, is.Roles = []directory.Role{directory.EnterpriseAdmin}, []directory.Role{directory.EnterpriseAdmin}
			c.change(is)
			changes := audit.DiffUser(was, is, b.Sites[0].Domain)
			if len(changes) != 1 || changes[0].Field != c.field || c.before != "" && string(changes[0].Before) != c.before || string(changes[0].After) != c.after || changes[0].User != 7 {
				t.Fatalf("%+v", changes)
			}
			// As the store gives them back.
			raw, err := json.Marshal(changes)
			if err != nil {
				t.Fatal(err)
			}
			changes = nil
			if err := json.Unmarshal(raw, &changes); err != nil {
				t.Fatal(err)
			}
			if err := audit.Revert(b, changes); err != nil {
				t.Fatal(err)
			}
			if left := audit.DiffUser(was, is, b.Sites[0].Domain); len(left) != 0 {
				t.Errorf("still different: %+v", left)
			}
			if err := audit.Revert(b, changes); !errors.Is(err, audit.ErrMeanwhile) {
				t.Error("put back twice:", err)
			}
		})
	}
}

func TestDiffOfASite(t *testing.T) {
	a, b := twice()
	b.Sites[0].ParkSeconds += 5
	b.Sites[0].Numbers = b.Sites[0].Numbers[1:]
	b.Sites[0].Users = nil // records of their own
	changes := audit.DiffSite(a.Sites[0], b.Sites[0])
	if len(changes) != 2 || changes[0].Field != "numbers" || changes[1].Field != "park_seconds" {
		t.Fatalf("%+v", changes)
	}
	if err := audit.Revert(b, changes); err != nil || len(audit.DiffSite(a.Sites[0], b.Sites[0])) != 0 {
		t.Error(err, audit.DiffSite(a.Sites[0], b.Sites[0]))
	}
}

func TestSecretsStayHidden(t *testing.T) {
	a, b := twice()
	was, is := a.Sites[0].Users[0], b.Sites[0].Users[0]
	was.PIN, was.SpaceID = "314159", "98765432109"
	is.PIN, is.SpaceID, is.Phone.Password = "902146", "12345678901", "very-secret"
	changes := audit.DiffUser(was, is, "x")
	if len(changes) != 3 {
		t.Fatalf("%+v", changes)
	}
	for _, c := range changes {
		if string(c.After) != `"***"` || !c.Final {
			t.Errorf("%+v", c)
		}
		if err := audit.Revert(b, []audit.Change{c}); !errors.Is(err, audit.ErrFinal) {
			t.Error(err)
		}
	}
	is.Phone = nil
	raw, err := json.Marshal(audit.DiffUser(was, is, "x"))
	if err != nil || !json.Valid(raw) || bytes.Contains(raw, []byte(was.Phone.Password.Reveal())) {
		t.Errorf("%s %v", raw, err)
	}
}
