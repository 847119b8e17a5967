package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"passerelle/internal/memnet"
	"passerelle/softphone"
)

// tries makes a tryCmd with its defaults and these flags, on the world's network.
func (w *world) tries(args ...string) (*tryCmd, *bytes.Buffer) {
	w.t.Helper()
	c, err := parseTry(append([]string{"--server", serverAddr.String()}, args...)...)
	if err != nil {
		w.t.Fatal(err)
	}
	out := &bytes.Buffer{}
	c.out = out
	var mu sync.Mutex
	c.edit = func(cfg *softphone.Config) {
		mu.Lock()
		defer mu.Unlock()
		w.nextIP++
		cfg.Local = netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, w.nextIP}), 5060)
		cfg.Sockets, cfg.Pacer = softphone.Memory(w.net), nil
	}
	return c, out
}

func parseTry(args ...string) (*tryCmd, error) {
	c := &tryCmd{}
	parser, err := kong.New(c)
	if err != nil {
		return nil, err
	}
	_, err = parser.Parse(args)
	return c, err
}

func TestTryProvesTheDemo(t *testing.T) {
	for _, digits := range []string{"rfc4733", "info", "inband"} {
		t.Run(digits, func(t *testing.T) {
			inWorldOf(t, demoEnterprise(), func(w *world) {
				start := time.Now()
				c, out := w.tries("--digits", digits)
				if err := c.Run(w.t.Context()); err != nil {
					w.t.Fatalf("%v\n%s", err, out)
				}
				if took := time.Since(start); took > 8*time.Second {
					w.t.Errorf("took %s:\n%s", took, out)
				}
				if n := strings.Count(out.String(), " ok"); n != 16 || !strings.Contains(out.String(), "heard each other") {
					w.t.Errorf("%d steps of 16:\n%s", n, out)
				}
				for _, secret := range []string{aliceSpace, "sA-44c1d0", "pC-0be5d2"} {
					if strings.Contains(out.String(), secret) {
						w.t.Errorf("a secret is in the output:\n%s", out)
					}
				}
				if n := w.house.registrar.Count(); n != 0 {
					w.t.Errorf("%d registrations are left", n)
				}
			})
		})
	}
}

// TestTryNamesTheStepThatFails breaks the job at each of its steps.
func TestTryNamesTheStepThatFails(t *testing.T) {
	tests := []struct {
		name  string
		args  []string
		spoil func(w *world)
		want  []string
	}{
		{"nobody there", nil, func(w *world) { w.net.OnPacket(func(memnet.Packet) memnet.Verdict { return memnet.Drop() }) },
			[]string{"registers", "does the server run there?"}},
		{"wrong password", []string{"--caller", "alice-app:wrong", "--domain", "paris.acme.test"}, nil,
			[]string{"registers: REGISTER answered 401", "is the password right"}},
		{"wrong number", []string{"--number", "299", "--space", aliceSpace}, nil,
			[]string{"dials the gateway number", "is 299 the gateway number of a site?"}},
		{"wrong space", []string{"--space", "11111111111"}, nil,
			[]string{"hears the other caller", "was the space ID taken?"}},
		{"no media from the server", nil, func(w *world) {
			w.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
				if k.Src.Addr() == serverAddr.Addr() && k.Src.Port() >= 20000 {
					return memnet.Drop()
				}
				return memnet.Pass()
			})
		}, []string{"hears the prompt", "not heard"}},
		{"the server sends everybody their own voice", nil, func(w *world) { mirror(w) },
			[]string{"never hears itself", "its own tone comes back at -2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorldOf(t, demoEnterprise(), func(w *world) {
				if tt.spoil != nil {
					tt.spoil(w)
				}
				c, out := w.tries(tt.args...)
				err := c.Run(w.t.Context())
				if err == nil {
					w.t.Fatalf("held:\n%s", out)
				}
				for _, want := range tt.want {
					if !strings.Contains(err.Error(), want) {
						w.t.Errorf("error lacks %q: %v", want, err)
					}
				}
				if !strings.Contains(out.String(), "FAILED") || strings.Contains(out.String()+err.Error(), "11111111111") {
					w.t.Errorf("output:\n%s", out)
				}
			})
		})
	}
}

// mirror adds a caller's own audio to what it hears: the server's packets of a call are replaced by the caller's own every
// second time.
func mirror(w *world) {
	last := map[netip.AddrPort][]byte{} // what each phone sent last
	w.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
		if len(k.Payload) != 172 {
			return memnet.Pass()
		}
		if k.Src.Addr() != serverAddr.Addr() {
			last[k.Src] = k.Payload
			return memnet.Pass()
		}
		own := last[k.Dst]
		if own == nil || own[1]&0x7f != k.Payload[1]&0x7f {
			return memnet.Pass()
		}
		for i := 12; i < len(own); i += 2 {
			k.Payload[i] = own[i]
		}
		return memnet.Pass()
	})
}

