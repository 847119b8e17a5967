package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

func parseServe(t *testing.T, config string, args ...string) (*serveCmd, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "passerelle.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &cli{}
	_, _, err := parseCommand(t.Context(), c, append([]string{"serve", "--config", file}, args...), kong.Exit(func(int) {}))
	return &c.Serve, err
}

func TestConfigFile(t *testing.T) {
	t.Setenv("PASSERELLE_HTTP", "127.0.0.1:1111")
	s, err := parseServe(t, "sip: [\"192.0.2.1:5060\", \"192.0.2.2:5060\"]\nhttp: 127.0.0.1:2222\nrtp: \"192.0.2.1:4000-4999\"\ndrain-limit: 5s\n", "--rtp", "192.0.2.1:6000-6999")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.SIP, []string{"192.0.2.1:5060", "192.0.2.2:5060"}) || s.DrainLimit != 5*time.Second {
		t.Errorf("the file is not read: %v, %v", s.SIP, s.DrainLimit)
	}
	if s.HTTP != "127.0.0.1:1111" {
		t.Errorf("http is %s: the environment must win over the file", s.HTTP)
	}
	if s.RTP != "192.0.2.1:6000-6999" {
		t.Errorf("rtp is %s: a flag must win over the file", s.RTP)
	}
}

func TestConfigFileFaults(t *testing.T) {
	for _, tt := range []struct{ name, config, want string }{
		{"unknown key", "htpp: x\n", "passerelle.yaml:1:1: htpp: is not the name of a flag"},
		{"no YAML", "http: [\n", "passerelle.yaml:"},
		{"wrong type", "drain-limit: soon\n", "drain-limit"},
		{"twice", "http: a:1\nhttp: b:2\n", "http"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseServe(t, tt.config); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
