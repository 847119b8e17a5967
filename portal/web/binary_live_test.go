package web_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// talker is a SIPp process whose call talks without a pause.
type talker struct {
	t     *testing.T
	addr  netip.AddrPort
	cmd   *exec.Cmd
	ended chan struct{}
}

// talks has SIPp call the demo's gateway as Bruno, with the ID of Alice's space. It is skipped where there is no SIPp that talks.
func (p *program) talks() *talker {
	p.t.Helper()
	path, err := exec.LookPath("sipp")
	if err != nil {
		p.t.Skip("SIPp is not installed; testdata/apt.sh sipp installs it")
	}
	if out, _ := exec.Command(path, "-v").CombinedOutput(); !bytes.Contains(out, []byte("RTPSTREAM")) {
		p.t.Skipf("this SIPp sends no sound: %s", out)
	}
	dir := p.t.TempDir()
	tone := bytes.Repeat([]byte{0x34, 0x34, 0x34, 0x34, 0xb4, 0xb4, 0xb4, 0xb4}, 1000) // a rectangle of 1 kHz in A-law, one second
	if err := os.WriteFile(filepath.Join(dir, "tone.alaw"), tone, 0o600); err != nil {
		p.t.Fatal(err)
	}
	scenario, err := filepath.Abs("../../testdata/sipp/talker.xml")
	if err != nil {
		p.t.Fatal(err)
	}
	c := &talker{t: p.t, addr: freePorts(p.t), ended: make(chan struct{})}
	c.cmd = exec.Command(path, p.sip.String(), "-sf", scenario, "-m", "1", "-nostdin", "-i", "127.0.0.1", "-p", strconv.Itoa(int(c.addr.Port())), "-mi", "127.0.0.1",
		"-key", "dial", "sip:+33170001000@paris.acme.test;space=48213907752", "-au", "+33170001202", "-ap", "pB-91aa37", "-auth_uri", "paris.acme.test",
		"-trace_err", "-error_file", "errors.log", "-trace_msg", "-message_file", "messages.log")
	c.cmd.Dir = dir
	withUs(c.cmd)
	if err := c.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { // ends with SIPp
		_ = c.cmd.Wait()
		close(c.ended)
	}()
	p.t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
		if p.t.Failed() {
			for _, name := range []string{"errors.log", "messages.log"} {
				seen, _ := os.ReadFile(filepath.Join(dir, name))
				p.t.Logf("SIPp, %s:\n%s", name, seen[:min(len(seen), 20_000)])
			}
		}
	})
	return c
}

// hangsUp has SIPp end its call, by the request that its scenario waits for.
func (c *talker) hangsUp(callID string) {
	c.t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	defer pc.Close()
	ask := fmt.Sprintf("INFO sip:talker@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-end\r\nFrom: <sip:test@test.test>;tag=1\r\nTo: <sip:talker@test.test>;tag=2\r\n"+
		"Call-ID: %s\r\nCSeq: 1 INFO\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", c.addr, pc.LocalAddr(), callID)
	for {
		if _, err := pc.WriteTo([]byte(ask), net.UDPAddrFromAddrPort(c.addr)); err != nil {
			c.t.Fatal(err)
		}
		select {
		case <-c.ended:
			return
		case <-time.After(2 * time.Second):
			c.t.Log("SIPp is asked again to hang up")
		}
	}
}

// unseen waits until a text is no longer on the page.
func (b *tab) unseen(text string) {
	b.t.Helper()
	b.until(`!document.body.innerText.includes("` + text + `")`)
}

// presses clicks on a button of a page that may change under the hand.
func (b *tab) presses(label string) {
	b.t.Helper()
	b.until(`(() => { const b = [...document.querySelectorAll("main button, main a")].find(e => e.textContent.trim() === "` + label + `"); if (b) b.click(); return b })()`)
}

// TestLivePagesFollowARealCall watches a SIPp call to the built server: it appears, talks, is muted by the page and heard again by
// the API, is in the list of calls, and leaves, without a reload of the page.
func TestLivePagesFollowARealCall(t *testing.T) {
	p := startProgram(t)
	b := p.chromium("fr")
	b.signIn("alice")
	stay := func() { b.until("window.stayed = true") }
	stayed := func() {
		t.Helper()
		b.until("window.stayed")
	}
	b.open("/live")
	b.sees("Aucune session n’est en cours.")
	stay()
	caller := p.talks()
	b.sees("Espace de Alice Martin")
	b.sees("Bruno Keller")
	b.sees("parle")
	b.sees("PCMA")
	b.sees("bonne")
	stayed()
	b.presses("Couper le micro")
	b.sees("Le micro de Bruno Keller est coupé.")
	b.sees("micro coupé")
	stay()
	var bridges struct {
		Items []struct {
			Space        string
			Participants []struct {
				ID             string
				CallID         string `json:"call_id"`
				Muted, Talking bool
			}
		}
	}
	if code := p.api(http.MethodGet, "bridges", "", &bridges); code != 200 || len(bridges.Items) != 1 || !bridges.Items[0].Participants[0].Muted {
		t.Fatal(code, bridges)
	}
	seat := "bridges/" + bridges.Items[0].Space + "/participants/" + bridges.Items[0].Participants[0].ID
	if code := p.api(http.MethodPatch, seat, `{"muted": false}`, nil); code != 200 {
		t.Fatal(code)
	}
	b.unseen("micro coupé")
	b.sees("parle")
	stayed()
	b.presses("Verrouiller")
	b.sees("La session de Alice Martin est verrouillée")

	b.open("/live-calls")
	b.sees("Bruno Keller +33 1 70 00 12 02")
	b.sees("Espace de Alice Martin")
	b.sees("en communication")
	b.sees("PCMA")
	stay()
	caller.hangsUp(bridges.Items[0].Participants[0].CallID)
	b.sees("Aucun appel n’est en cours.")
	stayed()
	b.open("/live")
	b.sees("Aucune session n’est en cours.")
}

// TestLivePageEndsARealCall ends a SIPp call from the list of calls of the built server.
func TestLivePageEndsARealCall(t *testing.T) {
	p := startProgram(t)
	b := p.chromium("fr")
	b.signIn("alice")
	b.open("/live-calls")
	b.sees("Aucun appel n’est en cours.")
	caller := p.talks()
	b.sees("en communication")
	b.presses("Terminer")
	b.sees("Terminer cet appel ?")
	b.presses("Terminer")
	b.sees("L’appel est terminé.")
	b.sees("Aucun appel n’est en cours.")
	select {
	case <-caller.ended: // with what it did not expect: a BYE
	case <-time.After(30 * time.Second):
		t.Error("the caller is not hung up on")
	}
	if !strings.Contains(p.output.String(), "call ended from outside") {
		t.Error("the end is not in the log")
	}
}
