package stream_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"passerelle/portal/stream"
)

// TestStreamsOutliveTheLimitOfRequests opens a stream on a server that gives requests little time to come: they have come.
func TestStreamsOutliveTheLimitOfRequests(t *testing.T) {
	const limit = 50 * time.Millisecond
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := stream.Open(w)
		if err != nil {
			t.Error(err)
			return
		}
		select {
		case <-r.Context().Done():
		case <-time.After(4 * limit): // the limit has passed
			if err := out.Send("late", ""); err != nil {
				t.Error(err)
			}
		}
	})
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ReadTimeout = limit
	srv.Start()
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got strings.Builder
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		got.WriteString(lines.Text() + "\n")
	}
	if got.String() != ": open\n\nevent: late\ndata:\n\n" {
		t.Errorf("%q", got.String())
	}
}
