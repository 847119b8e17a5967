package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/icholy/digest"

	"passerelle/sip/siptest"
)

// TestDeskPhoneHeaders plays the SUBSCRIBEs of a desk phone as they were captured, with all that naive servers stumble over:
// the Request-URI names no user, no rport, no space after a colon, Content-Type after Content-Length, a digest user name that
// is not the user of From, a digest-uri without the transport, a nonce used again, and Session-ID halves that do not fit.
func TestDeskPhoneHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLamp()
		l.name = "x-broadworks-hoteling"
		var bodies []string
		l.begin = func(s *Subscription) error {
			if got := fmt.Sprint(s.Username(), " ", s.AOR(), " ", s.Resource().User, " ", s.Own(), " ", s.Device(), " ", s.Accepts("application/x-broadworks-hoteling+xml"), s.Accepts("text/plain")); got != "+12105550101 line81@site.test line81 true mac:00562b043615 true false" {
				t.Errorf("facts %q", got)
			}
			s.State(l.show)
			s.OnRefresh(func(a Asked) {
				bodies = append(bodies, a.ContentType+" "+string(a.Body))
				s.Resend()
			})
			return nil
		}
		w := newLampWorld(t, l, SubscriptionConfig{})
		p := siptest.Dial(t, w.Network, "198.51.100.7:5061", serverAddr)
		const body = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">\n  <guestAddress>102</guestAddress>\n</SetHoteling>"
		text := func(cseq int, toTag, auth, body string) string {
			var b strings.Builder
			uri := "sip:10.0.0.1:5060;transport=tcp"
			if toTag != "" {
				toTag = ";tag=" + toTag
			}
			fmt.Fprintf(&b, "SUBSCRIBE %s SIP/2.0\r\nVia:SIP/2.0/TCP 198.51.100.7:5061;branch=z9hG4bK-0a1b2c%02x\r\nFrom:<sip:line81@site.test>;tag=8b31c2d4a0f1e5b7o0\r\n"+
				"To:<sip:line81@site.test>%s\r\nCall-ID:3c4d5e6f-1a2b3c4@198.51.100.7\r\nCSeq:%d SUBSCRIBE\r\nMax-Forwards:70\r\n", uri, cseq, toTag, cseq)
			if auth != "" {
				b.WriteString("Authorization:" + auth + "\r\n")
			}
			fmt.Fprintf(&b, "Contact:<sip:line81@198.51.100.7:5061;transport=tcp>\r\nAccept:application/x-broadworks-hoteling+xml\r\nExpires:3600\r\n"+
				"Event:x-broadworks-hoteling\r\nUser-Agent:Cisco-CP-8865-3PCC/12.0.3_00562b043615_3f1c6b5e-0c4e-4a53-9a16-2f1d5a1c2b3d_5a1c2b3d-0c4e-4a53-9a16-2f1d3f1c6b5e\r\n"+
				"Session-ID:3f1c6b5e00105000a00000562b043615;remote=%s\r\nContent-Length:%d\r\n", nilSessionID, len(body))
			if body != "" {
				b.WriteString("Content-Type:application/x-broadworks-hoteling+xml\r\n")
			}
			return b.String() + "\r\n" + body
		}
		p.SendRaw(text(10101, "", "", ""))
		ch, err := digest.ParseChallenge(p.Want(401, "SUBSCRIBE").Header("WWW-Authenticate"))
		if err != nil {
			t.Fatal(err)
		}
		auth := func(nc int) string {
			c, err := digest.Digest(ch, digest.Options{Method: "SUBSCRIBE", URI: "sip:10.0.0.1:5060", Username: ann.Username, Password: ann.Password, Count: nc})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf(`Digest username="%s",realm="%s",nonce="%s",uri="%s",algorithm=MD5,response="%s",qop=auth,nc=%08x,cnonce="%s"`,
				c.Username, c.Realm, c.Nonce, c.URI, c.Response, nc, c.Cnonce)
		}
		p.SendRaw(text(10102, "", auth(1), ""))
		ok := p.Want(200, "SUBSCRIBE")
		if ok.Header("Content-Length") != "0" || ok.Header("Expires") != "3600" || ok.URI("Contact") == "" ||
			!strings.HasSuffix(ok.Header("Session-ID"), ";remote=3f1c6b5e00105000a00000562b043615") {
			t.Errorf("200\n%s", ok.Raw)
		}
		notified := func(want string) siptest.Message {
			t.Helper()
			m := p.WantRequest("NOTIFY")
			if m.Body() != want || m.Header("Subscription-State") == "" || m.Header("Event") != "x-broadworks-hoteling" {
				t.Fatalf("NOTIFY\n%s", m.Raw)
			}
			// The phone's answer: To before From, and a Session-ID of another kind than its own.
			p.SendRaw("SIP/2.0 200 OK\r\nTo:" + m.Header("To") + "\r\nFrom:" + m.Header("From") + "\r\nCall-ID:" + m.Header("Call-ID") + "\r\nCSeq:" + m.Header("CSeq") +
				"\r\nVia:" + m.Header("Via") + "\r\nServer:Cisco-CP-8865-3PCC/12.0.3_00562b043615\r\nSession-ID:00000000aaaa5000a00000562b043615;remote=" +
				m.Header("Session-ID")[:32] + "\r\nContent-Length:0\r\n\r\n")
			return m
		}
		notified("full off")
		p.SendRaw(text(10103, ok.Tag("To"), auth(2), body))
		p.Want(200, "SUBSCRIBE")
		notified("full off")
		p.SendRaw(text(10104, ok.Tag("To"), auth(3), body))
		p.Want(200, "SUBSCRIBE")
		notified("full off")
		want := "application/x-broadworks-hoteling+xml " + body
		if len(bodies) != 2 || bodies[0] != want || bodies[1] != want {
			t.Errorf("bodies %q", bodies)
		}
		wantSubscriptions(t, w, 1)
	})
}
