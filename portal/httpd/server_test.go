package httpd

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// start runs a server on a free port of the loopback; stop ends it and gives Run's error.
func start(t *testing.T, cfg ServerConfig, h http.Handler) (addr string, stop func() error) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Listener = l
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- NewServer(cfg, h).Run(ctx) }() // ends by cancel, awaited by stop
	var ended bool
	var result error
	stop = func() error {
		cancel()
		if !ended {
			ended, result = true, <-done
		}
		return result
	}
	t.Cleanup(func() { _ = stop() })
	return l.Addr().String(), stop
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	addr, stop := start(t, ServerConfig{Grace: time.Minute}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-release
		if r.Context().Err() != nil {
			t.Error("the request's context ended within the grace period")
		}
		_, _ = io.WriteString(w, "whole answer")
	}))
	got := make(chan string, 1)
	go func() { // ends with the answer
		resp, err := http.Get("http://" + addr + "/") //nolint:noctx // the server ends it
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }() // ends with the server
	for {                             // the listener closes first: no new connection is taken
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			break
		}
		_ = c.Close()
	}
	close(release)
	if body := <-got; body != "whole answer" {
		t.Errorf("answer %q", body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestShutdownCutsWhatOutlivesTheGrace(t *testing.T) {
	entered := make(chan struct{})
	cut := make(chan struct{})
	addr, stop := start(t, ServerConfig{Grace: 10 * time.Millisecond}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		close(cut)
	}))
	go func() { // ends when the server cuts the connection
		resp, err := http.Get("http://" + addr + "/") //nolint:noctx // the server ends it
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	<-cut
}

func TestFailedListenerIsAnError(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if err := NewServer(ServerConfig{Listener: l}, http.NotFoundHandler()).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "serve http on 127.0.0.1") {
		t.Errorf("Run on a dead listener: %v", err)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	addr, _ := start(t, ServerConfig{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for size, want := range map[int]int{1 << 10: http.StatusNoContent, 64 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Large", string(bytes.Repeat([]byte("x"), size)))
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("header of %d bytes: %d, want %d", size, resp.StatusCode, want)
		}
	}
}
