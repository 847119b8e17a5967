package sip

import (
	"crypto/rand"
	"encoding/hex"
	"strings"

	sipmsg "github.com/emiago/sipgo/sip"
)

// sessionID is the end-to-end session identifier (RFC 7989): our half and the peer's. A peer that sends none gets none.
type sessionID struct {
	local, remote string
	legacy        bool // the peer knows one half only (RFC 7329): it is echoed
}

const nilSessionID = "00000000000000000000000000000000"

func (s *sessionID) init(req *sipmsg.Request) {
	v := headerValue(req, "session-id")
	if v == "" {
		return
	}
	var b [16]byte
	_, _ = rand.Read(b[:])                      // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // a version 4 UUID, as RFC 7989 §4.1 wants
	s.local = hex.EncodeToString(b[:])
	s.legacy = !strings.Contains(strings.ToLower(v), "remote=")
	s.hear(v)
}

// begin makes our half.
func (s *sessionID) begin() {
	var b [16]byte
	_, _ = rand.Read(b[:])                      // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // a version 4 UUID, as RFC 7989 §4.1 wants
	s.local = hex.EncodeToString(b[:])
}

// hear takes the peer's half; it may change during a dialog, and a wrong one is no fault.
func (s *sessionID) hear(v string) {
	id, _, _ := strings.Cut(v, ";")
	id = strings.ToLower(strings.TrimSpace(id))
	if s.local == "" || len(id) != 32 || id == nilSessionID {
		return
	}
	if _, err := hex.DecodeString(id); err == nil {
		s.remote = id
	}
}

// header is the value for our messages, empty for none.
func (s *sessionID) header() string {
	switch {
	case s.local == "":
		return ""
	case s.legacy:
		return s.remote
	case s.remote == "":
		return s.local + ";remote=" + nilSessionID
	}
	return s.local + ";remote=" + s.remote
}
