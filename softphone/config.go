package softphone

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"time"

	"passerelle/internal/memnet"
)

// Config describes a phone. User, Domain and Server suffice.
type Config struct {
	User     string // digest user name
	Password string
	Line     string // user part of the address of record; empty = User
	Name     string // display name; empty = none
	Domain   string // of the address of record, usually the digest realm too
	Server   netip.AddrPort

	Transport string      // "udp" (default), "tcp" or "tls"
	TLS       *tls.Config // nil = the system's roots, and Domain as server name
	// Local is where the phone's SIP socket is; an invalid address is found by the route to the server, port 0 picks one.
	// RTP sockets are opened on the same address.
	Local   netip.AddrPort
	Sockets Sockets // zero = the operating system's
	Pacer   *Pacer  // moves the RTP of many calls by one goroutine; nil = each call by its own

	UserAgent string   // empty = that of a Cisco MPP phone
	Headers   []Header // further ones on every request
	Rport     bool     // ask for the response by RFC 3581; MPP phones do not
	// Outbound sends every request to Server, even when the peer's Contact is an address elsewhere.
	Outbound bool
	// OnInvite is told of every incoming call; nil refuses them with 480. It runs on the goroutine that reads and must not
	// wait: keep the Incoming and answer it elsewhere.
	OnInvite func(*Incoming)
	// OnNotice is told of every NOTIFY outside a subscription and returns the status to answer it with; nil means 200. It
	// runs on the goroutine that reads and must not wait.
	OnNotice    func(*Message) int
	GuardNotify bool          // challenge those NOTIFYs with the line's own password, as Auth_Resync-Reboot does
	T1          time.Duration // round-trip estimate (RFC 3261 §17.1.1.1); zero = 500 ms
	Log         *slog.Logger  // nil = none
}

// Sockets opens the phone's sockets.
type Sockets struct {
	ListenPacket func(local netip.AddrPort) (net.PacketConn, error)
	Dial         func(ctx context.Context, local, remote netip.AddrPort) (net.Conn, error)
}

// Memory gives sockets on an in-memory network.
func Memory(n *memnet.Network) Sockets {
	return Sockets{
		ListenPacket: func(local netip.AddrPort) (net.PacketConn, error) { return n.ListenPacket(local) },
		Dial: func(_ context.Context, local, remote netip.AddrPort) (net.Conn, error) {
			return n.Dial(local, remote)
		},
	}
}

// system gives sockets of the operating system.
func system() Sockets {
	return Sockets{
		ListenPacket: func(local netip.AddrPort) (net.PacketConn, error) {
			return net.ListenUDP("udp", net.UDPAddrFromAddrPort(local))
		},
		Dial: func(ctx context.Context, local, remote netip.AddrPort) (net.Conn, error) {
			d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(local), Timeout: 10 * time.Second}
			return d.DialContext(ctx, "tcp", remote.String())
		},
	}
}

// defaults fills in what was left out, and refuses what cannot work.
func (c *Config) defaults() error {
	c.Transport = strings.ToLower(cmp.Or(c.Transport, "udp"))
	switch {
	case !c.Server.IsValid() || c.Server.Port() == 0:
		return errors.New("a phone needs the address of a server")
	case c.Transport != "udp" && c.Transport != "tcp" && c.Transport != "tls":
		return fmt.Errorf("there is no transport %q: udp, tcp or tls", c.Transport)
	}
	c.Line = cmp.Or(c.Line, c.User)
	c.Domain = cmp.Or(c.Domain, c.Server.Addr().String())
	c.UserAgent = cmp.Or(c.UserAgent, "Cisco-CP-8851-3PCC/11.3.7_00a0c9112201")
	c.T1 = cmp.Or(c.T1, 500*time.Millisecond)
	if c.Sockets.ListenPacket == nil {
		c.Sockets.ListenPacket = system().ListenPacket
	}
	if c.Sockets.Dial == nil {
		c.Sockets.Dial = system().Dial
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if !c.Local.Addr().IsValid() {
		local, err := routeTo(c.Server)
		if err != nil {
			return err
		}
		c.Local = netip.AddrPortFrom(local, c.Local.Port())
	}
	return nil
}

// routeTo finds our address towards the server; nothing is sent.
func routeTo(server netip.AddrPort) (netip.Addr, error) {
	probe, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", server, err)
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
