package web_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binaryDir is where the server's binary is built; TestMain makes and removes it.
var binaryDir string

// TestMain gives the binary a place for the time of the tests.
func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "passerelle-binary-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		binaryDir = dir
		return m.Run()
	}())
}

// build makes the server's binary once for all tests and gives its path.
var build = sync.OnceValues(func() (string, error) {
	// go test takes an old result for the present one unless it sees that the packages changed which this one does not
	// import: it knows the directories that a test looked into.
	for _, dir := range []string{"../../cmd", "../../call"} {
		_ = filepath.WalkDir(dir, func(string, fs.DirEntry, error) error { return nil })
	}
	path := filepath.Join(binaryDir, "passerelle")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/passerelle").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// program is the built server in a process of its own.
type program struct {
	t      *testing.T
	url    string         // of its HTTP address
	sip    netip.AddrPort // UDP and TCP
	data   string         // its directory
	token  string         // of the API, for everything
	output *syncBuffer    // what it prints and logs
	ended  chan error     // has how it ended
	cmd    *exec.Cmd
}

// startProgram builds the server and runs serve with further flags, on the demo's sites in a store of its own, until the
// test ends. It returns when the server serves. At the end it must stop when it is told to, without a panic in its log.
func startProgram(t *testing.T, flags ...string) *program {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 { // another program may take a port that was free just now
		p := &program{t: t, data: t.TempDir(), token: "token-of-the-tests", output: &syncBuffer{}, ended: make(chan error, 1)}
		if p.start(path, flags) {
			t.Cleanup(p.stop)
			return p
		}
		if out := p.output.String(); !strings.Contains(out, "address already in use") {
			t.Fatal("the server does not start:\n", out)
		}
	}
	t.Fatal("no free ports")
	return nil
}

// start runs the program and tells whether it serves.
func (p *program) start(path string, flags []string) bool {
	p.t.Helper()
	p.sip = freePorts(p.t)
	web := freePorts(p.t).String()
	p.url = "http://" + web
	args := append([]string{"serve", "--data", p.data, "--site", "../../directory/sitefile/demo.yaml", "--sip", p.sip.String(), "--http", web,
		"--rtp", "127.0.0.1:44000-44999", "--api-token", p.token, "--drain-limit", "1s", "--log", "text"}, flags...)
	p.cmd = exec.Command(path, args...)
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	withUs(p.cmd)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	serving, read := make(chan struct{}), make(chan struct{})
	go func() { // ends with the pipe
		defer close(read)
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		once := sync.OnceFunc(func() { close(serving) })
		for lines.Scan() {
			fmt.Fprintln(p.output, lines.Text())
			if strings.Contains(lines.Text(), "msg=serving") {
				once()
			}
		}
	}()
	go func() { // ends with the process
		err := p.cmd.Wait()
		_ = w.Close()
		<-read
		p.ended <- err
	}()
	select {
	case <-serving:
		return true
	case <-p.ended:
		return false
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		p.t.Fatal("the server does not serve:\n", p.output)
		return false
	}
}

// stop ends the server as an operator does.
func (p *program) stop() {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Error(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Error("the server ended badly:", err)
		}
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		p.t.Error("the server does not end")
	}
	if out := p.output.String(); p.t.Failed() || strings.Contains(out, "panic") {
		p.t.Errorf("the server's log:\n%s", out[max(0, len(out)-20_000):])
	}
}

// freePorts is an address on the loopback that was free just now for UDP and TCP.
func freePorts(t *testing.T) netip.AddrPort {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := l.Addr().(*net.TCPAddr).AddrPort()
		pc, err := net.ListenPacket("udp", addr.String())
		_ = l.Close()
		if err == nil {
			_ = pc.Close()
			return addr
		}
	}
	t.Fatal("no port is free for UDP and TCP")
	return netip.AddrPort{}
}

// browser is somebody's browser, without scripts.
func (p *program) browser() *browser {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &browser{t: p.t, url: p.url, client: &http.Client{Jar: jar}, lang: "fr-FR,fr;q=0.9,en;q=0.5"}
}

// chromium opens a browser of its own that asks for that language; the test is skipped where there is none.
func (p *program) chromium(lang string) *tab {
	p.t.Helper()
	return openChromium(p.t, p.url, lang)
}

// api asks the API and reads its answer into out, unless that is nil. It gives the status.
func (p *program) api(method, path, body string, out any) int {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url+"/api/v1/"+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	if out != nil {
		if err := json.NewDecoder(res.Body).Decode(out); err != nil && !errors.Is(err, io.EOF) {
			p.t.Fatalf("%s %s: %d: %v", method, path, res.StatusCode, err)
		}
	}
	return res.StatusCode
}

// TestTheBuiltServer serves the portal and the API from a process of its own.
func TestTheBuiltServer(t *testing.T) {
	p := startProgram(t)
	b := p.browser()
	b.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo").want(t, 200, "Services avancés")
	b.get("/live").want(t, 200, "Aucune session n’est en cours.")
	var status struct{ Spaces int }
	if code := p.api(http.MethodGet, "status", "", &status); code != 200 || status.Spaces == 0 {
		t.Error(code, status)
	}
}
