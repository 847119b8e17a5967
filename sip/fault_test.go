package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sipmsg "github.com/emiago/sipgo/sip"

	"passerelle/internal/memnet"
	"passerelle/sip/siptest"
)

// TestProvisionalBeforeFinal: answers of a peer are handed up in the order they came. On stock sipgo a 200 overtook the 180
// sent just before it in 272 of 400 calls.
func TestProvisionalBeforeFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		peer := w.trunk(t)
		synctest.Wait() // the socket is known
		const calls = 400
		for i := range calls {
			req := sipmsg.NewRequest(sipmsg.INVITE, sipmsg.Uri{Scheme: "sip", User: "b", Host: "10.0.0.2"})
			req.SetTransport("UDP")
			req.AppendHeader(&sipmsg.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: "10.0.0.1", Port: 5060,
				Params: sipmsg.HeaderParams{{K: "branch", V: newBranch()}}})
			req.AppendHeader(&sipmsg.FromHeader{Address: req.Recipient, Params: sipmsg.HeaderParams{{K: "tag", V: "1"}}})
			req.AppendHeader(&sipmsg.ToHeader{Address: req.Recipient})
			id := sipmsg.CallIDHeader(fmt.Sprint("order", i))
			req.AppendHeader(&id)
			req.AppendHeader(&sipmsg.CSeqHeader{SeqNo: 1, MethodName: sipmsg.INVITE})
			req.SetBody(nil)
			codes := make(chan int, 8)
			_, err := w.srv.txs.newClient(req, &wire{s: w.srv, flow: w.srv.flows.get(1), to: peer.Addr}, func(res *sipmsg.Response, err error) {
				if err == nil {
					codes <- res.StatusCode
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			m := peer.WantRequest("INVITE")
			peer.Answer(m, "180 Ringing", "x")
			peer.Answer(m, "200 OK", "x")
			synctest.Wait()
			if a, b := <-codes, <-codes; a != 180 || b != 200 {
				t.Fatalf("call %d: %d, then %d", i, a, b)
			}
		}
	})
}

// flaky is a socket whose reads fail now and then.
type flaky struct {
	*memnet.PacketConn
	mu    sync.Mutex
	fails []error
}

func (f *flaky) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.fails) > 0 {
		err := f.fails[0]
		f.fails = f.fails[1:]
		return 0, netip.AddrPort{}, err
	}
	return f.PacketConn.ReadFromUDPAddrPort(b)
}

// TestReaderSurvives: neither a failed read nor a malformed datagram nor a panic ends a listener.
func TestReaderSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		pc, err := n.ListenPacket(netip.MustParseAddrPort("10.0.0.1:5070"))
		if err != nil {
			t.Fatal(err)
		}
		var fails []error
		for range 50 {
			fails = append(fails, &net.OpError{Op: "read", Net: "udp", Err: os.NewSyscallError("recvfrom", errors.New("connection refused"))})
		}
		w := &world{Network: n}
		w.start(t, ServerConfig{UDP: []net.PacketConn{&flaky{PacketConn: pc, fails: fails}}})
		p := siptest.NewPeer(t, n, trunkAddr, "10.0.0.1:5070")
		for _, junk := range []string{"", "x", "\r\n\r\n", "\x00\x00\x00\x00", strings.Repeat("A", 3000), "SIP/2.0 200 OK\r\n\r\n", "INVITE sip:x SIP/2.0\r\n\r\n"} {
			p.SendRaw(junk)
		}
		p.Send("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: o\nCSeq: 1 OPTIONS\n")
		p.Want(200, "OPTIONS")
	})
}

// TestStrangersLeaveNothing: what comes from sources we do not know leaves no transaction, flow or goroutine behind, and
// what the guard remembers of them is bounded.
func TestStrangersLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := site(t, ServerConfig{}, answering)
		synctest.Wait()
		before := runtime.NumGoroutine()
		sources := 0
		for i := range 2000 {
			at := fmt.Sprintf("10.1.%d.%d:5060", i/200, 1+i%200)
			p := siptest.NewPeer(t, w.Network, at, serverAddr)
			p.SendRaw("xxxxxxxx")
			p.Send(fmt.Sprintf("INVITE sip:8000@site.test SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%d\nFrom: <sip:a@x>;tag=1\nTo: <sip:8000@site.test>\nCall-ID: s%d\nCSeq: 1 INVITE\nContact: <sip:a@x>\n", at, i, i))
			p.Want(401, "INVITE")
			p.Close()
			sources++
		}
		synctest.Wait()
		w.srv.txs.mu.Lock()
		txs := len(w.srv.txs.server) + len(w.srv.txs.client)
		w.srv.txs.mu.Unlock()
		if txs != 0 || flowsOf(w.srv) != 0 || w.srv.boxes.live.Load() != 0 || w.srv.Legs() != 0 {
			t.Errorf("%d transactions, %d flows, %d mailboxes, %d legs after %d strangers",
				txs, flowsOf(w.srv), w.srv.boxes.live.Load(), w.srv.Legs(), sources)
		}
		if after := runtime.NumGoroutine(); after > before+sources/100 { // others of the process come and go
			t.Errorf("%d goroutines, %d before", after, before)
		}
	})
}

