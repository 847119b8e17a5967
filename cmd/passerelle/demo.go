package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"passerelle/directory"
)

// demoCmd is serve with the built-in demo site; its passwords are public, so it stays on the loopback unless told
// otherwise.
type demoCmd struct {
	Data      string `help:"Directory of the demo's store; empty means a fresh one that is removed at the end." placeholder:"DIR"`
	SIP       string `name:"sip" help:"SIP address, UDP and TCP." default:"127.0.0.1:5060" placeholder:"HOST:PORT"`
	HTTP      string `name:"http" help:"HTTP address." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	RTP       string `name:"rtp" help:"Media addresses." default:"127.0.0.1:10000-19999" placeholder:"HOST:MIN-MAX"`
	Advertise string `help:"Address that phones are told, when it is not the one they reach." placeholder:"IP"`
	Log       string `help:"Log format." enum:"text,json" default:"text"`
	LogLevel  string `help:"Least level that is logged." enum:"debug,info,warn,error" default:"info"`
}

// Help implements kong's help provider.
func (demoCmd) Help() string { return "Example: passerelle demo" }

// Run serves the demo site until ctx is done.
func (c *demoCmd) Run(ctx context.Context) error {
	data := c.Data
	if data == "" {
		dir, err := os.MkdirTemp("", "passerelle-demo-")
		if err != nil {
			return fmt.Errorf("demo store: %w", err)
		}
		defer os.RemoveAll(dir)
		data = dir
	}
	s := &serveCmd{storeFlags: storeFlags{Data: data}, SIP: []string{c.SIP}, HTTP: c.HTTP, RTP: c.RTP, Advertise: c.Advertise, Log: c.Log, LogLevel: c.LogLevel,
		DrainLimit: demoDrain, demo: true}
	return s.serve(ctx, serveOptions{started: func(dir *directory.Directory, token string) { printDemo(os.Stdout, dir, s, token) }})
}

// printDemo tells what to dial.
func printDemo(w io.Writer, dir *directory.Directory, s *serveCmd, token string) {
	fmt.Fprintf(w, "\nPasserelle demo. Its passwords are public: keep it on this machine.\n\n")
	fmt.Fprintf(w, "SIP (UDP and TCP)  %s\nHTTP               http://%s/\nAPI token          %s\n", s.SIP[0], s.HTTP, token)
	for _, site := range demoEnterprise().Sites { // the directory has hashes
		for _, u := range site.Users {
			if u.Email != "" && len(u.Roles) > 0 {
				fmt.Fprintf(w, "Portal             sign in as %s, password %s (%s of %s)\n", u.Email, u.PortalPassword.Reveal(), u.Roles[0], site.Name)
			}
		}
	}
	for _, site := range dir.Sites() {
		if site.Domain == trialDomain {
			fmt.Fprintf(w, "\n%s (%s)\n  gateway number   %s, with %d spaces for passerelle try --spaces N\n", site.Name, site.Domain, site.Gateway.Number, len(site.Users))
			continue
		}
		fmt.Fprintf(w, "\n%s (%s, %s)\n", site.Name, site.Domain, site.Language)
		if site.Gateway.Number == "" {
			fmt.Fprintf(w, "  gateway number   none assigned: no space can be called\n")
		} else {
			fmt.Fprintf(w, "  gateway number   %s, extension %s\n", site.Gateway.Number, site.Gateway.Extension)
		}
		t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprintf(t, "  NAME\tNUMBER\tEXT.\tSIP USER\tPASSWORD\tSPACE ID\tPIN\n")
		for u := range site.Everyone() {
			for i, d := range u.Devices() {
				if i == 0 {
					fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Number, u.Extension, d.Username, d.Password.Reveal(), u.SpaceID.Reveal(), u.PIN.Reveal())
				} else {
					fmt.Fprintf(t, "\t\t\t%s\t%s\t\t\n", d.Username, d.Password.Reveal())
				}
			}
		}
		t.Flush()
	}
	fmt.Fprintf(w, "\nDial the gateway number from a registered phone, type a space ID, then #.\nProve it all:  passerelle try\nStop:          Ctrl-C\n\n")
}
