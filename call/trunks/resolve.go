package trunks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"passerelle/directory"
	"passerelle/sip"
)

// Bounds of what DNS says.
const (
	leastTTL = 10 * time.Second
	mostTTL  = time.Hour
	mostHops = 16 // of one address of a trunk
)

// resolve finds the ways to one of a trunk's addresses (RFC 3263 §4.2), and how long that holds, zero for ever: of an address
// itself, of a host with a port by its addresses, of a host without by SRV records, and where there are none by its addresses
// at the usual port. The transport is the trunk's own.
func resolve(ctx context.Context, dns DNS, t *directory.Trunk, address string) (hops []sip.Hop, ttl time.Duration, err error) {
	host, port, err := directory.SplitAddress(address)
	if err != nil {
		return nil, 0, err
	}
	transport := strings.ToUpper(string(t.Transport))
	add := func(addrs []netip.Addr, port uint16) {
		for _, a := range addrs {
			hop := sip.Hop{Transport: transport, Addr: netip.AddrPortFrom(a, port)}
			if t.Transport == directory.TLS {
				hop.Name = certificateName(t, host)
			}
			if len(hops) < mostHops && !slices.Contains(hops, hop) {
				hops = append(hops, hop)
			}
		}
	}
	usual := port
	if usual == 0 {
		usual = 5060
		if t.Transport == directory.TLS {
			usual = 5061
		}
	}
	if a, err := netip.ParseAddr(host); err == nil {
		add([]netip.Addr{a}, usual)
		return hops, 0, nil
	}
	if port == 0 {
		servers, srvTTL, err := dns.SRV(ctx, serviceOf[t.Transport]+host)
		if err == nil {
			ttl, err = eachServer(ctx, dns, servers, add)
			return hops, clampTTL(min(ttl, srvTTL)), err
		}
		if !errors.Is(err, ErrNoRecords) {
			return nil, 0, fmt.Errorf("resolve %s: %w", host, err)
		}
	}
	addrs, ttl, err := dns.Addrs(ctx, host)
	if err != nil {
		return nil, 0, fmt.Errorf("resolve %s: %w", host, err)
	}
	add(addrs, usual)
	return hops, clampTTL(ttl), nil
}

// serviceOf is how SRV records name SIP by a transport (RFC 3263 §4.2).
var serviceOf = map[directory.Transport]string{
	directory.UDP: "_sip._udp.", directory.TCP: "_sip._tcp.", directory.TLS: "_sips._tcp.",
}

// certificateName is what a certificate must be for: the domain, not the server that DNS, which proves nothing, leads to
// (RFC 5922 §4).
func certificateName(t *directory.Trunk, host string) string {
	if t.Domain != "" {
		return t.Domain
	}
	return host
}

// eachServer finds the addresses of servers in the order of RFC 2782. A server without addresses is left out.
func eachServer(ctx context.Context, dns DNS, servers []SRV, add func([]netip.Addr, uint16)) (ttl time.Duration, err error) {
	if len(servers) == 1 && servers[0].Target == "" {
		return 0, ErrNoService
	}
	ttl = mostTTL
	found := false
	for _, s := range inOrder(servers) {
		addrs, addrTTL, addrErr := dns.Addrs(ctx, s.Target)
		if addrErr != nil {
			err = fmt.Errorf("resolve %s: %w", s.Target, addrErr)
			ttl = min(ttl, leastTTL) // it may be back
			continue
		}
		found = true
		add(addrs, s.Port)
		ttl = min(ttl, addrTTL)
	}
	if found {
		return ttl, nil
	}
	return ttl, err
}

// inOrder orders servers by priority, and those of one priority at random by weight (RFC 2782, page 3).
func inOrder(servers []SRV) []SRV {
	left := slices.SortedStableFunc(slices.Values(servers), func(a, b SRV) int {
		if a.Priority != b.Priority {
			return int(a.Priority) - int(b.Priority)
		}
		return int(a.Weight) - int(b.Weight) // those of weight 0 first
	})
	ordered := make([]SRV, 0, len(left))
	for len(left) > 0 {
		same, sum := 0, 0
		for same < len(left) && left[same].Priority == left[0].Priority {
			sum += int(left[same].Weight)
			same++
		}
		pick, mark := 0, rand.IntN(sum+1)
		for run := int(left[0].Weight); run < mark; run += int(left[pick].Weight) {
			pick++
		}
		ordered = append(ordered, left[pick])
		left = slices.Delete(left, pick, pick+1)
	}
	return ordered
}

func clampTTL(d time.Duration) time.Duration { return min(max(d, leastTTL), mostTTL) }
