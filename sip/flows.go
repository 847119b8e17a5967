package sip

import (
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Limits of connections, so that nobody can use up the descriptors.
const (
	maxConnections       = 50000
	maxConnectionsSource = 4096 // of one address; a site of phones may be behind one
)

// flowTable knows the live flows. UDP sockets have small numbers; connections count from a random start, so that the
// number in a binding stored by an earlier run meets no connection of this one.
type flowTable struct {
	last atomic.Uint64

	mu     sync.Mutex
	byID   map[FlowID]flow
	bySrc  map[netip.Addr]int // connections of one address, those in handshake too
	inUse  int
	frozen bool // closeAll ran: later connections are closed at once
}

func newFlowTable() *flowTable {
	t := &flowTable{byID: make(map[FlowID]flow), bySrc: make(map[netip.Addr]int)}
	var b [8]byte
	_, _ = rand.Read(b[:])                                     // never fails
	t.last.Store(1<<32 + binary.BigEndian.Uint64(b[:])>>16<<8) // room for both ends of the range
	return t
}

// next numbers a connection.
func (t *flowTable) next() FlowID { return FlowID(t.last.Add(1)) }

// admit counts a connection in; false means that there are too many.
func (t *flowTable) admit(src netip.Addr) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.inUse >= maxConnections || t.bySrc[src] >= maxConnectionsSource {
		return false
	}
	t.inUse++
	t.bySrc[src]++
	return true
}

func (t *flowTable) leave(src netip.Addr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inUse--
	if t.bySrc[src]--; t.bySrc[src] == 0 {
		delete(t.bySrc, src)
	}
}

func (t *flowTable) add(f flow) {
	t.mu.Lock()
	t.byID[f.id()] = f
	frozen := t.frozen
	t.mu.Unlock()
	if c, ok := f.(closer); ok && frozen {
		c.close()
	}
}

func (t *flowTable) remove(f flow) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byID, f.id())
}

// get returns a live flow, nil when it is gone.
func (t *flowTable) get(id FlowID) flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// udp returns the UDP flow to use for a peer that came to local once: the same socket, else the first of its address
// family. The number of a socket is no help, it may be of an earlier run.
func (t *flowTable) udp(local netip.AddrPort, remote netip.Addr) flow {
	t.mu.Lock()
	defer t.mu.Unlock()
	var family *udpFlow
	for _, f := range t.byID {
		u, ok := f.(*udpFlow)
		if !ok {
			continue
		}
		if u.addr == local || u.addr.Addr().IsUnspecified() && u.addr.Port() == local.Port() {
			return u
		}
		fits := u.addr.Addr().Is4() == remote.Is4() || u.addr.Addr() == netip.IPv6Unspecified()
		if fits && (family == nil || u.ident < family.ident) {
			family = u
		}
	}
	if family == nil {
		return nil
	}
	return family
}

// closer is a flow that ends when it is told so: one of connections.
type closer interface{ close() }

// closeAll closes all connections, and those to come.
func (t *flowTable) closeAll() {
	t.mu.Lock()
	t.frozen = true
	var all []closer
	for _, f := range t.byID {
		if c, ok := f.(closer); ok {
			all = append(all, c)
		}
	}
	t.mu.Unlock()
	for _, f := range all {
		f.close()
	}
}
