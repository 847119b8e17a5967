package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"passerelle/media"
)

// listeners are the open SIP sockets.
type listeners struct {
	udp               []net.PacketConn
	tcp, tls, ws, wss []net.Listener
	certificates      *certificates // of TLS and WSS; nil where neither is spoken
}

// listen opens every SIP socket of the command line, or none.
func (c *serveCmd) listen(ctx context.Context) (*listeners, error) {
	l := &listeners{}
	err := func() error {
		for _, addr := range c.SIP {
			pc, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp", addr)
			if err != nil {
				return fmt.Errorf("--sip %s: %w", addr, err)
			}
			l.udp = append(l.udp, pc)
		}
		for _, s := range []struct {
			flag  string
			addrs []string
			to    *[]net.Listener
		}{{"sip", c.SIP, &l.tcp}, {"tls", c.TLS, &l.tls}, {"ws", c.WS, &l.ws}, {"wss", c.WSS, &l.wss}} {
			for _, addr := range s.addrs {
				ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
				if err != nil {
					return fmt.Errorf("--%s %s: %w", s.flag, addr, err)
				}
				*s.to = append(*s.to, ln)
			}
		}
		set, err := c.certificates()
		if set != nil {
			l.certificates = &certificates{}
			l.certificates.use(set)
		}
		return err
	}()
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// secure tells whether anything listens by TLS.
func (c *serveCmd) secure() bool { return len(c.TLS)+len(c.WSS) > 0 || c.HTTPS != "" }

// certificates reads what proves the server by TLS; nil where it speaks none.
func (c *serveCmd) certificates() (*certificateSet, error) {
	if !c.secure() {
		return nil, nil
	}
	if c.Cert == "" || c.Key == "" {
		return nil, c.fault("cert", "--tls, --wss and --https need --cert and --key")
	}
	return readCertificates(c.Cert, c.Key, c.PhoneCA)
}

// close closes every socket; closing one twice does no harm.
func (l *listeners) close() {
	for _, pc := range l.udp {
		pc.Close()
	}
	for _, all := range [][]net.Listener{l.tcp, l.tls, l.ws, l.wss} {
		for _, ln := range all {
			ln.Close()
		}
	}
}

// ports reads --rtp and --advertise.
func (c *serveCmd) ports(metrics *media.Metrics) (*media.Ports, error) {
	host, rng, err := net.SplitHostPort(c.RTP)
	low, high, found := strings.Cut(rng, "-")
	lowPort, err1 := strconv.ParseUint(low, 10, 16)
	highPort, err2 := strconv.ParseUint(high, 10, 16)
	if err := errors.Join(err, err1, err2); err != nil || !found {
		return nil, fmt.Errorf("--rtp %q: want HOST:MIN-MAX such as 192.0.2.10:10000-19999", c.RTP)
	}
	cfg := media.PortsConfig{Min: uint16(lowPort), Max: uint16(highPort), Metrics: metrics}
	if host != "" {
		if cfg.Host, err = netip.ParseAddr(host); err != nil {
			return nil, fmt.Errorf("--rtp %q: the host must be an IP address: %w", c.RTP, err)
		}
	}
	if c.Advertise != "" {
		if cfg.Advertise, err = netip.ParseAddr(c.Advertise); err != nil {
			return nil, fmt.Errorf("--advertise: %w", err)
		}
	}
	return media.NewPorts(cfg)
}