func TestTryLoad(t *testing.T) {
	inWorldOf(t, demoEnterprise(), func(w *world) {
		file := filepath.Join(w.t.TempDir(), "figures.json")
		c, out := w.tries("--spaces", "3", "--parties", "4", "--for", "8s", "--json", file)
		if err := c.Run(w.t.Context()); err != nil {
			w.t.Fatalf("%v\n%s", err, out)
		}
		b, err := os.ReadFile(file)
		if err != nil {
			w.t.Fatal(err)
		}
		var r loadReport
		if err := json.Unmarshal(b, &r); err != nil {
			w.t.Fatal(err)
		}
		// Twice each of 12 listeners judges 3 others, itself, and 8 voices of other spaces.
		if r.Up != 12 || r.Total.Checks != 2*12*(4+8) || len(r.PerSpace) != 3 || len(r.Problems) != 0 {
			w.t.Errorf("figures %s", b)
		}
		if d := r.Total.Delay; d.N == 0 || d.Max > 200 || r.Total.Expected < 12*390 || r.Total.Setup.N != 12 {
			w.t.Errorf("figures %s", b)
		}
		if s := out.String(); !strings.Contains(s, "Clean") || strings.Contains(s, aliceSpace) || bytes.Contains(b, []byte(aliceSpace)) {
			w.t.Errorf("output:\n%s", s)
		}
	})
}

func TestTryLoadFindsFaults(t *testing.T) {
	inWorldOf(t, demoEnterprise(), func(w *world) {
		mirror(w)
		n := 0
		w.net.OnPacket(func(k memnet.Packet) memnet.Verdict {
			if n++; k.Src.Port() >= 20000 && n%50 == 0 {
				return memnet.Drop()
			}
			return memnet.Pass()
		})
		c, out := w.tries("--spaces", "1", "--parties", "3", "--for", "5s")
		err := c.Run(w.t.Context())
		if err == nil || !strings.Contains(out.String(), "own voice") || !strings.Contains(out.String(), "% of the packets were lost") {
			w.t.Errorf("%v\n%s", err, out)
		}
	})
}

func TestTryUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"a caller without a password": {"--caller", "alice"},
		"more spaces than there are":  {"--spaces", "3", "--space", "4711", "--space", "4712"},
		"sixteen in a space":          {"--spaces", "1", "--parties", "16"},
		"alone in a space":            {"--spaces", "1", "--parties", "1"},
		"no time":                     {"--spaces", "1", "--for", "1s"},
		"no rate":                     {"--spaces", "1", "--ramp", "0"},
	} {
		c, err := parseTry(args...)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Run(t.Context()); !errors.Is(err, errTryUsage) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSpacesFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "spaces")
	text := "# number, space\n+33170001000 48213907752\n\n+33170001000, 73500619280 # Bruno\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := readSpaces(path)
	want := []trySpace{{"line 2", "+33170001000", "48213907752"}, {"line 4", "+33170001000", "73500619280"}}
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("read %v: %v", got, err)
	}
	if err := os.WriteFile(path, []byte("48213907752\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readSpaces(path); err == nil || !strings.Contains(err.Error(), ":1:") || strings.Contains(err.Error(), "48213907752") {
		t.Errorf("a line without a number: %v", err)
	}
}

// TestAskSpaces reads the spaces of a server page by page.
func TestAskSpaces(t *testing.T) {
	admin := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := `{"items":[{"ref":"space-1","gateway_number":"+331","space_id":"111","entitled":true},
			{"ref":"space-2","gateway_number":"","space_id":"222","entitled":true},
			{"ref":"space-3","gateway_number":"+331","space_id":"333","entitled":false}],"next_cursor":"more"}`
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			w.WriteHeader(http.StatusUnauthorized)
			page = `{"status":401,"detail":"no token"}`
		case r.URL.Query().Get("cursor") == "more":
			page = `{"items":[{"ref":"space-4","gateway_number":"+332","space_id":"444","entitled":true}]}`
		}
		if !admin {
			page = `{"items":[{"ref":"space-1","gateway_number":"+331","entitled":true}]}`
		}
		_, _ = w.Write([]byte(page))
	}))
	defer srv.Close()
	got, err := askSpaces(t.Context(), srv.Client(), srv.URL, "secret")
	if want := []trySpace{{"space-1", "+331", "111"}, {"space-4", "+332", "444"}}; err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %v: %v", got, err)
	}
	if _, err := askSpaces(t.Context(), srv.Client(), srv.URL, "wrong"); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("wrong token: %v", err)
	}
	admin = false
	if _, err := askSpaces(t.Context(), srv.Client(), srv.URL, "secret"); !errors.Is(err, errTryUsage) {
		t.Errorf("a token that reads no space IDs: %v", err)
	}
}

func TestTonePlan(t *testing.T) {
	for _, size := range [][2]int{{2, 1}, {15, 8}, {15, 64}, {3, 200}} {
		seats, spaces := size[0], size[1]
		p, err := newTonePlan(seats, spaces)
		if err != nil {
			t.Fatal(err)
		}
		used := map[float64][2]int{}
		for space := range min(spaces, p.sets) {
			for seat := range seats {
				hz := p.hertz(space, seat)
				if other, taken := used[hz]; taken || hz < bandLow || hz >= bandHigh {
					t.Errorf("%dx%d: %g Hz for %d/%d, and %v", spaces, seats, hz, space, seat, other)
				}
				used[hz] = [2]int{space, seat}
			}
		}
		if n := len(p.foreign(0)); n != seats*(p.sets-1) {
			t.Errorf("%dx%d: %d foreign tones", spaces, seats, n)
		}
	}
	if _, err := newTonePlan(500, 1); err == nil {
		t.Error("500 tones in 2200 Hz can be told apart?")
	}
}