// TestStrangerDrawsOneDatagram: an INVITE that nobody acknowledges draws one answer, at most 2.5 times its bytes. Stock
// sipgo sends 11, 12.9 times its bytes.
func TestStrangerDrawsOneDatagram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := site(t, ServerConfig{}, answering)
		p := siptest.NewPeer(t, w.Network, "10.9.9.9:5060", serverAddr)
		for _, method := range []string{"INVITE", "OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "BYE", "FROB", "NOTIFY", "CANCEL"} {
			text := siptest.Text(fmt.Sprintf("%s sip:8000@site.test SIP/2.0\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK%s\nMax-Forwards: 70\nFrom: <sip:a@x>;tag=1\nTo: <sip:8000@site.test>\nCall-ID: s%s\nCSeq: 1 %s\nContact: <sip:a@10.9.9.9>\n", method, method, method, method))
			p.SendRaw(text)
			all := p.Drain(time.Minute)
			bytes := 0
			for _, m := range all {
				bytes += len(m.Raw)
			}
			if len(all) != 1 || float64(bytes) > maxAmplification*float64(len(text)) {
				t.Errorf("%s of %d bytes draws %d datagrams, %d bytes", method, len(text), len(all), bytes)
			}
			p.SendRaw(text) // the same again, the same To tag
			if again := p.Next(); again.Tag("To") != all[0].Tag("To") {
				t.Errorf("%s: To tag %q, then %q", method, all[0].Tag("To"), again.Tag("To"))
			}
		}
	})
}

// TestLargeAnswerByUDP: an answer goes where its request came from, however large it is, and is counted. Stock sipgo
// refuses to send it.
func TestLargeAnswerByUDP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, ServerConfig{}, answering)
		p := w.trunk(t)
		call := p.NewCall("sip:8000@site.test")
		var routes []string
		for i := range 40 {
			routes = append(routes, fmt.Sprintf("Record-Route: <sip:10.0.0.2:5060;lr;proxy-number=%d>", i))
		}
		call.Request("INVITE", append(routes, siptest.Offer)...)
		if ok := call.Want(200, "INVITE"); len(ok.Raw) < 2000 || len(ok.Headers("Record-Route")) != 40 {
			t.Errorf("200 of %d bytes", len(ok.Raw))
		}
		if n := counterValue(t, w.srv.metrics.oversize.WithLabelValues("response")); n == 0 {
			t.Error("not counted")
		}
		call.Routes = nil
		call.Request("ACK")
		call.Request("BYE")
		call.Want(200, "BYE")
	})
}

// TestViaRules: where answers go, and what the top Via says then (RFC 3261 §18.2, RFC 3581).
func TestViaRules(t *testing.T) {
	for _, c := range []struct {
		name, from, via string
		to              string // where the answer must come
		want            string // top Via of the answer after "SIP/2.0/UDP "
	}{
		{"own address", "10.0.0.7:5060", "10.0.0.7", "10.0.0.7:5060", "10.0.0.7"},
		{"another port", "10.0.0.7:6000", "10.0.0.7:5080", "10.0.0.7:5080", "10.0.0.7:5080"},
		{"a name", "10.0.0.7:6000", "phone.example", "10.0.0.7:5060", "phone.example;received=10.0.0.7"},
		{"rport", "10.0.0.7:6000", "10.0.0.7:5080;rport", "10.0.0.7:6000", "10.0.0.7:5080;rport=6000;received=10.0.0.7"},
		{"behind NAT, no rport", "198.51.100.7:6000", "192.168.1.5:5060", "198.51.100.7:6000", "192.168.1.5:5060;received=198.51.100.7"},
		{"multi-homed inside", "10.0.0.7:5060", "192.168.1.5:5060", "10.0.0.7:5060", "192.168.1.5:5060;received=10.0.0.7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, ServerConfig{}, answering)
				sender := siptest.NewPeer(t, w.Network, c.from, serverAddr)
				receiver := sender
				if c.to != c.from {
					receiver = siptest.NewPeer(t, w.Network, c.to, serverAddr)
				}
				sep := ";"
				sender.Send("OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP " + c.via + sep + "branch=z9hG4bK1\nFrom: <sip:a@x>;tag=1\nTo: <sip:x>\nCall-ID: o\nCSeq: 1 OPTIONS\n")
				got := strings.TrimPrefix(receiver.Want(200, "OPTIONS").Header("Via"), "SIP/2.0/UDP ")
				if got = strings.Replace(got, ";branch=z9hG4bK1", "", 1); got != c.want {
					t.Errorf("Via %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestMergedRequest: the same INVITE by another path is no second call (RFC 3261 §8.2.2.2).
func TestMergedRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		w := newWorld(t, ServerConfig{}, ringing(ended))
		call := w.trunk(t).NewCall("sip:8000@site.test")
		call.Request("INVITE", siptest.Offer)
		call.Want(180, "INVITE")
		first := call.Branch
		call.CSeq = 0
		other := *call
		other.Remote, other.URI = "", "sip:8000@site.test"
		other.Request("INVITE", siptest.Offer)
		other.RefusalACK(other.Want(482, "INVITE"))
		wantLegs(t, w, 1)
		call.Branch = first
		call.Request("CANCEL")
		call.Want(200, "CANCEL")
		call.RefusalACK(call.Want(487, "INVITE"))
		<-ended
	})
}
