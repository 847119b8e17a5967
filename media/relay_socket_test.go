package media

import (
	"bytes"
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// socketPhone is a phone on a real socket.
type socketPhone struct {
	t    *testing.T
	c    *net.UDPConn
	side *Side
	to   netip.AddrPort
	seq  uint16
}

func newSocketPhone(t *testing.T, r *Relay) *socketPhone {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(loopback(0)))
	if err != nil {
		t.Fatal(err)
	}
	p := &socketPhone{t: t, c: c, side: r.NewSide(SideConfig{})}
	t.Cleanup(func() {
		p.side.Close()
		c.Close()
	})
	return p
}

func (p *socketPhone) sdp() []byte {
	port := p.c.LocalAddr().(*net.UDPAddr).Port
	return lines("v=0", "c=IN IP4 127.0.0.1", "m=audio "+strconv.Itoa(port)+" RTP/AVP 0")
}

func (p *socketPhone) learn(sdp string) {
	p.t.Helper()
	d, err := parseSDP([]byte(sdp))
	if err != nil {
		p.t.Fatal(err)
	}
	p.to = d.relayMedia(0).addr
}

func (p *socketPhone) send(text string) {
	p.t.Helper()
	b := make([]byte, rtpHeaderLen, 100)
	putRTPHeader(b, false, 0, p.seq, uint32(p.seq)*160, uint32(p.c.LocalAddr().(*net.UDPAddr).Port))
	p.seq++
	if _, err := p.c.WriteToUDPAddrPort(append(b, text...), p.to); err != nil {
		p.t.Fatal(err)
	}
}

// want waits for the next packet of sound.
func (p *socketPhone) want(text string) {
	p.t.Helper()
	if err := p.c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	b := make([]byte, 1500)
	for {
		n, err := p.c.Read(b)
		if err != nil {
			p.t.Fatalf("waiting for %q: %v", text, err)
		}
		if isRTCP(b[:n]) {
			continue
		}
		if !bytes.Equal(b[rtpHeaderLen:n], []byte(text)) {
			p.t.Fatalf("received %q, want %q", b[rtpHeaderLen:n], text)
		}
		return
	}
}

// TestRelaySockets: calls on real sockets of each kind, a stranger, a peer whose port is closed for a while, and a transfer
// from one loop to another.
func TestRelaySockets(t *testing.T) {
	for name, open := range map[string]func(netip.AddrPort) (Conn, error){"system": listenUDP, "portable": openPortable} {
		t.Run(name, func(t *testing.T) {
			ports, err := NewPorts(PortsConfig{Host: loopback(0).Addr(), Min: 20000, Max: 23999, Listen: open, Drain: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer ports.Close()
			r := NewRelay(ports, RelayConfig{Loops: 2})
			a, b, c, d := newSocketPhone(t, r), newSocketPhone(t, r), newSocketPhone(t, r), newSocketPhone(t, r)
			call := func(x, y *socketPhone) {
				offered(t, x.side, x.sdp())
				y.learn(offerOf(t, y.side, x.side))
				answeredBy(t, y.side, y.sdp())
				x.learn(answerOf(t, x.side, y.side))
				Join(x.side, y.side)
			}
			both := func(x, y *socketPhone, rounds int) {
				t.Helper()
				for i := range rounds {
					x.send("to " + strconv.Itoa(i))
					y.want("to " + strconv.Itoa(i))
					y.send("fro " + strconv.Itoa(i))
					x.want("fro " + strconv.Itoa(i))
				}
			}
			call(a, b)
			call(c, d)
			both(a, b, 2*connectAfter)
			both(c, d, 2*connectAfter)

			stranger := newSocketPhone(t, r)
			stranger.to = a.to
			for range 5 {
				stranger.send("stranger")
			}
			both(a, b, 3)

			// Nobody is at b's port for a moment; the kernel says so and nothing ends.
			at := b.c.LocalAddr().(*net.UDPAddr)
			b.c.Close()
			for range 5 {
				a.send("anyone?")
			}
			if b.c, err = net.ListenUDP("udp4", at); err != nil {
				t.Fatal(err)
			}
			a.send("last") // tells that the others have gone before it
			for {
				x := make([]byte, 100)
				if err := b.c.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
					t.Fatal(err)
				}
				n, err := b.c.Read(x)
				if err != nil {
					t.Fatal(err)
				}
				if bytes.HasSuffix(x[:n], []byte("last")) {
					break
				}
			}
			both(a, b, 3)

			if a.side.loop == c.side.loop {
				t.Fatal("both calls are on one loop")
			}
			Join(a.side, c.side)
			both(a, c, 3)
			b.side.Close()
			d.side.Close()
			both(a, c, 3)
			a.side.Close()
			c.side.Close()
			for _, l := range r.loops {
				for { // ends soon
					l.mu.Lock()
					ended := l.poll == nil
					l.mu.Unlock()
					if ended {
						break
					}
					l.wait(t)
				}
			}
			if got := ports.InUse(); got != 0 {
				t.Errorf("%d pairs in use", got)
			}
		})
	}
}

// wait lets a loop that is about to end do so.
func (l *relayLoop) wait(t *testing.T) {
	t.Helper()
	pause := time.NewTimer(time.Millisecond)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-t.Context().Done():
		t.Fatal("a loop runs on")
	}
}
