package main

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"passerelle/directory"
	"passerelle/hoteling"
	"passerelle/sip/siptest"
	"passerelle/softphone"
)

// TestHotelingTrace plays a captured exchange of a desk phone: it signs a guest in, after a failure, and out. Its headers
// have all that naive servers stumble over: the Request-URI names no user, no rport, no space after a colon, Content-Type after
// Content-Length, a digest user name that is not the user of From, a digest-uri without the transport, a nonce used again,
// Session-ID halves that do not fit. What the server sends has the bodies of the capture, byte for byte.
func TestHotelingTrace(t *testing.T) {
	inHotel(t, func(w *world) {
		p := siptest.Dial(w.t, w.net, "198.51.100.7:5061", serverAddr.String())
		var challenge *digest.Challenge
		nc, cseq, toTag := 0, 10100, ""
		send := func(body string) {
			t.Helper()
			cseq++
			to := toTag
			if to != "" {
				to = ";tag=" + to
			}
			auth := ""
			if challenge != nil {
				nc++
				c, err := digest.Digest(challenge, digest.Options{Method: "SUBSCRIBE", URI: "sip:192.0.2.10:5060", Username: "+33170001301", Password: "pW-77e310", Count: nc})
				if err != nil {
					t.Fatal(err)
				}
				auth = fmt.Sprintf("Authorization:Digest username=\"%s\",realm=\"%s\",nonce=\"%s\",uri=\"%s\",algorithm=MD5,response=\"%s\",qop=auth,nc=%08x,cnonce=\"%s\"\r\n",
					c.Username, c.Realm, c.Nonce, c.URI, c.Response, nc, c.Cnonce)
			}
			contentType := ""
			if body != "" {
				contentType = "Content-Type:application/x-broadworks-hoteling+xml\r\n"
			}
			p.SendRaw(fmt.Sprintf("SUBSCRIBE sip:192.0.2.10:5060;transport=tcp SIP/2.0\r\nVia:SIP/2.0/TCP 198.51.100.7:5061;branch=z9hG4bK-0a1b%04x\r\n"+
				"From:<sip:301@paris.acme.test>;tag=8b31c2d4a0f1e5b7o0\r\nTo:<sip:301@paris.acme.test>%s\r\nCall-ID:3c4d5e6f-1a2b3c4@198.51.100.7\r\nCSeq:%d SUBSCRIBE\r\n"+
				"Max-Forwards:70\r\n%sContact:<sip:301@198.51.100.7:5061;transport=tcp>\r\nAccept:application/x-broadworks-hoteling+xml\r\nExpires:3600\r\n"+
				"Event:x-broadworks-hoteling\r\nUser-Agent:Cisco-CP-8865-3PCC/12.0.3_00a0c9112231_3f1c6b5e-0c4e-4a53-9a16-2f1d5a1c2b3d_5a1c2b3d-0c4e-4a53-9a16-2f1d3f1c6b5e\r\n"+
				"Session-ID:3f1c6b5e00105000a00000a0c9112231;remote=00000000000000000000000000000000\r\nContent-Length:%d\r\n%s\r\n%s",
				cseq, to, cseq, auth, len(body), contentType, body))
		}
		ok := func() siptest.Message {
			t.Helper()
			m := p.Want(200, "SUBSCRIBE")
			if m.Body() != "" || m.Header("Expires") != "3600" || m.URI("Contact") == "" || m.Header("Session-ID") == "" {
				t.Errorf("200\n%s", m.Raw)
			}
			toTag = m.Tag("To")
			return m
		}
		last := 0
		notified := func() siptest.Message {
			t.Helper()
			m := p.WantRequest("NOTIFY")
			if !strings.HasPrefix(m.Header("Subscription-State"), "active;expires=") || m.Header("Event") != "x-broadworks-hoteling" ||
				m.Header("Content-Type") != "application/x-broadworks-hoteling+xml" || last != 0 && m.CSeq() != last+1 {
				t.Errorf("NOTIFY after %d\n%s", last, m.Raw)
			}
			last = m.CSeq()
			// The phone's answer: To before From, and a Session-ID of another kind than its own.
			p.SendRaw("SIP/2.0 200 OK\r\nTo:" + m.Header("To") + "\r\nFrom:" + m.Header("From") + "\r\nCall-ID:" + m.Header("Call-ID") + "\r\nCSeq:" + m.Header("CSeq") +
				"\r\nVia:" + m.Header("Via") + "\r\nServer:Cisco-CP-8865-3PCC/12.0.3_00a0c9112231\r\nSession-ID:00000000aaaa5000a00000a0c9112231;remote=" +
				m.Header("Session-ID")[:32] + "\r\nContent-Length:0\r\n\r\n")
			return m
		}
		const head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<HotelingEvent xmlns=\"http://schema.broadsoft.com/hoteling\">\n"
		const nobody = head + "<guestAddress/>\n</HotelingEvent>\r\n"
		want := func(m siptest.Message, body string, length int) {
			t.Helper()
			if m.Body() != body || m.Header("Content-Length") != strconv.Itoa(length) {
				t.Errorf("NOTIFY of %s bytes\n%q, want %d\n%q", m.Header("Content-Length"), m.Body(), length, body)
			}
		}
		request := func(guest, more string) string {
			return "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">\n  <guestAddress>" + guest + "</guestAddress>\n" + more + "</SetHoteling>"
		}
		proof := func(m siptest.Message, pin string) string {
			nonce := shownBy(&softphone.Message{Body: []byte(m.Body())}).nonce
			if want := head + "<authenticationData>\n<nonce>" + nonce + "</nonce>\n<algorithm>MD5</algorithm>\n</authenticationData>\n</HotelingEvent>\r\n"; nonce == "" || m.Body() != want {
				t.Errorf("challenge %q", m.Body())
			}
			return "  <authenticationData>\n    <nonce>" + nonce + "</nonce>\n    <algorithm>MD5</algorithm>\n    <response>" + hoteling.Response(nonce, directory.Secret(pin)) + "</response>\n  </authenticationData>\n"
		}

		send("") // the phone starts
		var err error
		if challenge, err = digest.ParseChallenge(p.Want(401, "SUBSCRIBE").Header("WWW-Authenticate")); err != nil {
			t.Fatal(err)
		}
		send("")
		ok()
		want(notified(), nobody, 134)

		send(request("201", "")) // a wrong PIN
		ok()
		send(request("201", proof(notified(), "111111")))
		ok()
		want(notified(), nobody, 134)

		send(request("201", "")) // the right one
		ok()
		send(request("201", proof(notified(), alicePIN)))
		ok()
		want(notified(), head+"<guestAddress>201</guestAddress>\n<expires>28800</expires>\n</HotelingEvent>\r\n", 176)

		time.Sleep(time.Hour - time.Minute) // a refresh shows the guest, and the time that is left
		send("")
		ok()
		want(notified(), head+"<guestAddress>201</guestAddress>\n<expires>25260</expires>\n</HotelingEvent>\r\n", 176)

		send("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">\n  <guestAddress/>\n</SetHoteling>")
		ok()
		want(notified(), nobody, 134)
		w.logged("guest refused", "cause=wrong_pin", "guest=+33170001201")
		w.logged("guest signed in", "by=phone", "host=+33170001301")
		w.logged("PIN proven over an open connection")
	})
}

// TestHotelingSubscription is the package's part of RFC 6665.
func TestHotelingSubscription(t *testing.T) {
	inHotel(t, func(w *world) {
		o := softphone.SubscribeOptions{Event: hoteling.EventName, Accept: hoteling.BodyType}
		refused := func(p *softphone.Phone, o softphone.SubscribeOptions, code int) {
			t.Helper()
			if s, err := p.Subscribe(w.t.Context(), o); err == nil || softphone.StatusOf(err) != code {
				t.Errorf("%+v: %v %v, want %d", o, s, err, code)
			}
		}
		alice, bruno := w.registered("alice-app", "sA-44c1d0"), w.registered("+33170001202", "pB-91aa37")
		refused(alice.Phone, o, 403) // a softphone is no host
		other := o
		other.To = "sip:301@paris.acme.test"
		refused(bruno.Phone, other, 403)
		other = o
		other.Accept = "text/plain"
		refused(bruno.Phone, other, 406)
		other = o
		other.Event = "x-broadworks-hotelling"
		refused(bruno.Phone, other, 489)
		other = o
		other.Expires = 10 * time.Second
		refused(bruno.Phone, other, 423)

		// A phone that takes no guests may subscribe; Guest In shows the truth at once.
		b, first := w.mpp("+33170001202", "pB-91aa37")
		b.as(first, "")
		b.as(b.guestIn("201", alicePIN), "")
		w.logged("guest refused", "cause=host_disabled")

		host, first := w.host()
		host.as(first, "")
		host.as(host.guestIn("201", alicePIN), "201")
		// What cannot be read, a guest who is there already, and a guest for a phone that goes, change nothing.
		for _, body := range []string{"<guestAdress>202</guestAdress>", "<guestAddress>201</guestAddress>", "<guestAddress>202</guestAddress>"} {
			host.set(body)
			host.as(host.next(), "201")
		}
		if err := host.sub.Unsubscribe(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		if last := w.notified(host.sub); shownBy(last).guest != "201" || !strings.HasPrefix(last.Header("Subscription-State"), "terminated") {
			t.Errorf("the last NOTIFY\n%s%s", last.Header("Subscription-State"), last.Body)
		}
		// The association outlives the subscription, and a new start shows it.
		host.as(host.start(), "201")
		if early, overtook := host.sub.Faults(); early+overtook > 0 {
			t.Errorf("%d NOTIFYs before the 200, %d out of order", early, overtook)
		}
	})
}

// TestPhoneStartsAnew: a new dialog of the same phone takes the place of the one it forgot, and signs nobody out, whatever its
// first SUBSCRIBE says.
func TestPhoneStartsAnew(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		host.as(host.guestIn("201", alicePIN), "201")
		first := func(inner string) shown {
			t.Helper()
			old := host.sub
			old.Forget()
			s, m := w.subscribed(host.Phone, softphone.SubscribeOptions{
				Event: hoteling.EventName, Accept: hoteling.BodyType, RequestURI: "sip:" + serverAddr.String(), ContentType: hoteling.BodyType,
				Body: []byte("<SetHoteling xmlns=\"http://schema.broadsoft.com/hoteling\">" + inner + "</SetHoteling>"),
			})
			host.sub = s
			return shownBy(m)
		}
		time.Sleep(time.Minute)
		host.as(first("<guestAddress/>"), "201")
		w.unnotified(host.sub)
		time.Sleep(time.Minute)
		host.as(first("<guestAddress>201</guestAddress>"), "201") // an automatic sign-in of who is there
		host.as(host.next(), "201")
		if n := w.house.server.Subscriptions(); n != 1 {
			t.Errorf("%d subscriptions, want 1", n)
		}
		// A dialog that was lost a moment ago is gone on with.
		host.set("<guestAddress>201</guestAddress>")
		host.next()
		host.as(first("<guestAddress/>"), "201")
		host.as(host.next(), "")
		// An automatic sign-in is challenged behind the first NOTIFY.
		time.Sleep(time.Minute)
		host.as(first("<guestAddress>201</guestAddress>"), "")
		if s := host.next(); s.nonce == "" {
			t.Errorf("not challenged: %+v", s)
		}
	})
}

