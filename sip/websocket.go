package sip

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

// webSocket carries SIP messages, one in each text or binary message (RFC 7118).
type webSocket struct {
	r io.Reader
}

var (
	errNoSIPProtocol = errors.New("the client does not offer the sip subprotocol")
	errWebSocket     = errors.New("malformed WebSocket frame")
)

// upgrade does the opening handshake (RFC 6455 §4.2, RFC 7118 §3).
func upgrade(c net.Conn) (*webSocket, error) {
	r := bufio.NewReaderSize(c, 4096)
	u := ws.Upgrader{
		Protocol: func(p []byte) bool { return strings.EqualFold(string(p), "sip") },
	}
	hs, err := u.Upgrade(struct {
		io.Reader
		io.Writer
	}{r, c})
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	if hs.Protocol == "" {
		return nil, errNoSIPProtocol
	}
	return &webSocket{r: r}, nil
}

// wrap makes a text frame of a message.
func (*webSocket) wrap(b []byte) []byte { return frameOf(ws.OpText, b) }

func frameOf(op ws.OpCode, b []byte) []byte {
	var buf bytes.Buffer
	buf.Grow(len(b) + ws.MaxHeaderSize)
	_ = ws.WriteHeader(&buf, ws.Header{Fin: true, OpCode: op, Length: int64(len(b))}) // a buffer takes all
	buf.Write(b)
	return buf.Bytes()
}

// readFrames reads a WebSocket until it ends.
func (s *Server) readFrames(f *streamFlow, w *webSocket) error {
	var message []byte
	fragmented := false
	for {
		limit := streamIdleTime
		if !f.heard.Load() {
			limit = streamFirstTime
		} else if fragmented {
			limit = streamPartTime
		}
		_ = f.conn.SetReadDeadline(time.Now().Add(limit))
		h, err := ws.ReadHeader(w.r)
		if err != nil {
			return err
		}
		if !h.Masked || h.Rsv != 0 || h.Length < 0 || h.Length > maxMessage || int64(len(message))+h.Length > maxMessage ||
			h.OpCode.IsControl() && (!h.Fin || h.Length > ws.MaxControlFramePayloadSize) {
			return errWebSocket
		}
		_ = f.conn.SetReadDeadline(time.Now().Add(streamPartTime))
		b := make([]byte, h.Length)
		if _, err := io.ReadFull(w.r, b); err != nil {
			return err
		}
		ws.Cipher(b, h.Mask, 0)
		switch {
		case h.OpCode == ws.OpPing:
			if err := f.push(frameOf(ws.OpPong, b)); err != nil {
				return err
			}
			continue
		case h.OpCode == ws.OpPong:
			continue
		case h.OpCode == ws.OpClose:
			_ = f.push(frameOf(ws.OpClose, b[:min(len(b), 2)]))
			return io.EOF
		case (h.OpCode == ws.OpContinuation) != fragmented || h.OpCode.IsReserved():
			return errWebSocket
		}
		message = append(message, b...)
		if fragmented = !h.Fin; fragmented {
			continue
		}
		s.takeFrame(f, message)
		message = nil
	}
}

// takeFrame handles one message of a WebSocket.
func (s *Server) takeFrame(f *streamFlow, b []byte) {
	if len(bytes.Trim(b, "\r\n")) == 0 { // a ping of RFC 5626 has no use here, but hurts nobody
		if bytes.Equal(b, []byte("\r\n\r\n")) {
			_ = f.push(frameOf(ws.OpText, pong))
		}
		return
	}
	b = bytes.TrimLeft(b, "\r\n")
	h, flaw := scanHead(b)
	f.heard.Store(true)
	s.receiveStream(f, b, h, flaw)
}
