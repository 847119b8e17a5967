package sip

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
)

// partOf returns the first part of a multipart body that has the wanted type (RFC 5621 §3).
func partOf(contentType string, body []byte, want string) ([]byte, bool) {
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil || params["boundary"] == "" {
		return nil, false
	}
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range 16 { // more parts than any call needs
		p, err := r.NextPart()
		if err != nil {
			return nil, false
		}
		if mediaType(p.Header.Get("Content-Type")) != want {
			continue
		}
		b, err := io.ReadAll(p)
		return b, err == nil && len(b) > 0
	}
	return nil, false
}
