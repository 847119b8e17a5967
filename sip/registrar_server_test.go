package sip

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icholy/digest"

	"passerelle/sip/siptest"
)

// desk is a phone that registers at a server through the network.
type desk struct {
	*siptest.Peer
	callID string
	cseq   int
	via    string // transport and sent-by
}

func newDesk(t *testing.T, w *world, at string) *desk {
	return &desk{Peer: siptest.NewPeer(t, w.Network, at, serverAddr), callID: "4f2a1b3c-77aa01bc@" + at, via: "UDP " + at}
}

func (d *desk) register(lines ...string) string {
	d.cseq++
	return siptest.Text(fmt.Sprintf("REGISTER sip:site.test SIP/2.0\nVia: SIP/2.0/%s;branch=z9hG4bK-%s-%d\n"+
		"From: \"Ann\" <sip:line81@site.test>;tag=8b31c2d4a0f1e5b7o0\nTo: \"Ann\" <sip:line81@site.test>\nCall-ID: %s\nCSeq: %d REGISTER\n"+
		"Max-Forwards: 70\n%s\nContent-Length: 0\n\n", d.via, strings.ReplaceAll(d.callID, "@", "-"), d.cseq, d.callID, d.cseq, strings.Join(lines, "\n")))
}

func authorize(t *testing.T, m siptest.Message, password string, nc int) string {
	t.Helper()
	chal, err := digest.ParseChallenge(m.Header("WWW-Authenticate"))
	if err != nil {
		t.Fatal(err)
	}
	cred, err := digest.Digest(chal, digest.Options{Method: "REGISTER", URI: "sip:site.test", Username: ann.Username, Password: password, Count: nc})
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: " + cred.String()
}

func newRegisteringWorld(t *testing.T) (*world, *Registrar) {
	t.Helper()
	lines := newSiteLines(ann)
	reg := NewRegistrar(RegistrarConfig{}, nil)
	return newWorldOf(t, ServerConfig{UserAgent: "Passerelle"}, NewAuthenticator(AuthConfig{}, lines), reg, lines, answering), reg
}

func TestRegisterThroughTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reg := newRegisteringWorld(t)
		phone := newDesk(t, w, "198.51.100.7:5060")
		first := phone.register("Contact: <sip:line81@198.51.100.7:5060>;expires=600")
		phone.SendRaw(first)
		challenge := phone.Want(401, "REGISTER")
		phone.SendRaw(first) // lost on the way, so sent again: one answer more, with the same tag
		if again := phone.Want(401, "REGISTER"); again.Tag("To") != challenge.Tag("To") {
			t.Errorf("tags %q and %q", challenge.Tag("To"), again.Tag("To"))
		}
		second := phone.register("Contact: <sip:line81@198.51.100.7:5060>;expires=600", authorize(t, challenge, ann.Password, 1))
		phone.SendRaw(second)
		ok := phone.Want(200, "REGISTER")
		if got := ok.Header("Contact"); got != "<sip:line81@198.51.100.7:5060>;expires=600" {
			t.Errorf("Contact %s", got)
		}
		time.Sleep(10 * time.Second)
		phone.SendRaw(second)
		if again := phone.Want(200, "REGISTER"); again.Raw != ok.Raw {
			t.Errorf("a retransmission got\n%s\nwant\n%s", again.Raw, ok.Raw)
		}
		phone.Quiet(time.Minute)

		phone.SendRaw(phone.register("Contact: *", "Expires: 0", authorize(t, challenge, ann.Password, 2)))
		if gone := phone.Want(200, "REGISTER"); len(gone.Headers("Contact")) != 0 || reg.Count() != 0 {
			t.Errorf("after unregistration: %v, %d bindings", gone.Headers("Contact"), reg.Count())
		}
	})
}

func TestWrongPasswordThroughTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reg := newRegisteringWorld(t)
		phone := newDesk(t, w, "198.51.100.7:5060")
		phone.SendRaw(phone.register("Contact: <sip:line81@198.51.100.7>"))
		m := phone.Want(401, "REGISTER")
		phone.SendRaw(phone.register("Contact: <sip:line81@198.51.100.7>", authorize(t, m, "old", 1)))
		m = phone.Want(401, "REGISTER")
		last := phone.register("Contact: <sip:line81@198.51.100.7>", authorize(t, m, "old", 1))
		sent := time.Now()
		phone.SendRaw(last)
		phone.SendRaw(last)
		phone.Want(403, "REGISTER")
		if wait := time.Since(sent); wait != 500*time.Millisecond {
			t.Errorf("403 after %v, want 500ms", wait)
		}
		phone.Quiet(time.Minute) // one answer for both
		if reg.Count() != 0 {
			t.Error("bound with a wrong password")
		}

		twin := newDesk(t, w, "198.51.100.7:5062") // behind the same address
		twin.SendRaw(twin.register("Contact: <sip:line81@198.51.100.7:5062>"))
		sent = time.Now()
		m = twin.Want(401, "REGISTER")
		twin.SendRaw(twin.register("Contact: <sip:line81@198.51.100.7:5062>", authorize(t, m, ann.Password, 1)))
		twin.Want(200, "REGISTER")
		if wait := time.Since(sent); wait != 0 {
			t.Errorf("the right password waited %v", wait)
		}
	})
}

func TestConnectionOfAPhoneThroughTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, reg := newRegisteringWorld(t)
		at := "198.51.100.7:40001"
		phone := &desk{Peer: siptest.Dial(t, w.Network, at, serverAddr), callID: "1@h", via: "TCP " + at}
		phone.SendRaw(phone.register("Contact: <sip:line81@198.51.100.7:5060;transport=tcp>"))
		m := phone.Want(401, "REGISTER")
		phone.SendRaw(phone.register("Contact: <sip:line81@198.51.100.7:5060;transport=tcp>", authorize(t, m, ann.Password, 1)))
		phone.Want(200, "REGISTER")
		b := reg.Bindings(annAOR)
		if len(b) != 1 || b[0].Source.Transport != "TCP" || b[0].Source.Remote.String() != at || b[0].Source.Flow == 0 {
			t.Fatalf("bindings %+v", b)
		}
		phone.Close()
		synctest.Wait()
		time.Sleep(time.Second)
		if b := reg.Bindings(annAOR); len(b) != 0 || reg.Count() != 1 {
			t.Errorf("after the connection closed: %+v of %d", b, reg.Count())
		}
	})
}

// Whatever a stranger sends, it draws one datagram at most, of at most 2.5 times its bytes.
func TestStrangersDrawLittle(t *testing.T) {
	head := "v:SIP/2.0/UDP a;branch=z9hG4bK1\nf:<sip:a@a>;tag=1\nt:<sip:b@a>\ni:%d\nCSeq:1 %s\nl:0\n\n"
	for i, method := range []string{"REGISTER", "INVITE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "BYE", "CANCEL", "FOO", "INFO", "MESSAGE"} {
		for _, more := range []string{"", "m:<sip:a@a>\nk:path\n", "X:" + strings.Repeat("x", 80) + "\n", "X:" + strings.Repeat("x", 300) + "\n", "Require:a,b,c\n", "Call-ID:twice\n"} {
			t.Run(fmt.Sprintf("%s with %d more", method, len(more)), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, _ := newRegisteringWorld(t)
					stranger := siptest.NewPeer(t, w.Network, "203.0.113.9:5060", serverAddr)
					question := siptest.Text(method + " sip:b@a SIP/2.0\n" + more + fmt.Sprintf(head, i, method))
					stranger.SendRaw(question)
					answers := stranger.Drain(time.Minute)
					if len(answers) > 1 {
						t.Fatalf("%d answers", len(answers))
					}
					for _, m := range answers {
						if n := len(m.Raw); float64(n) > 2.5*float64(len(question)) {
							t.Errorf("%d bytes drew %d:\n%s", len(question), n, m.Raw)
						}
					}
				})
			})
		}
	}
}
