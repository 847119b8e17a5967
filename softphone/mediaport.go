package softphone

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// mediaPort is the pair of sockets under a call's media and what steps them.
type mediaPort struct {
	addr  netip.AddrPort // of RTP
	close func()         // ends sockets and goroutines, and waits
}

// portTries is how many port pairs are tried: every second port the system picks is odd.
const portTries = 64

// openMedia opens an even RTP port with the RTCP port above it (RFC 3550 §11) and lets the media run on them.
func (p *Phone) openMedia(m *media, reports bool) (*mediaPort, error) {
	if p.cfg.Pacer != nil {
		return p.cfg.Pacer.open(p.link.local().Addr(), m)
	}
	rtp, rtcp, err := p.openPair()
	if err != nil {
		return nil, err
	}
	local := rtp.LocalAddr().(*net.UDPAddr).AddrPort()
	m.write = func(pkt []byte, to netip.AddrPort) error {
		_, err := rtp.WriteTo(pkt, net.UDPAddrFromAddrPort(to))
		return err
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	// Until the sockets are closed.
	running.Go(func() { readPackets(rtp, func(b []byte) { m.receive(b, time.Now()) }) })
	running.Go(func() { readPackets(rtcp, m.receiveRTCP) })
	// Until stop is closed.
	running.Go(func() { m.runSender(stop) })
	if reports {
		running.Go(func() { m.runReporter(rtcp, local.String(), stop) })
	}
	return &mediaPort{
		addr: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		close: sync.OnceFunc(func() {
			close(stop)
			_, _ = rtp.Close(), rtcp.Close()
			running.Wait()
		}),
	}, nil
}

func (p *Phone) openPair() (rtp, rtcp net.PacketConn, err error) {
	ip := p.link.local().Addr()
	var faults []error
	for range portTries {
		rtp, err = p.cfg.Sockets.ListenPacket(netip.AddrPortFrom(ip, 0))
		if err != nil {
			return nil, nil, fmt.Errorf("open an RTP socket: %w", err)
		}
		port := rtp.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		if port%2 == 0 {
			rtcp, err = p.cfg.Sockets.ListenPacket(netip.AddrPortFrom(ip, port+1))
			if err == nil {
				return rtp, rtcp, nil
			}
			faults = append(faults, err)
		}
		_ = rtp.Close()
	}
	return nil, nil, fmt.Errorf("no pair of RTP ports in %d tries: %w", portTries, errors.Join(faults...))
}

// runSender ticks at the packet time. It catches up when it was late for less than a second.
func (m *media) runSender(stop <-chan struct{}) {
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case now := <-timer.C:
			m.tick(now)
			due = due.Add(m.ptime)
			if late := time.Since(due); late > time.Second {
				due = due.Add(late)
			}
			timer.Reset(time.Until(due))
		case <-stop:
			return
		}
	}
}

// runReporter sends an RTCP report every five seconds, to the port above the peer's RTP.
func (m *media) runReporter(rtcp net.PacketConn, name string, stop <-chan struct{}) {
	ticker := time.NewTicker(rtcpEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			m.mu.Lock()
			to := m.remote
			m.mu.Unlock()
			if to.IsValid() && !to.Addr().IsUnspecified() {
				to = netip.AddrPortFrom(to.Addr(), to.Port()+1)
				_, _ = rtcp.WriteTo(m.report(now, name), net.UDPAddrFromAddrPort(to)) // the next one may get through
			}
		case <-stop:
			return
		}
	}
}

// readPackets hands every packet to f until the socket is closed.
func readPackets(pc net.PacketConn, f func([]byte)) {
	buf := make([]byte, 2048)
	for {
		n, _, err := pc.ReadFrom(buf)
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err == nil:
			f(buf[:n])
		}
	}
}
