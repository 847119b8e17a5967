package hoteling

import (
	"bytes"
	"testing"
	"time"

	"passerelle/directory"
	"passerelle/directory/sitefile"
)

// FuzzPhone lets a phone send any bodies, one after the other: it never gets anybody in whose PIN it does not prove, and the
// desk lives. "NONCE" and "PROOF" in a body stand for the latest challenge and its right answer.
func FuzzPhone(f *testing.F) {
	set := func(inner string) []byte { return setBody("UTF-8", inner) }
	f.Add(bytes.Join([][]byte{set("<guestAddress>201</guestAddress>"),
		set("<guestAddress>201</guestAddress><authenticationData><nonce>NONCE</nonce><response>PROOF</response></authenticationData>"), set("<guestAddress/>")}, []byte{0}))
	f.Add(bytes.Join([][]byte{set("<guestAddress>201</guestAddress>"),
		set("<guestAddress>201</guestAddress><authenticationData><nonce>NONCE</nonce><response>x</response></authenticationData>")}, []byte{0}))
	f.Add([]byte("\x00\x00"))
	dir, err := directory.New(sitefile.Demo())
	if err != nil {
		f.Fatal(err)
	}
	live := directory.NewLive(dir)
	host, _ := dir.UserByNumber("+33170001301")
	alice, _ := dir.UserByNumber("+33170001201")
	f.Fuzz(func(t *testing.T, all []byte) {
		d := NewDesk(DeskConfig{Directory: live}) // the test is its goroutine
		d.next = time.NewTimer(time.Hour)
		defer d.next.Stop()
		nonce, changes := "none", 0
		d.OnChange(func(Change) { changes++ })
		for body := range bytes.SplitSeq(all, []byte{0}) {
			proof := Response(nonce, alicePIN)
			proven := bytes.Contains(body, []byte("PROOF")) || bytes.Contains(body, []byte(proof))
			body = bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("NONCE"), []byte(nonce)), []byte("PROOF"), []byte(proof))
			s, err := ParseSet(BodyType, body)
			if err != nil {
				continue
			}
			_, was := d.On(host.Ref)
			before := changes
			a, c := d.fromPhone(host.Ref, "dialog", s)
			now, in := d.On(host.Ref)
			switch {
			case a == answerChallenge && c.Nonce == "", in != was && a != answerChanged, (changes != before) != (a == answerChanged):
				t.Fatalf("answer %d, was %v, in %v, %d changes", a, was, in, changes-before)
			case in && !was && (!proven || now.Guest != alice.Ref):
				t.Fatalf("%+v got in by %q", now, body)
			case was && !in && s.Guest != "":
				t.Fatalf("signed out by %q", body)
			}
			if a == answerChallenge {
				nonce = c.Nonce
			}
		}
	})
}
