package sip

import (
	"bytes"
	"errors"
	"os"
	"time"
)

// maxHead bounds start line and headers of a message on a connection.
const maxHead = 32 << 10

// framer cuts a byte stream into messages (RFC 3261 §18.3) and keep-alives (RFC 5626 §3.5.1).
type framer struct {
	buf []byte
}

// frameKind is what the framer found.
type frameKind int

const (
	frameNone    frameKind = iota // more bytes are needed
	frameMessage                  // a whole message
	framePing                     // CRLF CRLF
	frameBroken                   // no way to find the end of this message: answer it and close
)

// next returns the next frame of the buffered bytes. b is valid until feed is called.
func (f *framer) next() (kind frameKind, b []byte, h head, flaw *malformed) {
	if bytes.HasPrefix(f.buf, []byte("\r\n\r\n")) {
		f.buf = f.buf[4:]
		return framePing, nil, head{}, nil
	}
	// Single CRLFs: before a start line they are ignored (RFC 3261 §7.5); as answers to a ping of ours they mean life.
	for len(f.buf) >= 3 && f.buf[0] == '\r' && f.buf[1] == '\n' && f.buf[2] != '\r' {
		f.buf = f.buf[2:]
	}
	if len(f.buf) == 0 || f.buf[0] == '\r' {
		if len(f.buf) > 1 && f.buf[1] != '\n' {
			return frameBroken, f.buf, head{}, &malformed{400, "Malformed Start Line"}
		}
		return frameNone, nil, head{}, nil
	}
	end := bytes.Index(f.buf, []byte("\r\n\r\n"))
	if end < 0 {
		if len(f.buf) > maxHead {
			return frameBroken, f.buf, head{}, &malformed{513, "Message Too Large"}
		}
		return frameNone, nil, head{}, nil
	}
	h, flaw = scanHead(f.buf[:end+4])
	if h.bodyLength < 0 {
		// RFC 3261 §18.3: without a usable Content-Length the stream has no next message.
		if flaw == nil {
			flaw = &malformed{400, "Missing Content-Length"}
		}
		return frameBroken, f.buf[:end+4], h, flaw
	}
	whole := end + 4 + h.bodyLength
	if whole > maxMessage || end > maxHead {
		return frameBroken, f.buf[:end+4], h, &malformed{513, "Message Too Large"}
	}
	if len(f.buf) < whole {
		return frameNone, nil, head{}, nil
	}
	b = f.buf[:whole]
	f.buf = f.buf[whole:]
	return frameMessage, b, h, flaw
}

// feed appends bytes that were read.
func (f *framer) feed(b []byte) { f.buf = append(f.buf, b...) }

// partial reports whether a message has begun and is not whole.
func (f *framer) partial() bool { return len(bytes.TrimLeft(f.buf, "\r\n")) > 0 }

var pong = []byte("\r\n")

// readStream reads a TCP or TLS connection until it ends. Reads wait no longer than the limits of streamFlow allow.
func (s *Server) readStream(f *streamFlow) error {
	var fr framer
	chunk := make([]byte, 4096)
	var partSince time.Time
	for {
		limit := f.idle()
		if !f.heard.Load() {
			limit = streamFirstTime
		}
		deadline := time.Now().Add(limit)
		switch {
		case !fr.partial():
			partSince = time.Time{}
		case partSince.IsZero():
			partSince = time.Now()
			fallthrough
		default:
			deadline = partSince.Add(streamPartTime)
		}
		_ = f.conn.SetReadDeadline(deadline)
		n, err := f.conn.Read(chunk)
		if n > 0 {
			fr.feed(chunk[:n])
			if more := s.takeFrames(f, &fr); !more {
				f.linger()
				return nil
			}
		}
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				s.metrics.dropped.WithLabelValues(string(dropIdle)).Inc()
			}
			return err
		}
	}
}

// takeFrames works off all frames that are whole; false means that the connection must end.
func (s *Server) takeFrames(f *streamFlow, fr *framer) bool {
	for {
		kind, b, h, flaw := fr.next()
		switch kind {
		case frameNone:
			if len(fr.buf) == 0 {
				fr.buf = nil // an idle connection holds no buffer
			}
			return true
		case framePing:
			if f.push(pong) != nil {
				return false
			}
		case frameBroken:
			s.refuseMalformed(f, f.source(), b, flaw)
			return false
		case frameMessage:
			f.heard.Store(true)
			s.receiveStream(f, bytes.Clone(b), h, flaw)
		}
	}
}
