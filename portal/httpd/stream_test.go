package httpd

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"passerelle/portal/stream"
)

// TestStreamsDoNotHoldTheShutdownUp leaves a stream open while the server ends: it is told, and not cut off at the end of a
// grace period that is longer than this test may take.
func TestStreamsDoNotHoldTheShutdownUp(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan string, 1)
	s := NewServer(ServerConfig{Listener: l, Grace: time.Hour}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := stream.Open(w)
		if err != nil {
			ended <- err.Error()
			return
		}
		if err := out.Send("greeting", "one\ntwo"); err != nil {
			ended <- err.Error()
			return
		}
		select {
		case <-stream.Closing(r.Context()):
			ended <- "told"
		case <-r.Context().Done():
			ended <- "cut"
		}
	}))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }() // ended by cancel, awaited below
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got strings.Builder
	for lines := bufio.NewScanner(res.Body); !strings.HasSuffix(got.String(), "two\n\n") && lines.Scan(); {
		got.WriteString(lines.Text() + "\n")
	}
	if want := ": open\n\nevent: greeting\ndata: one\ndata: two\n\n"; got.String() != want {
		t.Errorf("%q", got.String())
	}
	cancel()
	if how := <-ended; how != "told" {
		t.Error("the stream was", how)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