// TestConnectionOfHostLost: a phone that has lost its connection is told nothing until it is back, and then the truth.
func TestConnectionOfHostLost(t *testing.T) {
	inHotel(t, func(w *world) {
		tcp := func(c *softphone.Config) { c.Transport = "tcp" }
		host, _ := w.host(tcp)
		host.as(host.guestIn("201", alicePIN), "201")
		if err := host.Close(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := w.house.server.Subscriptions(); n != 0 {
			t.Errorf("%d subscriptions, want none", n)
		}
		if was, err := w.house.desk.SignOut(w.t.Context(), w.user("301").Ref, hoteling.ByAPI); !was || err != nil {
			t.Fatal(was, err)
		}
		_, first := w.host(tcp)
		host.as(first, "")
	})
}

// TestNotifyRefusedEndsDialog: a phone that no longer knows the dialog is not told again.
func TestNotifyRefusedEndsDialog(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		host.sub.Forget()
		if _, err := w.house.desk.SignIn(w.t.Context(), w.user("301").Ref, w.user("201").Ref, hoteling.ByAPI); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := w.house.server.Subscriptions(); n != 0 {
			t.Errorf("%d subscriptions after a 481, want none", n)
		}
		host.as(host.start(), "201")
	})
}

// TestLockOutByPhone: a PIN that is wrong five times locks, the right one is refused like a wrong one, and gets in a quarter of
// an hour later.
func TestLockOutByPhone(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		for range 5 {
			host.as(host.guestIn("201", "999999"), "")
		}
		host.as(host.guestIn("201", alicePIN), "")
		w.logged("guest refused", "cause=locked")
		time.Sleep(15 * time.Minute)
		host.as(host.guestIn("201", alicePIN), "201")
	})
}

