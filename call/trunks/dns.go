package trunks

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// DNS answers questions about names. Its methods may wait as long as ctx lasts.
type DNS interface {
	// SRV gives the servers of a service in any order, and how long that holds; ErrNoRecords means that there are none.
	SRV(ctx context.Context, name string) (servers []SRV, ttl time.Duration, err error)
	// Addrs gives the addresses of a host, IPv4 first, and how long that holds; ErrNoRecords means that there are none.
	Addrs(ctx context.Context, host string) (addrs []netip.Addr, ttl time.Duration, err error)
}

const (
	dnsTime    = 2 * time.Second  // for one server to answer
	dnsTries   = 2                // of each server
	dnsUnknown = 60 * time.Second // how long what the system's own resolver says holds, which tells no TTL
	resolvConf = "/etc/resolv.conf"
)

// systemDNS asks the name servers of the system, by messages of its own: the system's resolver tells neither TTLs nor SRV
// records apart from failures. Names that DNS does not know may still be in the system's hosts file.
type systemDNS struct {
	conf string // path of resolv.conf
	port string // of the name servers
}

// NewDNS asks the name servers of the system.
func NewDNS() DNS { return systemDNS{conf: resolvConf, port: "53"} }

func (d systemDNS) SRV(ctx context.Context, name string) ([]SRV, time.Duration, error) {
	r, err := d.ask(ctx, name, typeSRV)
	return r.srv, r.ttl, err
}

func (d systemDNS) Addrs(ctx context.Context, host string) ([]netip.Addr, time.Duration, error) {
	v4, err4 := d.ask(ctx, host, typeA)
	v6, err6 := d.ask(ctx, host, typeAAAA)
	switch {
	case err4 == nil && err6 == nil:
		return append(v4.addrs, v6.addrs...), min(v4.ttl, v6.ttl), nil
	case err4 == nil:
		return v4.addrs, v4.ttl, nil
	case err6 == nil:
		return v6.addrs, v6.ttl, nil
	}
	if addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host); err == nil {
		for i := range addrs {
			addrs[i] = addrs[i].Unmap()
		}
		return addrs, dnsUnknown, nil
	}
	return nil, 0, err4
}

// ask asks one server after the other.
func (d systemDNS) ask(ctx context.Context, name string, typ recordType) (records, error) {
	var id [2]byte
	_, _ = rand.Read(id[:]) // never fails
	asked, err := question(binary.BigEndian.Uint16(id[:]), name, typ)
	if err != nil {
		return records{}, err
	}
	err = errors.New("no name server")
	for range dnsTries {
		for _, server := range d.servers() {
			var r records
			r, err = exchange(ctx, server, asked, typ)
			if err == nil || errors.Is(err, ErrNoRecords) {
				return r, err
			}
			if ctx.Err() != nil {
				return records{}, fmt.Errorf("ask for %s: %w", name, context.Cause(ctx))
			}
		}
	}
	return records{}, fmt.Errorf("ask for %s: %w", name, err)
}

// servers reads the system's name servers, each time: they change with the network.
func (d systemDNS) servers() []string {
	f, err := os.Open(d.conf)
	if err != nil {
		return []string{net.JoinHostPort("127.0.0.1", d.port)}
	}
	defer func() { _ = f.Close() }()
	var all []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 2 || words[0] != "nameserver" {
			continue
		}
		if _, err := netip.ParseAddr(words[1]); err == nil {
			all = append(all, net.JoinHostPort(words[1], d.port))
		}
	}
	return all
}

// exchange asks one server by UDP, and by TCP what does not fit (RFC 7766 §5).
func exchange(ctx context.Context, server string, asked []byte, typ recordType) (records, error) {
	ctx, cancel := context.WithTimeout(ctx, dnsTime)
	defer cancel()
	r, err := exchangeUDP(ctx, server, asked, typ)
	if errors.Is(err, errTruncated) {
		return exchangeTCP(ctx, server, asked, typ)
	}
	return r, err
}

// dialDNS connects to a server; the end of ctx closes the connection.
func dialDNS(ctx context.Context, network, server string) (net.Conn, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, network, server)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = c.Close() })
	return c, nil
}

func exchangeUDP(ctx context.Context, server string, asked []byte, typ recordType) (records, error) {
	c, err := dialDNS(ctx, "udp", server) // a fresh port each time, which a forger would have to guess
	if err != nil {
		return records{}, err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(asked); err != nil {
		return records{}, err
	}
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		if err != nil {
			return records{}, err
		}
		if r, err := answers(b[:n], asked, typ); !errors.Is(err, errBadDNS) {
			return r, err
		} // not an answer to this: wait on
	}
}

func exchangeTCP(ctx context.Context, server string, asked []byte, typ recordType) (records, error) {
	c, err := dialDNS(ctx, "tcp", server)
	if err != nil {
		return records{}, err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(asked))), asked...)); err != nil {
		return records{}, err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return records{}, err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return records{}, err
	}
	return answers(b, asked, typ)
}
