package call

import (
	"fmt"
	"strings"
	"testing"

	"passerelle/directory"
	"passerelle/directory/sitefile"
	"passerelle/sip"
)

// groupFile is an enterprise with every setting the plan looks at: Paris has trunks of its own, Lyon uses the one that Paris
// shares, Montreal dials by the North American plan, Oslo has nothing.
const groupFile = `
enterprise: group
sites:
  - name: Paris
    domain: paris.test
    country: FR
    timezone: Europe/Paris
    extension_length: 3
    prefix: "81"
    numbers: ["+33170001000", "+33170001001", "+33170001002", "+33170001003"]
    gateway: {number: "+33170001000", extension: "100"}
    caller_number: "+33170001001"
    inbound:
      - {number: "+33170001001", to: "203"}
      - {number: "+33170001002", to: gateway}
    night: {from: "19:30", to: "07:00", weekend: true}
    users:
      - {name: Alice, number: "+33170001201", extension: "201", pack: premium, pickup_group: desk, space_id: "48213907752", voicemail: "+33170009999", phone: {username: alice, password: p}, softphones: [{username: alice-app, password: p}]}
      - {name: Bruno, number: "+33170001202", extension: "202", clir: true, reject_anonymous: true, calling_plan: {international: true, premium_rate: true}, phone: {username: "+33170001202", password: p}}
      - {name: Camille, extension: "203", calling_plan: {national: false}, voicemail: "sip:camille@vm.example", phone: {username: camille, password: p}}
      - {name: Lobby, extension: "204", calling_plan: {internal: false, national: false}, phone: {username: lobby, password: p}}
    workspaces:
      - {name: Desk, number: "+33170001301", extension: "301", phone: {username: desk, password: p, host: {enabled: true, scope: enterprise}}}
    trunks:
      - {name: any, address: "192.0.2.1", presentation: national, caller_id: site, shared: true}
      - {name: north, address: "192.0.2.2", prefixes: ["+1", "+4"]}
      - {name: britain, address: "192.0.2.3", prefixes: ["+44"]}
      - {name: help, address: "192.0.2.4", prefixes: ["+3399"], emergency: true}
  - name: Lyon
    domain: lyon.test
    country: FR
    timezone: Europe/Paris
    extension_length: 3
    prefix: "82"
    numbers: ["+33470001000"]
    gateway: {number: "+33470001000", extension: "100"}
    users:
      - {name: Zoe, number: "+33470001201", extension: "201", phone: {username: zoe, password: p}}
  - name: Montreal
    domain: montreal.test
    country: CA
    national_countries: [US]
    timezone: America/Toronto
    extension_length: 4
    numbers: ["+15145550100"]
    users:
      - {name: Dana, number: "+15145550201", extension: "2201", phone: {username: dana, password: p}}
    trunks:
      - {name: bell, address: "192.0.2.5", presentation: national}
  - name: Oslo
    domain: oslo.test
    country: "NO"
    timezone: Europe/Oslo
    extension_length: 3
    feature_codes: {hoteling: "off", park: "**1"}
    users:
      - {name: Odd, extension: "911", phone: {username: odd, password: p}}
`

func group(t testing.TB, edit ...func(*directory.Enterprise)) *directory.Directory {
	t.Helper()
	e, err := sitefile.Parse("group.yaml", []byte(groupFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range edit {
		f(e)
	}
	dir, err := directory.New(e)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// callerOf is the line of a device, or, for TRUNK=NUMBER, a trunk that asserts a number.
func callerOf(t testing.TB, dir *directory.Directory, name string) directory.Caller {
	t.Helper()
	in := &sip.Invite{Identity: sip.Identity{Username: name}}
	if trunk, number, ok := strings.Cut(name, "="); ok {
		in = &sip.Invite{Identity: sip.Identity{Trunk: trunk}, From: sip.Address{URI: sip.URI{User: number}}}
	}
	c, err := identify(dir, in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// guest is the caller when a user is a guest on the phone of another.
func guest(t testing.TB, dir *directory.Directory, name, host string) directory.Caller {
	t.Helper()
	c := callerOf(t, dir, name)
	device, ok := dir.DeviceByUsername(host)
	if !ok {
		t.Fatal("no phone", host)
	}
	c.Device = device
	return c
}

// uriOf reads USER, USER@HOST or a whole URI; without a host the server's address stands.
func uriOf(text string) sip.URI {
	if u, ok := parseTarget(text); ok {
		return u
	}
	if name, ok := strings.CutPrefix(text, "urn:"); ok {
		return sip.URI{Scheme: "urn", User: name}
	}
	user, host, ok := strings.Cut(text, "@")
	if !ok {
		host = "192.0.2.10"
	}
	return sip.URI{Scheme: "sip", User: user, Host: host}
}

func namesOf(trunks []*directory.Trunk) string {
	names := make([]string, len(trunks))
	for i, t := range trunks {
		names[i] = t.Name
	}
	return strings.Join(names, " ")
}

// told is a route in one line: where, what it is, and what is said of the caller.
func told(r Route) string {
	var parts []string
	add := func(s string) { parts = append(parts, s) }
	add(r.Kind.String())
	switch r.Kind {
	case Refused:
		add(strings.TrimSpace(fmt.Sprint(r.Status, " ", r.Spoken)))
		return strings.Join(parts, " ")
	case ToGateway:
		add(r.Site.Domain)
		if r.SpaceID != "" {
			add("space")
		}
	case ToLine:
		add(r.User.Name)
	case ToTrunk, ToEmergency:
		add(string(r.Number) + r.Digits)
		if r.Kind == ToEmergency {
			add(r.Site.Domain + " " + string(r.Callback))
		} else {
			add(r.Class.String())
		}
		add("by " + namesOf(r.Trunks))
	case ToURI:
		add(r.URI)
	case ToFeature:
		add(string(r.Feature))
		if r.Argument != "" {
			add(r.Argument)
		}
		if r.User != nil {
			add(r.User.Name)
		}
	}
	if r.HideNumber {
		add("hidden")
	}
	return strings.Join(parts, " ")
}