// TestRefusalsAreAlike: whoever is refused after the challenge sees the same messages in the same time, whatever the cause.
func TestRefusalsAreAlike(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		seen := map[string]string{}
		for _, who := range []struct{ address, pin string }{{"201", "999999"}, {"299", alicePIN}, {"203", "112233"}, {"202", brunoPIN}, {"+15145550301", "1234"}} {
			host.set("<guestAddress>" + who.address + "</guestAddress>")
			challenge := w.notified(host.sub)
			s := shownBy(challenge)
			start := time.Now()
			host.set(fmt.Sprintf("<guestAddress>%s</guestAddress><authenticationData><nonce>%s</nonce><response>%s</response></authenticationData>",
				who.address, s.nonce, hoteling.Response(s.nonce, directory.Secret(who.pin))))
			m := w.notified(host.sub)
			state, _, _ := strings.Cut(m.Header("Subscription-State"), ";")
			seen[fmt.Sprint(len(challenge.Body), state, string(m.Body), time.Since(start))] = who.address
		}
		if len(seen) != 1 {
			t.Errorf("refusals differ: %v", seen)
		}
	})
}

// TestHostLineOnTwoPhones: while the host's line is registered on another phone too, nobody is signed in.
func TestHostLineOnTwoPhones(t *testing.T) {
	inHotel(t, func(w *world) {
		host, _ := w.host()
		other := w.registered("+33170001301", "pW-77e310")
		host.as(host.guestIn("201", alicePIN), "")
		w.logged("guest refused", "cause=host_elsewhere")
		if err := other.Unregister(w.t.Context()); err != nil {
			t.Fatal(err)
		}
		host.as(host.guestIn("201", alicePIN), "201")
	})
}
