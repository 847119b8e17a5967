package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"passerelle/softphone"
)

// asProgram makes the test binary run main, so that a test can send signals to a real process.
const asProgram = "PASSERELLE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "1" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program is a server in a process of its own.
type program struct {
	*exec.Cmd
	sip   netip.AddrPort
	ended chan error
}

// start runs serve on the demo's site and returns when it serves.
func start(t *testing.T, data string, flags ...string) *program {
	t.Helper()
	sip, web := freePort(t), freePort(t)
	args := append([]string{"serve", "--data", data, "--sip", sip.String(), "--http", web.String()}, flags...)
	if !slices.Contains(flags, "--rtp") {
		args = append(args, "--rtp", "127.0.0.1:43000-43099")
	}
	if !slices.Contains(flags, "--site") {
		args = append(args, "--site", "../../directory/sitefile/demo.yaml")
	}
	p := &program{Cmd: exec.CommandContext(t.Context(), os.Args[0], args...), sip: sip, ended: make(chan error, 1)}
	p.Env = append(os.Environ(), asProgram+"=1")
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	serving := make(chan struct{})
	var out bytes.Buffer
	go func() { // ends with the process
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			fmt.Fprintln(&out, lines.Text())
			if strings.Contains(lines.Text(), `"msg":"serving"`) {
				close(serving)
			}
		}
		p.ended <- p.Wait()
	}()
	select {
	case <-serving:
	case err := <-p.ended:
		t.Fatalf("the server ended: %v\n%s", err, out.String())
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not serve")
	}
	return p
}

// freePort is an address on the loopback that was free just now.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// ends waits for the process.
func (p *program) ends(t *testing.T, within time.Duration) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		t.Fatalf("the server has not ended within %v", within)
	}
}

func (p *program) phone(t *testing.T) *softphone.Phone {
	t.Helper()
	ph, err := softphone.Open(t.Context(), softphone.Config{User: "alice-app", Password: "sA-44c1d0", Domain: "paris.acme.test", Server: p.sip,
		Local: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ph.Close() })
	return ph
}

// TestSecondSignalEndsAtOnce drains at the first SIGTERM, with a call up, and ends at the second.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	p := start(t, t.TempDir(), "--drain-limit", "1h")
	ph := p.phone(t)
	if _, err := ph.Invite(t.Context(), gatewayURI+";space="+aliceSpace, softphone.InviteOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// Draining shows by the 503 to a new call, and the process lives on.
	for {
		_, err := ph.Invite(t.Context(), gatewayURI, softphone.InviteOptions{})
		if softphone.StatusOf(err) == 503 {
			break
		}
		if err != nil && softphone.StatusOf(err) == 0 {
			t.Fatal(err)
		}
	}
	select {
	case err := <-p.ended:
		t.Fatalf("ended at the first signal: %v", err)
	default:
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 5*time.Second)
}

// TestBindingsSurviveARestart registers, ends the server, and finds the binding in the next one.
func TestBindingsSurviveARestart(t *testing.T) {
	data := t.TempDir()
	p := start(t, data)
	ph := p.phone(t)
	if _, err := ph.Register(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 20*time.Second)
	p = start(t, data)
	again := p.phone(t)
	contacts, err := again.Bindings(t.Context())
	if err != nil || len(contacts) != 1 {
		t.Errorf("%v, %v: want the one binding of before", contacts, err)
	}
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 20*time.Second)
}
