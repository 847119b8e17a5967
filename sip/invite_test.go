package sip

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"passerelle/sip/siptest"
)

func TestInviteBodies(t *testing.T) {
	multipart := "--b\nContent-Type: application/pidf+xml\n\n<x/>\n--b\nContent-Type: application/sdp\n\nv=0\n--b--\n"
	for _, c := range []struct {
		name   string
		extra  []string
		code   int
		header string // must be there
		offer  string
	}{
		{"none", nil, 200, "", ""},
		{"SDP", []string{siptest.Body("Application/SDP;charset=utf-8", "v=0")}, 200, "", "v=0"},
		{"multipart", []string{siptest.Body(`multipart/mixed; boundary="b"`, multipart)}, 200, "", "v=0"},
		{"multipart without SDP", []string{siptest.Body(`multipart/mixed;boundary=b`, strings.ReplaceAll(multipart, "/sdp", "/foo"))}, 415, "Accept", ""},
		{"unknown type", []string{siptest.Body("application/foo", "x")}, 415, "Accept", ""},
		{"unknown but optional", []string{"Content-Disposition: icon;handling=optional", siptest.Body("application/foo", "x")}, 200, "", ""},
		{"encoded", []string{"e: gzip", siptest.Body("application/sdp", "x")}, 415, "Accept-Encoding", ""},
		{"accepts something else", []string{"Accept: text/plain, application/foo", siptest.Offer}, 406, "Accept", ""},
		{"accepts all", []string{"Accept: text/plain, */*;q=0.1", siptest.Body("application/sdp", "v=0")}, 200, "", "v=0"},
		{"needs what we lack", []string{"Require: precondition", siptest.Offer}, 420, "Unsupported", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				offers := make(chan string, 1)
				w := newWorld(t, ServerConfig{}, HandlerFunc(func(ctx context.Context, leg *Leg) error {
					offers <- string(leg.Offer())
					_, err := leg.AnswerWithOffer(ctx, []byte("v=0\r\n"))
					return err
				}))
				call := w.trunk(t).NewCall("sip:8000@site.test")
				call.Request("INVITE", c.extra...)
				m := call.Want(c.code, "INVITE")
				if c.header != "" && m.Header(c.header) == "" {
					t.Errorf("no %s in\n%s", c.header, m.Raw)
				}
				if c.code != 200 {
					call.RefusalACK(m)
					return
				}
				if got := strings.TrimSpace(<-offers); got != c.offer {
					t.Errorf("offer %q, want %q", got, c.offer)
				}
				call.Request("ACK")
				call.Answer(call.WantRequest("BYE"), "200 OK", "")
			})
		})
	}
}

func TestInviteFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := make(chan *Invite, 1)
		w := newWorld(t, ServerConfig{}, HandlerFunc(func(_ context.Context, leg *Leg) error {
			facts <- leg.Invite()
			return &StatusError{Code: 404}
		}))
		call := w.trunk(t).NewCall("sip:+33170001000@site.test;space=4821")
		call.From = `"O'Neil \"x\"" <sip:+33612345678@carrier.test;user=phone>`
		call.Request("INVITE", "Accept-Language: fr-CA, fr;q=0.8", "User-Agent: Cisco-CP-8851-3PCC/11.3.7", "Diversion: <sip:a@x>", "diversion: <sip:b@x>", siptest.Offer)
		call.RefusalACK(call.Want(404, "INVITE"))
		in := <-facts
		for _, c := range [][2]string{
			{in.RequestURI.User, "+33170001000"}, {in.RequestURI.Params["space"], "4821"}, {in.From.Display, `O'Neil "x"`},
			{in.From.URI.User, "+33612345678"}, {in.From.Tag, call.Tag}, {in.AcceptLanguage(), "fr-CA, fr;q=0.8"},
			{in.UserAgent(), "Cisco-CP-8851-3PCC/11.3.7"}, {strings.Join(in.Headers("Diversion"), " "), "<sip:a@x> <sip:b@x>"},
			{in.Identity.Trunk, "carrier"}, {in.Source.Remote.String(), trunkAddr}, {in.Source.Local.String(), serverAddr},
			{in.Contact.Host, "10.0.0.2"}, {in.Header("No-Such"), ""},
		} {
			if c[0] != c[1] {
				t.Errorf("%q, want %q", c[0], c[1])
			}
		}
	})
}

