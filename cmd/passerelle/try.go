package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"passerelle/softphone"
)

// tryCmd proves the main job on a running server, as its callers see it.
type tryCmd struct {
	Server    string   `help:"SIP address of the server; 127.0.0.1:5060 by default." default:"127.0.0.1:5060" placeholder:"HOST:PORT"`
	Transport string   `help:"Transport of the callers." enum:"udp,tcp,tls" default:"udp"`
	CA        string   `name:"ca" help:"Certificates (PEM) that the server's is checked by, for --transport tls; the system's by default." placeholder:"F"`
	Domain    string   `help:"SIP domain of the callers' lines; the demo's, or the server's address with --caller." placeholder:"DOMAIN"`
	Number    string   `help:"Gateway number to dial; the demo's by default." placeholder:"N"`
	Space     []string `help:"Space ID to type; again for more spaces. The demo's by default." placeholder:"ID"`
	Caller    []string `help:"Line that calls: its SIP user name and password; again for more. The demo's Alice and Camille by default." sep:"none" placeholder:"USER:PASS"`
	Digits    string   `help:"How digits are sent." enum:"rfc4733,info,inband" default:"rfc4733"`
	Codec     string   `help:"Codec of the callers." enum:"pcmu,pcma,both" default:"both"`

	Spaces     int           `help:"Fill this many spaces at once: a load test." placeholder:"N"`
	Parties    int           `help:"Callers in each space, 15 by default." default:"15" placeholder:"M"`
	For        time.Duration `help:"How long the full spaces are measured." default:"20s"`
	Ramp       float64       `help:"Calls that are set up per second, 20 by default." default:"20" placeholder:"RATE"`
	SpacesFile string        `help:"File of spaces, one per line: gateway number and space ID." placeholder:"F"`
	Data       string        `help:"Data directory of the running server, whose spaces are asked for by its admin socket." placeholder:"DIR"`
	API        string        `name:"api" help:"URL of the running server, whose spaces are asked for by its API." placeholder:"URL"`
	APIToken   string        `name:"api-token" help:"Admin token of that API." placeholder:"TOKEN"`
	JSON       string        `name:"json" help:"File for the figures of the load test." placeholder:"F"`

	out  io.Writer               // nil = standard output
	edit func(*softphone.Config) // changes the phones before they are opened; for tests
}

// Help implements kong's help provider.
func (tryCmd) Help() string {
	return "Two simulated callers register, dial the gateway number and type the space ID; each must hear the other, and never " +
		"itself. Exit status 0 means that all of it held.\n\n" +
		"Example: passerelle try\n\n" +
		"Example: passerelle try --server 192.0.2.10:5060 --number +33170001000 --space 48213907752 --caller 201:secret --caller 202:secret\n\n" +
		"Example: passerelle try --spaces 8 --parties 15 --for 20s --json figures.json"
}

// Run tries the server.
func (c *tryCmd) Run(ctx context.Context) error {
	if c.out == nil {
		c.out = os.Stdout
	}
	setup, err := c.setup(ctx)
	if err != nil {
		return fmt.Errorf("try: %w", err)
	}
	if c.Spaces > 0 {
		return c.load(ctx, setup)
	}
	return c.prove(ctx, setup)
}

// trySetup is what the command line comes to.
type trySetup struct {
	server  netip.AddrPort
	domain  string
	callers []tryCaller
	spaces  []trySpace
	tls     *tls.Config
	call    softphone.InviteOptions
	digits  softphone.DigitOptions
	edit    func(*softphone.Config)
}

// tryCaller is a line that calls.
type tryCaller struct{ name, user, password string }

// trySpace is a space to call. The ID is a secret: name stands for it in all output.
type trySpace struct{ name, number, id string }

var errTryUsage = errors.New("not enough to go by")

// setup reads the command line, and fills in the demo's values.
func (c *tryCmd) setup(ctx context.Context) (*trySetup, error) {
	s := &trySetup{domain: c.Domain, edit: c.edit}
	var err error
	if s.server, err = resolve(ctx, c.Server); err != nil {
		return nil, err
	}
	if s.callers, err = c.lines(); err != nil {
		return nil, err
	}
	if s.domain == "" {
		s.domain = s.server.Addr().String() // any address of the server is a domain of its lines
		if len(c.Caller) == 0 {
			s.domain = demoSite().Domain
		}
	}
	if s.spaces, err = c.findSpaces(ctx); err != nil {
		return nil, err
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("certificates: %w", err)
		}
		s.tls = &tls.Config{RootCAs: x509.NewCertPool()}
		if !s.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("certificates: %s holds none", c.CA)
		}
	}
	switch c.Codec {
	case "pcmu":
		s.call.Codecs = []softphone.Codec{softphone.PCMU}
	case "pcma":
		s.call.Codecs = []softphone.Codec{softphone.PCMA}
	}
	s.call.NoEvents = c.Digits == "inband" // a line that has nothing better
	methods := map[string]softphone.Method{"info": softphone.InfoRelay, "inband": softphone.InBand}
	s.digits = softphone.DigitOptions{
		Method: cmp.Or(methods[c.Digits], softphone.RFC4733), On: 80 * time.Millisecond, Gap: 60 * time.Millisecond,
	}
	return s, nil
}

// lines are the callers' lines: those named, or two of the demo's.
func (c *tryCmd) lines() ([]tryCaller, error) {
	var out []tryCaller
	for _, text := range c.Caller {
		user, password, ok := strings.Cut(text, ":")
		if !ok || user == "" || password == "" {
			return nil, fmt.Errorf("%w: --caller takes USER:PASS", errTryUsage)
		}
		out = append(out, tryCaller{user, user, password})
	}
	if len(out) == 0 {
		return demoCallers()
	}
	return out, nil
}

// open makes the phone of a line.
func (s *trySetup) open(ctx context.Context, line tryCaller, transport string, pacer *softphone.Pacer) (*softphone.Phone, error) {
	cfg := softphone.Config{
		User: line.user, Password: line.password, Name: line.name, Domain: s.domain, Server: s.server, Transport: transport,
		TLS: s.tls, Pacer: pacer,
	}
	if s.edit != nil {
		s.edit(&cfg)
	}
	return softphone.Open(ctx, cfg)
}

// dial makes the URI of a gateway number.
func (s *trySetup) dial(number string) string { return "sip:" + number + "@" + s.domain }

// resolve finds the address of HOST:PORT; the port defaults to 5060.
func resolve(ctx context.Context, server string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		host, port = strings.Trim(server, "[]"), "5060"
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("server %s: %w", server, err)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("server %s: %w", server, err)
	}
	return netip.AddrPortFrom(addrs[0].Unmap(), uint16(number)), nil
}
