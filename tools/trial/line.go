package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// runLine is a long line to a server: every packet arrives a fixed time later, in the order of its call, and no two of a call
// arrive at once. What two parties send within that time of each other crosses on the way. It prints its address and runs until
// it is ended.
func runLine(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("trial line", flag.ContinueOnError)
	to := flags.String("to", "127.0.0.1:5060", "UDP address of the server")
	listen := flags.String("listen", "127.0.0.1:0", "UDP address of the near end")
	delay := flags.Duration("delay", 30*time.Millisecond, "how long a packet is under way")
	gap := flags.Duration("gap", 40*time.Millisecond, "at least between two packets of a call: SIPp takes a packet amiss that comes before it has done with the last")
	if err := flags.Parse(args); err != nil {
		return err
	}
	server, err := netip.ParseAddrPort(*to)
	if err != nil {
		return fmt.Errorf("-to: %w", err)
	}
	near, err := netip.ParseAddrPort(*listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	front, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(near))
	if err != nil {
		return err
	}
	l := &longLine{server: server, front: front, delay: *delay, gap: *gap, ends: make(map[netip.AddrPort]*net.UDPConn)}
	defer l.close()
	context.AfterFunc(ctx, l.close)
	fmt.Println(front.LocalAddr())
	return l.run()
}

// longLine carries the packets of every client by a socket of its own, which the server takes for the client's address.
type longLine struct {
	server     netip.AddrPort
	front      *net.UDPConn
	delay, gap time.Duration

	mu   sync.Mutex
	ends map[netip.AddrPort]*net.UDPConn // by client
}

func (l *longLine) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.front.Close()
	for _, c := range l.ends {
		c.Close()
	}
}

// run takes what clients send until the line is closed.
func (l *longLine) run() error {
	under := make(underway)
	buf := make([]byte, 65535)
	for {
		n, client, err := l.front.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue // of an earlier packet, to a client that is not there any more
		}
		end, err := l.end(client)
		if err != nil {
			return err
		}
		l.carry(under, buf[:n], func(b []byte) { end.WriteToUDPAddrPort(b, l.server) })
	}
}

// end is a client's socket.
func (l *longLine) end(client netip.AddrPort) (*net.UDPConn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end := l.ends[client]; end != nil {
		return end, nil
	}
	end, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(l.server.Addr(), 0)))
	if err != nil {
		return nil, err
	}
	l.ends[client] = end
	go l.back(end, client) // ends when the line closes
	return end, nil
}

// back takes what the server sends to one client.
func (l *longLine) back(end *net.UDPConn, client netip.AddrPort) {
	under := make(underway)
	buf := make([]byte, 65535)
	for {
		n, _, err := end.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			l.carry(under, buf[:n], func(b []byte) { l.front.WriteToUDPAddrPort(b, client) })
		}
	}
}

// underway is the packets on their way in one direction, a queue for each call. It belongs to who reads the socket.
type underway map[string]chan<- carried

// carried is a packet on its way.
type carried struct {
	due     time.Time
	b       []byte
	deliver func([]byte)
}

// carry delivers a packet when it is due, and not before the call's last has been there for a while.
func (l *longLine) carry(u underway, b []byte, deliver func([]byte)) {
	call := callID(b)
	if u[call] == nil {
		queue := make(chan carried, 64)
		u[call] = queue
		go func() { // ends with the program
			for p := range queue {
				time.Sleep(time.Until(p.due))
				p.deliver(p.b)
				time.Sleep(l.gap)
			}
		}()
	}
	u[call] <- carried{due: time.Now().Add(l.delay), b: bytes.Clone(b), deliver: deliver}
}

// callID is the value of a message's Call-ID, empty if it has none.
func callID(b []byte) string {
	for line := range bytes.Lines(b) {
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(bytes.TrimSpace(name), []byte("Call-ID")) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
