package sitefile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

func users(text string) sitefile.Source {
	return sitefile.Source{Name: "users.csv", Data: []byte(text)}
}

func TestUsersAreAdded(t *testing.T) {
	for name, text := range map[string]string{
		"commas": "site,name,number,extension,pack,roles,phone.mac,phone.username,phone.password,softphones[0].username,softphones[0].password,calling_plan.international\n" +
			"Paris,\"Durand, Eva\",+33170001299,299,premium,site_admin help_desk,02:00:00:00:00:01,eva,secret,eva-app,secret2,true\n" +
			"montreal.acme.test,Finn,,299,,,,,,,,\n",
		"semicolons and a byte order mark, as spreadsheets write": "\ufeffsite;name;number;extension;pack;roles;phone.mac;phone.username;phone.password;softphones[0].username;softphones[0].password;calling_plan.international\r\n" +
			"Paris;Durand, Eva;+33170001299;299;premium;site_admin help_desk;02:00:00:00:00:01;eva;secret;eva-app;secret2;true\r\n" +
			"Montreal;Finn;;299;;;;;;;;\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			e, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, users(text))
			if err != nil {
				t.Fatal(err)
			}
			want := sitefile.Demo()
			eva := directory.NewUser(directory.Person)
			eva.Name, eva.Number, eva.Extension, eva.Pack = "Durand, Eva", "+33170001299", "299", directory.Premium
			eva.Roles = []directory.Role{directory.SiteAdmin, directory.HelpDesk}
			eva.CallingPlan.International = true
			eva.Phone = &directory.Device{MAC: "02:00:00:00:00:01", Username: "eva", Password: "secret"}
			eva.Softphones = []*directory.Device{{Username: "eva-app", Password: "secret2"}}
			finn := directory.NewUser(directory.Person)
			finn.Name, finn.Extension = "Finn", "299"
			want.Sites[0].Users = append(want.Sites[0].Users, eva)
			want.Sites[1].Users = append(want.Sites[1].Users, finn)
			if diff := cmp.Diff(want, e, same); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARowChangesAStoredUser(t *testing.T) {
	e, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, users("site,number,name,pin,phone.model,guest.limit_hours\nParis,+33170001201,Alice Durand,9999,CP-8851-3PCC,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := sitefile.Demo()
	alice := want.Sites[0].Users[0]
	alice.Name, alice.PIN, alice.Phone.Model = "Alice Durand", "9999", "CP-8851-3PCC" // all else stays
	if diff := cmp.Diff(want, e, same); diff != "" {
		t.Error(diff)
	}
}

func TestUsersBesideTheirSite(t *testing.T) {
	site := sitefile.Source{Name: "site.yaml", Data: []byte("enterprise: e\nsites: [{name: Bench, domain: bench.test, country: FR, timezone: Europe/Paris}]\n")}
	// The order of the files does not matter, and one site needs no column.
	e, err := sitefile.Read(sitefile.Options{}, users("name,extension\nA,201\nB,202\n"), site)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Sites) != 1 || len(e.Sites[0].Users) != 2 || e.Sites[0].Users[1].Name != "B" {
		t.Fatalf("%+v", e.Sites[0].Users)
	}
}

func TestUsersFaults(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "", "users.csv: is empty"},
		{"unknown columns", "site,nam,phone,phone.foo,limits,name.first,workspaces,softphones[99].username,roles[0].x,lines\nParis,a,b,c,d,e,f,g,h,i\n",
			`users.csv:1:6: nam: unknown column, did you mean name?
users.csv:1:10: phone: needs the name of a field behind it, parted by a dot
users.csv:1:16: phone.foo: unknown column
users.csv:1:26: limits: needs the name of a field behind it, parted by a dot
users.csv:1:33: name.first: unknown column: first has no fields
users.csv:1:44: workspaces: unknown column
users.csv:1:55: softphones[99].username: is not the name of a field
users.csv:1:79: roles[0].x: unknown column: x has no fields
users.csv:1:90: lines: unknown column
users.csv:2:1: name: is missing
users.csv:2:1: has neither number nor extension`},
		{"no site column", "name,extension\nA,250\n", "users.csv:1:1: site: is missing: there is more than one site, or none"},
		{"unknown site, short row, twice", "site,name,name,extension\nLyon,A,B,250\nParis,A\nParis,A,B,251\n",
			`users.csv:1:11: name: is given twice
users.csv:2:1: site: there is no site named "Lyon"
users.csv:3:1: the row has 2 cells, the header has 4`},
		{"values", "site,name,number,extension,pin,pack,video,limits.per_minute,space_id,phone.username\nParis,A,0170001201,25,12x4,gold,ja,many,,a\n",
			`users.csv:2:9: number: "0170001201" is not an E.164 number: it must begin with +
users.csv:2:20: extension: "25" does not have the 3 digits of the site's extension_length
users.csv:2:23: pin: is not numeric: it is typed on a phone's keys
users.csv:2:28: pack: "gold" is not one of standard, premium
users.csv:2:33: video: must be true or false
users.csv:2:36: limits.per_minute: must be a whole number
users.csv:2:42: phone.password: is missing`},
		{"duplicates", "site,name,number,extension,space_id,pack,phone.mac,phone.username,phone.password\n" +
			"Paris,A,+33170001291,201,48213907752,premium,00:a0:c9:11:22:01,alice-app,x\n" +
			"Paris,B,+33170001291,292,,,,b,x\n" +
			"Montreal,C,+33170001201,293,,,,c,x\n" +
			"Paris,D,+33170001000,294,,,,d,x\n",
			`users.csv:2:22: extension: duplicate extension: sites[0].users[0].extension of the stored data has it already
users.csv:2:26: space_id: duplicate space ID: sites[0].users[0].space_id of the stored data has it already
users.csv:2:46: phone.mac: duplicate MAC address: sites[0].users[0].phone.mac of the stored data has it already
users.csv:2:64: phone.username: duplicate user name: sites[0].users[0].softphones[0].username of the stored data has it already
users.csv:3:9: number: duplicate number: line 2 has it already
users.csv:4:12: number: duplicate number: sites[0].users[0].number of the stored data has it already
users.csv:5:9: number: duplicate number: sites[0].gateway.number of the stored data has it already`},
		{"a second row for a stored user", "site,name,number\nParis,A,+33170001201\nParis,B,+33170001201\n",
			"users.csv:3:9: number: duplicate number: line 2 has it already"},
		{"quotes", "site,name\nParis,\"A\nParis,B\n", "users.csv:3:9: is not CSV: extraneous or missing \" in quoted-field"},
		{"not UTF-8", "site,name\nParis,\xe9\n", "users.csv:2:7: is not UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, users(test.text))
			if e != nil || err == nil {
				t.Fatalf("got %v, %v; wanted faults", e, err)
			}
			if diff := cmp.Diff(strings.Split(test.want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
				t.Error("faults differ (-want +got):\n" + diff)
			}
		})
	}
}

