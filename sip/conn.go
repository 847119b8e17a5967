package sip

import (
	"bytes"
	"net"
	"net/netip"
	"sync"

	sipmsg "github.com/emiago/sipgo/sip"
)

// wire is the connection of one transaction: its messages leave by one flow to one address. It holds nothing open, so
// that strangers leave nothing behind.
type wire struct {
	s    *Server
	flow flow
	to   netip.AddrPort
	from netip.Addr
}

var _ sipmsg.Connection = (*wire)(nil)

// WriteMsg sends a message; it never waits.
func (w *wire) WriteMsg(m sipmsg.Message) error {
	buf := buffers.Get().(*bytes.Buffer)
	buf.Reset()
	m.StringWrite(buf)
	b := bytes.Clone(buf.Bytes())
	if buf.Cap() <= maxMessage {
		buffers.Put(buf)
	}
	return w.write(b, m)
}

func (w *wire) write(b []byte, m sipmsg.Message) error {
	if len(b) > mtu && w.flow.transport() == "UDP" {
		// An answer must go where its request came from, however large it is; the network may fragment it.
		w.s.metrics.oversize.WithLabelValues(messageKind(m)).Inc()
		w.s.log.Debug("message above the MTU", "remote", w.to, "bytes", len(b), "kind", messageKind(m))
	}
	if err := w.flow.send(b, w.to, w.from); err != nil {
		w.s.metrics.sendErrors.Inc()
		return err
	}
	return nil
}

// LocalAddr is where the flow is.
func (w *wire) LocalAddr() net.Addr {
	return net.UDPAddrFromAddrPort(w.flow.local(w.to))
}

// Ref, TryClose and Close do nothing: a flow outlives its transactions.
func (w *wire) Ref(int) int { return 1 }

// TryClose does nothing.
func (w *wire) TryClose() (int, error) { return 1, nil }

// Close does nothing.
func (w *wire) Close() error { return nil }

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func messageKind(m sipmsg.Message) string {
	if _, ok := m.(*sipmsg.Request); ok {
		return "request"
	}
	return "response"
}
