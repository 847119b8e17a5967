package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// raw sends a request as it stands, which no client of ours would, and gives the answer; nil: the server hung up.
func (p *program) raw(request string) *http.Response {
	p.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		p.t.Fatal(err)
	}
	if _, err := io.WriteString(c, request); err != nil {
		return nil
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return nil
	}
	return res
}

// TestHostilePaths asks for files of the machine by every door that the built server has, in the spellings that have opened
// others' doors.
func TestHostilePaths(t *testing.T) {
	p := startProgram(t)
	const secret = "kept beside the data, and nobody's to read"
	if err := os.WriteFile(p.data+"/reports/secret.txt", []byte(secret), 0o600); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	up := []string{"../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", `..\`, "..;/", ".%00./", "%c0%ae%c0%ae/", "....//"}
	asked := 0
	for _, door := range []string{"/p/", "/p/x/", "/p/x/prt/", "/p/00a0c9112201", "/assets/", "/setup/", "/api/v1/", "/api/v1/phones/00a0c9112201/reports/", "/phones/", "/users/", "//", "/"} {
		for _, u := range up {
			for _, file := range []string{"etc/passwd", "reports/secret.txt", "passerelle.db"} {
				for _, method := range []string{"GET", "PUT"} {
					path := door + strings.Repeat(u, 6) + file
					res := p.raw(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + p.token + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					if asked++; res == nil {
						continue // refused without a word
					}
					body, err := io.ReadAll(res.Body)
					to := res.Header.Get("Location")
					if err != nil || res.StatusCode < 300 || res.StatusCode >= 500 || strings.Contains(string(body), "root:") || strings.Contains(string(body), secret) ||
						to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
						t.Errorf("%s %q: %d to %q: %.200s %v", method, path, res.StatusCode, to, body, err)
					}
				}
			}
		}
	}
	t.Log(asked, "requests")
	p.browser().get("/sign-in").want(t, http.StatusOK, "Connexion")
}

// TestSlowClients keeps hundreds of connections busy that never finish what they say. Others are served meanwhile, and the
// server hangs up on all of them by itself.
func TestSlowClients(t *testing.T) {
	p := startProgram(t)
	var slow []net.Conn
	for i := range 300 {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		begun := "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail="
		if i%2 == 0 {
			begun = "GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
		}
		if _, err := io.WriteString(c, begun); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	b := p.browser()
	b.post("/sign-in", "email", "alice@acme.test", "password", "alice-demo").want(t, http.StatusOK, "Services avancés")
	for range 20 {
		b.get("/users").want(t, http.StatusOK, "Bruno Keller")
	}
	until := time.Now().Add(time.Minute)
	for i, c := range slow {
		if err := c.SetReadDeadline(until); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && os.IsTimeout(err) {
			t.Fatalf("connection %d is still open", i)
		}
	}
}

// TestOversizedBodies sends more than any form or import holds, and says so beforehand or not.
func TestOversizedBodies(t *testing.T) {
	p := startProgram(t)
	for path, kind := range map[string]string{
		"/sign-in": "application/x-www-form-urlencoded", "/language": "application/x-www-form-urlencoded", "/import": "multipart/form-data; boundary=x",
		"/api/v1/import": "application/yaml", "/p/x/prt/": "application/gzip", "/": "text/plain",
	} {
		head := "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + p.token + "\r\nContent-Type: " + kind + "\r\n"
		if res := p.raw(head + "Content-Length: 4000000000\r\n\r\n" + strings.Repeat("x", 1<<20)); res == nil || res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %+v", path, res)
		}
		if path == "/sign-in" || path == "/language" { // in chunks, whose sum nobody says
			chunk := "10000\r\n" + strings.Repeat("x", 0x10000) + "\r\n"
			if res := p.raw(head + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk, 4) + "0\r\n\r\n"); res != nil && res.StatusCode >= http.StatusInternalServerError {
				t.Errorf("%s in chunks: %d", path, res.StatusCode)
			}
		}
	}
	p.browser().get("/sign-in").want(t, http.StatusOK, "Connexion")
}

// TestANameFromOutsideRunsNothing calls a space over a trunk, under a name that is a page's program, and looks at the live page
// in a browser: it is shown as what it is, a text.
func TestANameFromOutsideRunsNothing(t *testing.T) {
	p := startProgram(t)
	carrier, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer carrier.Close()
	demo, err := os.ReadFile("../../directory/sitefile/demo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.importYAML(strings.Replace(string(demo), "127.0.0.1:5090", carrier.LocalAddr().String(), 1))
	const evil = `<img src=x onerror=window.hacked=1><script>window.hacked=1</script>`
	b := p.chromium("fr")
	b.signIn("alice")
	b.open("/live")
	b.sees("Aucune session n’est en cours.")
	p.callIn(carrier, evil)
	b.sees(evil)
	b.open("/live")
	b.sees(evil)
	b.open("/hub/calls")
	b.open("/services/gateway")
	b.sees("1 en ligne")
	b.open("/live")
	b.until(`window.hacked === undefined && !document.querySelector("main img, main script")`)
	hacked, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`window.hacked !== undefined`))
	if err != nil || hacked {
		t.Error("the name was run:", hacked, err)
	}
}

// callIn calls Alice's space from a trunk under a name of the caller's choice, and stays.
func (p *program) callIn(from net.PacketConn, name string) {
	p.t.Helper()
	at := from.LocalAddr().String()
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40998 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
	dialog := func(method, to, body string) string {
		return method + " sip:+33170001000@paris.acme.test;space=" + aliceID + " SIP/2.0\r\nVia: SIP/2.0/UDP " + at + ";branch=z9hG4bK" + method + "\r\nMax-Forwards: 70\r\n" +
			"From: \"" + name + "\" <sip:+33699999999@carrier.test>;tag=evil\r\nTo: <sip:+33170001000@paris.acme.test>" + to + "\r\nCall-ID: evil@carrier.test\r\nCSeq: 1 " + method + "\r\n" +
			"Contact: <sip:carrier@" + at + ">\r\nContent-Type: application/sdp\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\n\r\n" + body
	}
	server := net.UDPAddrFromAddrPort(p.sip)
	if _, err := from.WriteTo([]byte(dialog("INVITE", "", sdp)), server); err != nil {
		p.t.Fatal(err)
	}
	if err := from.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		p.t.Fatal(err)
	}
	buf := make([]byte, 4096)
	for {
		n, _, err := from.ReadFrom(buf)
		if err != nil {
			p.t.Fatal("the call is not answered:", err)
		}
		answer := string(buf[:n])
		switch {
		case strings.HasPrefix(answer, "SIP/2.0 1"):
		case strings.HasPrefix(answer, "SIP/2.0 200"):
			tag := regexp.MustCompile(`(?im)^To:.*(;tag=[^;\r]+)`).FindStringSubmatch(answer)
			if _, err := from.WriteTo([]byte(dialog("ACK", tag[1], "")), server); err != nil {
				p.t.Fatal(err)
			}
			return
		default:
			p.t.Fatal("the call is answered: ", answer)
		}
	}
}