// TestFaultsOverSeveralFiles wants the faults of a site file that replaces a stored site in the
// words of that file, and those between files with the other file's name.
func TestFaultsOverSeveralFiles(t *testing.T) {
	site := func(file, name, domain, number string) sitefile.Source {
		return sitefile.Source{Name: file, Data: fmt.Appendf(nil, `enterprise: acme
sites:
  - name: %s
    domain: %s
    country: FR
    timezone: Europe/Paris
    users:
      - {name: U, number: "%s"}
`, name, domain, number)}
	}
	_, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()},
		site("montreal.yaml", "Montreal", "montreal.acme.test", "+33170001201"),
		site("lyon.yaml", "Lyon", "lyon.acme.test", "+33472000001"),
		site("lyon2.yaml", "Lyon", "LYON.acme.test", "+33472000001"),
		sitefile.Source{Name: "other.yaml", Data: []byte("enterprise: other\nsites: []\n")},
		sitefile.Source{Name: "broken.yaml", Data: []byte("enterprise: acme\nsites: [\n")},
	)
	// Rules between files wait until every file can be read.
	want := `other.yaml:1:13: enterprise: "other", but montreal.yaml has "acme": one server serves one enterprise
broken.yaml:2:8: sequence end token ']' not found`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
	_, err = sitefile.Read(sitefile.Options{Base: sitefile.Demo()},
		site("montreal.yaml", "Montreal", "montreal.acme.test", "+33170001201"),
		site("lyon.yaml", "Lyon", "lyon.acme.test", "+33472000001"),
		site("lyon2.yaml", "Lyon", "LYON.acme.test", "+33472000001"),
	)
	want = `montreal.yaml:8:27: sites[0].users[0].number: duplicate number: sites[0].users[0].number of the stored data has it already
lyon2.yaml:3:11: sites[0].name: duplicate site name: lyon.yaml:3 has it already
lyon2.yaml:4:13: sites[0].domain: duplicate domain: lyon.yaml:4 has it already
lyon2.yaml:8:27: sites[0].users[0].number: duplicate number: lyon.yaml:8 has it already`
	if diff := cmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Error(diff)
	}
}

func TestOneEnterprisePerServer(t *testing.T) {
	other := sitefile.Demo()
	other.Name = "Other"
	all := sitefile.Source{Name: "all.yaml", Data: sitefile.Format(other, sitefile.FormatOptions{})}
	if e, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, all); err != nil || e.Name != "Other" {
		t.Errorf("a file with every site may rename the enterprise: %v", err)
	}
	other.Sites = other.Sites[:1]
	one := sitefile.Source{Name: "one.yaml", Data: sitefile.Format(other, sitefile.FormatOptions{})}
	_, err := sitefile.Read(sitefile.Options{Base: sitefile.Demo()}, one)
	want := `one.yaml:1:13: enterprise: "Other", but the server has "acme" with site Montreal: one server serves one enterprise`
	if fmt.Sprint(err) != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}