func hangupAfterAnswer(ctx context.Context, leg *Leg) error {
	return leg.Answer(ctx, []byte("v=0\r\n"))
}

func TestSessionIDs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, HandlerFunc(hangupAfterAnswer))
		peer := w.trunk(t)
		theirs := "ab30317f1a784dc48ff824d0d3715d86"
		call := peer.NewCall("sip:8000@site.test")
		call.Request("INVITE", "Session-ID: "+theirs+";remote="+nilSessionID, siptest.Offer)
		got := call.Want(200, "INVITE").Header("Session-ID")
		ours, rest, _ := strings.Cut(got, ";")
		if len(ours) != 32 || ours == theirs || rest != "remote="+theirs {
			t.Errorf("Session-ID %q", got)
		}
		call.Request("ACK")
		bye := call.WantRequest("BYE")
		if bye.Header("Session-ID") != got {
			t.Errorf("Session-ID of BYE %q, of 200 %q", bye.Header("Session-ID"), got)
		}
		peer.Answer(bye, "200 OK", "")

		call = peer.NewCall("sip:8000@site.test")
		call.Request("INVITE", "Session-ID: "+theirs, siptest.Offer) // RFC 7329: one half, echoed
		if got := call.Want(200, "INVITE").Header("Session-ID"); got != theirs {
			t.Errorf("Session-ID %q", got)
		}
		call.Request("ACK")
		peer.Answer(call.WantRequest("BYE"), "200 OK", "")

		call = peer.NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		if got := call.Want(200, "INVITE").Header("Session-ID"); got != "" {
			t.Errorf("Session-ID %q for a peer without", got)
		}
		call.Request("ACK")
		peer.Answer(call.WantRequest("BYE"), "200 OK", "")
	})
}

func TestStatusOf(t *testing.T) {
	for _, c := range []struct {
		err    error
		code   int
		reason string
	}{
		{nil, 480, "Temporarily Unavailable"},
		{errors.New("x"), 500, "Server Internal Error"},
		{fmt.Errorf("deep: %w", &StatusError{Code: 488}), 488, "Not Acceptable Here"},
		{&StatusError{Code: 486, Reason: "Room Full"}, 486, "Room Full"},
		{&StatusError{Code: 200}, 500, "Server Internal Error"},
		{fmt.Errorf("x: %w", ErrCancelled), 487, "Request Terminated"},
		{ErrShutdown, 503, "Service Unavailable"},
		{context.DeadlineExceeded, 480, "Temporarily Unavailable"},
	} {
		if code, reason := StatusOf(c.err); code != c.code || reason != c.reason {
			t.Errorf("%v: %d %s, want %d %s", c.err, code, reason, c.code, c.reason)
		}
	}
}

// captured is a log in memory.
type captured struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *captured) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(b)
}

// TestLogsHideWhatWasDialled: a space ID may stand in a Request-URI, in To and in keys by INFO; none of it is logged.
func TestLogsHideWhatWasDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &captured{}
		w := newWorld(t, ServerConfig{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, accepting(nil))
		peer := w.trunk(t)
		for _, uri := range []string{"sip:8000@site.test;space=48213907752", "sip:8000,,48213907752#@site.test", "sip:48213907752@site.test"} {
			call := peer.NewCall(uri)
			call.Answered(siptest.Offer)
			call.Request("INFO", siptest.Body("application/dtmf-relay", "Signal=48213907752\n"))
			call.Want(200, "INFO")
			call.Request("FROB", "X: 48213907752")
			call.Want(501, "FROB")
			call.Request("BYE")
			call.Want(200, "BYE")
			peer.SendRaw("INVITE " + uri + "\r\n" + goodHead + "\r\n")
			peer.Drain(time.Second)
		}
		log.mu.Lock()
		defer log.mu.Unlock()
		if log.buf.Len() == 0 {
			t.Error("nothing was logged")
		}
		if strings.Contains(log.buf.String(), "48213907752") {
			t.Errorf("the log has a space ID:\n%s", log.buf.String())
		}
	})
}
