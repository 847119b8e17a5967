package media

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"
)

// readyPoller says that a socket is ready, and has something happen to it before anybody reads.
type readyPoller struct {
	socket *relaySocket
	before func()
	rounds int
}

func (p *readyPoller) wait(time.Duration) []*relaySocket {
	p.rounds++
	p.before()
	return []*relaySocket{p.socket}
}

func (p *readyPoller) reads() int             { return 8 }
func (p *readyPoller) add(*relaySocket) error { return nil }
func (p *readyPoller) remove(*relaySocket)    {}
func (p *readyPoller) wake()                  {}
func (p *readyPoller) close()                 {}

// countingConn counts how often it is read.
type countingConn struct {
	Conn
	read int
}

// TryRead implements Conn.
func (c *countingConn) TryRead([]byte) (int, netip.AddrPort, bool) {
	c.read++
	return 0, netip.AddrPort{}, false
}

// TestMovedStreamIsNotRead takes a stream away between the poller's word and the reading: it belongs to another loop then.
func TestMovedStreamIsNotRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		move func(l *relayLoop, s *stream)
		want int
	}{
		{"stays", func(*relayLoop, *stream) {}, 1},
		{"is moved", func(l *relayLoop, s *stream) { l.remove(s) }, 0},
		{"is moved and comes back", func(l *relayLoop, s *stream) { l.remove(s); l.add(s) }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := &relayLoop{log: slog.New(slog.DiscardHandler), metrics: NewMetrics(nil), sides: 1}
			conn := &countingConn{}
			s := &stream{}
			s.rtp = relaySocket{conn: conn, stream: s}
			poll := &readyPoller{socket: &s.rtp}
			poll.before = func() {
				switch poll.rounds {
				case 1:
					l.post(func(time.Time) { l.add(s) })
				case 2:
					conn.read = 0
					l.post(func(time.Time) { tt.move(l, s) })
				default:
					l.leave()
				}
			}
			l.poll = poll
			l.run(poll)
			if conn.read != tt.want {
				t.Errorf("read %d times, want %d", conn.read, tt.want)
			}
		})
	}
}
