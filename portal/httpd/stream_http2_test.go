package httpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/internal/memnet"
	"passerelle/portal/stream"
)

// TestQuietStreamsLast sends two events with an hour between them, by either version of HTTP: no deadline of the server ends a
// stream that has nothing to say.
func TestQuietStreamsLast(t *testing.T) {
	made := httptest.NewTLSServer(nil)
	certificates := made.TLS.Certificates
	made.Close()
	for _, version := range []string{"http/1.1", "h2"} {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				network, addr := memnet.New(), netip.MustParseAddrPort("192.0.2.1:443")
				l, err := network.Listen(addr)
				if err != nil {
					t.Fatal(err)
				}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan error)
				s := NewServer(ServerConfig{Listener: tls.NewListener(l, &tls.Config{Certificates: certificates, NextProtos: []string{version}, MinVersion: tls.VersionTLS12})},
					http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						out, err := stream.Open(w)
						if err != nil {
							t.Error(err)
							return
						}
						for _, event := range []string{r.Proto, "late"} {
							if err := out.Send(event, ""); err != nil {
								t.Error(event, err)
							}
							time.Sleep(time.Hour)
						}
					}))
				go func() { ended <- s.Run(ctx) }() // until stop
				transport := &http.Transport{
					DialContext: func(context.Context, string, string) (net.Conn, error) {
						return network.Dial(netip.MustParseAddrPort("198.51.100.1:0"), addr)
					},
					TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
				}
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://192.0.2.1/", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := (&http.Client{Transport: transport}).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				lines := bufio.NewScanner(resp.Body)
				for lines.Scan() {
					if name, is := strings.CutPrefix(lines.Text(), "event: "); is {
						got = append(got, name)
					}
				}
				if want := map[string]string{"http/1.1": "HTTP/1.1", "h2": "HTTP/2.0"}[version]; len(got) != 2 || got[0] != want || got[1] != "late" || lines.Err() != nil {
					t.Errorf("events %q, then %v", got, lines.Err())
				}
				_ = resp.Body.Close()
				transport.CloseIdleConnections()
				stop()
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}
