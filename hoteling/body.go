package hoteling

import (
	"encoding/xml"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"

	"passerelle/internal/bodyxml"
)

// The names of the event package.
const (
	EventName = "x-broadworks-hoteling"
	BodyType  = "application/x-broadworks-hoteling+xml" // of SUBSCRIBE and NOTIFY
	namespace = "http://schema.broadsoft.com/hoteling"
)

// Limits of what a phone may send.
const (
	maxBody    = 4 << 10
	maxAddress = 256 // bytes
	maxToken   = 128 // bytes of a nonce or a response
)

// Set is what a phone asks for.
type Set struct {
	// Guest is who wants to sign in, as the person typed it; empty signs out.
	Guest string
	// Proof answers a challenge; nil in a proposal.
	Proof *Proof
}

// Proof is the answer to a challenge.
type Proof struct {
	Nonce    string
	Response string // lower-case hexadecimal MD5(nonce ":" PIN); never logged
}

// String hides the response from formats and logs.
func (Proof) String() string { return "***" }

// wireSet is a SetHoteling document.
type wireSet struct {
	XMLName xml.Name
	Guest   *string `xml:"guestAddress"`
	Auth    *struct {
		Nonce     string `xml:"nonce"`
		Algorithm string `xml:"algorithm"`
		Response  string `xml:"response"`
	} `xml:"authenticationData"`
}

// ParseSet reads the body of a phone's SUBSCRIBE. It takes ISO-8859-1, which desk phones declare, and UTF-8, any layout and
// elements it does not know. A body of another media type, or one that says nothing of a guest, is ErrMalformed.
func ParseSet(contentType string, body []byte) (Set, error) {
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || kind != BodyType {
		return Set{}, fmt.Errorf("hoteling body of type %.64q: %w", contentType, ErrMalformed)
	}
	if len(body) > maxBody {
		return Set{}, fmt.Errorf("hoteling body of %d bytes: %w", len(body), ErrMalformed)
	}
	var w wireSet
	if err := bodyxml.Decode(body, &w); err != nil {
		return Set{}, fmt.Errorf("hoteling body: %w", ErrMalformed) // the decoder's words may quote the response
	}
	switch {
	case w.XMLName.Local != "SetHoteling" || w.XMLName.Space != "" && w.XMLName.Space != namespace:
		return Set{}, fmt.Errorf("hoteling body is a %.64q: %w", w.XMLName.Local, ErrMalformed)
	case w.Guest == nil:
		return Set{}, fmt.Errorf("hoteling body without guestAddress: %w", ErrMalformed)
	}
	s := Set{Guest: strings.TrimSpace(*w.Guest)}
	if len(s.Guest) > maxAddress {
		return Set{}, fmt.Errorf("guestAddress of %d bytes: %w", len(s.Guest), ErrMalformed)
	}
	if a := w.Auth; a != nil {
		if alg := strings.TrimSpace(a.Algorithm); alg != "" && !strings.EqualFold(alg, algorithm) {
			return Set{}, fmt.Errorf("authenticationData by %.32q: %w", alg, ErrMalformed)
		}
		s.Proof = &Proof{Nonce: strings.TrimSpace(a.Nonce), Response: strings.ToLower(strings.TrimSpace(a.Response))}
		if len(s.Proof.Nonce) > maxToken || len(s.Proof.Response) > maxToken {
			return Set{}, fmt.Errorf("authenticationData is too long: %w", ErrMalformed)
		}
	}
	return s, nil
}

// The layout of server bodies is that of captured ones, byte for byte: LF between elements, no indent, CRLF at the end.
const (
	eventHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<HotelingEvent xmlns="` + namespace + `">` + "\n"
	eventTail = "</HotelingEvent>\r\n"
)

// StateBody is the body of a NOTIFY that shows who is signed in: guest is what others dial for them, empty for nobody. left
// is how long they stay; zero or less means that there is no limit.
func StateBody(guest string, left time.Duration) []byte {
	var b strings.Builder
	b.WriteString(eventHead)
	if guest == "" {
		b.WriteString("<guestAddress/>\n")
	} else {
		b.WriteString("<guestAddress>" + bodyxml.Text(guest) + "</guestAddress>\n")
		if left > 0 {
			b.WriteString("<expires>" + strconv.FormatInt(wholeSeconds(left), 10) + "</expires>\n")
		}
	}
	b.WriteString(eventTail)
	return []byte(b.String())
}

// ChallengeBody is the body of a NOTIFY that asks the phone to prove its guest.
func ChallengeBody(nonce string) []byte {
	return []byte(eventHead + "<authenticationData>\n<nonce>" + bodyxml.Text(nonce) + "</nonce>\n<algorithm>" + algorithm +
		"</algorithm>\n</authenticationData>\n" + eventTail)
}

// wholeSeconds rounds up: a guest with half a second left is still there.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
