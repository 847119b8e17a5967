package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// place is where things are and where the server listens.
type place struct {
	root string // of the project
	bin  string // passerelle, confload, regload, rtppcap
	sip  string
	http string
	rtp  string
	work string // made by prepare, removed by remove
	keep bool
}

func (p *place) flags(f *flag.FlagSet) {
	f.StringVar(&p.root, "root", ".", "directory of the project")
	f.StringVar(&p.sip, "sip", "127.0.0.1:15060", "SIP address of the server under test")
	f.StringVar(&p.http, "http", "127.0.0.1:18080", "HTTP address of the server under test")
	f.StringVar(&p.rtp, "rtp", "127.0.0.1:20000-24999", "media addresses of the server under test")
	f.BoolVar(&p.keep, "keep", false, "keep the working directory with the logs")
}

func (p *place) prepare() error {
	root, err := filepath.Abs(p.root)
	if err != nil {
		return err
	}
	p.root, p.bin = root, filepath.Join(root, "bin")
	for _, name := range []string{"passerelle", "confload", "regload", "rtppcap"} {
		if _, err := os.Stat(filepath.Join(p.bin, name)); err != nil {
			return fmt.Errorf("%w: build it first (make does)", err)
		}
	}
	p.work, err = os.MkdirTemp("", "trial-")
	return err
}

// remove takes the working directory away unless something failed.
func (p *place) remove(failed error) {
	if p.keep || failed != nil {
		fmt.Println("logs:", p.work)
		return
	}
	os.RemoveAll(p.work)
}

// site writes the bench site and its users.
func (p *place) site(spaces, users int) error {
	out, err := exec.Command(filepath.Join(p.root, "testdata/bench/site.sh"), strconv.Itoa(spaces), strconv.Itoa(users), p.work).CombinedOutput()
	if err != nil {
		return fmt.Errorf("bench site: %w: %s", err, out)
	}
	files := []string{filepath.Join(p.work, "bench.yaml")}
	if users > 0 {
		files = append(files, filepath.Join(p.work, "users.csv"))
	}
	out, err = exec.Command(filepath.Join(p.bin, "passerelle"), append([]string{"import", "--data", p.data()}, files...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("import: %w: %s", err, out)
	}
	return nil
}

func (p *place) data() string { return filepath.Join(p.work, "data") }

// server is the server under test.
type server struct {
	cmd   *exec.Cmd
	log   *os.File
	admin http.Client // through the admin socket
	ended chan error
}

// start runs the server on the imported site and waits until it is ready.
func (p *place) start(ctx context.Context, args ...string) (*server, error) {
	log, err := os.Create(filepath.Join(p.work, "server.log"))
	if err != nil {
		return nil, err
	}
	args = append([]string{"serve", "--data", p.data(), "--sip", p.sip, "--http", p.http, "--rtp", p.rtp, "--log", "json", "--log-level", "warn"}, args...)
	s := &server{cmd: exec.Command(filepath.Join(p.bin, "passerelle"), args...), log: log, ended: make(chan error, 1)}
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.admin.Timeout = 5 * time.Second
	s.admin.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", filepath.Join(p.data(), "admin.sock"))
	}}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.ended <- s.cmd.Wait() }() // ends with the process; stop reads it
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if s.ready(p.http) {
			return s, nil
		}
		select {
		case err := <-s.ended:
			return nil, fmt.Errorf("the server does not start: %v: %s", err, p.tail())
		case <-ctx.Done():
			s.cmd.Process.Kill()
			return nil, ctx.Err()
		default:
		}
		if time.Now().After(deadline) {
			s.cmd.Process.Kill()
			return nil, fmt.Errorf("the server is not ready after 20 s: %s", p.tail())
		}
	}
}

func (p *place) tail() string {
	b, _ := os.ReadFile(filepath.Join(p.work, "server.log"))
	return string(b[max(0, len(b)-2000):])
}

func (s *server) ready(addr string) bool {
	c := http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := c.Get("http://" + addr + "/readyz")
	if err != nil {
		return false
	}
	defer r.Body.Close()
	return r.StatusCode == http.StatusOK
}

func (s *server) pid() int { return s.cmd.Process.Pid }

// stop asks the server to end and tells how it ended.
func (s *server) stop() error {
	defer s.log.Close()
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ended:
		return err
	case <-time.After(60 * time.Second):
		s.cmd.Process.Kill()
		return errors.New("the server did not end within a minute")
	}
}

// status is what the server tells of itself.
type status struct {
	Registrations int    `json:"registrations"`
	Bridges       int    `json:"bridges"`
	Participants  int    `json:"participants"`
	Legs          int    `json:"legs"`
	PortsInUse    int    `json:"ports_in_use"`
	Goroutines    int    `json:"goroutines"`
	OpenFiles     int    `json:"open_files"`
	HeapBytes     uint64 `json:"heap_bytes"`
}

func (s status) String() string {
	return fmt.Sprintf("%d legs, %d bridges, %d seats, %d ports, %d lines, %d goroutines, %d files, %.1f MiB heap", s.Legs, s.Bridges, s.Participants,
		s.PortsInUse, s.Registrations, s.Goroutines, s.OpenFiles, float64(s.HeapBytes)/(1<<20))
}

func (s *server) status() (status, error) {
	var st status
	return st, s.call(http.MethodGet, "status", &st)
}

// call is one request to the API through the admin socket.
func (s *server) call(method, path string, into any) error {
	req, err := http.NewRequest(method, "http://admin/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	r, err := s.admin.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	if err != nil {
		return err
	}
	if r.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, r.Status, b)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(b, into)
}
