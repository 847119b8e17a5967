package call

import (
	"bytes"
	"errors"
	"net/netip"
	"sync"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/sip"
)

// mediaSide is the media of one leg of a call. Its words of negotiation are those of media.Side, and it is used by one
// goroutine at a time.
type mediaSide interface {
	// Offered takes an offer of the leg's peer, Answered its answer.
	Offered(sdp []byte) error
	Answered(sdp []byte) error
	// Refused forgets an offer of the peer that is refused.
	Refused()
	// Offer and Answer make what the peer is told, of what the peer of another side has said.
	Offer(from mediaSide) ([]byte, error)
	Answer(from mediaSide) ([]byte, error)
	// Join lets packets pass between the two.
	Join(other mediaSide)
	// NeedsOffer tells that the peer must be told something new since the side was joined.
	NeedsOffer() bool
	// SetHoldMusic is what the peer hears while the other side holds.
	SetHoldMusic(m *media.Sound)
	State() media.SideState
	// Keys tells what keys of the peer the other one does not take; Press presses one for the peer, where it takes keys by RTP, and
	// KeyEvents tells whether it does, and whether it might if it was asked. See media.Side.
	Keys() <-chan media.Digit
	Press(key byte) bool
	KeyEvents() (agreed, known bool)
	Close()
}

// relayed is a side whose media goes through the server.
type relayed struct{ *media.Side }

func (s relayed) Offer(from mediaSide) ([]byte, error)  { return s.Side.Offer(sideOf(from)) }
func (s relayed) Answer(from mediaSide) ([]byte, error) { return s.Side.Answer(sideOf(from)) }
func (s relayed) Join(other mediaSide)                  { media.Join(s.Side, sideOf(other)) }

func sideOf(m mediaSide) *media.Side {
	if r, ok := m.(relayed); ok {
		return r.Side
	}
	return nil
}

// direct is a side whose media does not pass the server: descriptions go from peer to peer as they are.
type direct struct {
	mu      *sync.Mutex // shared by all: a transfer reads a side while its call goes on
	said    []byte      // by the peer, as agreed
	open    []byte      // its offer that has no answer yet
	told    []byte      // to the peer, as agreed
	asked   []byte      // our offer that has no answer yet
	partner *direct
}

var errNoMedia = errors.New("the other side has described no media")

func (d *direct) Offered(sdp []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open, d.asked = sdp, nil
	return nil
}

func (d *direct) Refused() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = nil
}

func (d *direct) Answered(sdp []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = sdp
	if d.asked != nil {
		d.told = d.asked
	}
	return nil
}

func (d *direct) Offer(from mediaSide) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := from.(*direct)
	if !ok || o.open == nil && o.said == nil {
		return nil, errNoMedia
	}
	if d.asked, d.open = o.said, nil; o.open != nil {
		d.asked = o.open
	}
	return d.asked, nil
}

func (d *direct) Answer(from mediaSide) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	o, ok := from.(*direct)
	switch {
	case d.open == nil && d.told != nil:
		return d.told, nil // an offer has one answer
	case !ok || o.said == nil:
		return nil, errNoMedia
	}
	d.said, d.told, d.open = d.open, o.said, nil
	return d.told, nil
}

func (d *direct) Join(other mediaSide) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o, ok := other.(*direct); ok {
		d.partner, o.partner = o, d
	}
}

func (d *direct) NeedsOffer() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.partner != nil && !sameMedia(d.partner.said, d.told)
}

// sameMedia tells whether two descriptions say the same of media. Who wrote them, and how often, does not count: each answer may
// have a version of its own, and two phones would be told of the other's for ever.
func sameMedia(a, b []byte) bool {
	for {
		x, restA, moreA := nextMedia(a)
		y, restB, moreB := nextMedia(b)
		if !moreA || !moreB {
			return moreA == moreB
		}
		if x != y {
			return false
		}
		a, b = restA, restB
	}
}

// nextMedia is the next line of a description that says something of media.
func nextMedia(sdp []byte) (line string, rest []byte, ok bool) {
	for len(sdp) > 0 {
		l, after, _ := bytes.Cut(sdp, []byte("\n"))
		sdp = after
		l = bytes.TrimSuffix(l, []byte("\r"))
		if len(l) == 0 || bytes.HasPrefix(l, []byte("o=")) || bytes.HasPrefix(l, []byte("s=")) {
			continue
		}
		return string(l), sdp, true
	}
	return "", nil, false
}

func (d *direct) SetHoldMusic(*media.Sound) {} // phones hold by themselves

func (d *direct) Keys() <-chan media.Digit        { return nil } // keys go from phone to phone
func (d *direct) Press(byte) bool                 { return false }
func (d *direct) KeyEvents() (agreed, known bool) { return false, false }

func (d *direct) State() media.SideState { return media.SideState{} }
func (d *direct) Close()                 {}

// MediaConfig is how the media of calls passes.
type MediaConfig struct {
	Relay *media.Relay
	// HoldMusic is heard by who is held; nil is silence.
	HoldMusic *media.Sound
	// SiteMusic is the music of a site's lines, nil for silence. It must not wait. A nil func gives every site HoldMusic.
	SiteMusic func(*directory.Site) *media.Sound
}

// musicOf is what somebody lets others hear whom it holds.
func (m MediaConfig) musicOf(c directory.Caller) *media.Sound {
	if m.SiteMusic == nil || c.Site == nil {
		return m.HoldMusic
	}
	return m.SiteMusic(c.Site)
}

// newSide makes the media of a leg that was called, or is to be called, from one of our addresses.
func (r *Root) newSide(isDirect bool, local netip.Addr, secure media.SRTPPolicy) mediaSide {
	if isDirect || r.media.Relay == nil {
		return &direct{mu: &r.directs}
	}
	return relayed{r.media.Relay.NewSide(media.SideConfig{Secure: secure, Local: local, HoldMusic: r.media.HoldMusic})}
}

// securable tells whether keys may be told on a leg: in the clear they would be no secret (RFC 4568 §8.1).
func securable(src sip.Source) bool { return src.Transport == "TLS" || src.Transport == "WSS" }

// secureOf is how the media of a leg that calls us may be secured.
func secureOf(src sip.Source) media.SRTPPolicy {
	if securable(src) {
		return media.OptionalSRTP
	}
	return media.NoSRTP
}

// mediaStatus gives an error of the media the status that tells the leg.
func mediaStatus(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, media.ErrNoPorts), errors.Is(err, media.ErrPortsClosed):
		return &sip.StatusError{Code: 503, Reason: "Service Unavailable", Err: err, RetryAfter: portsRetry}
	case errors.Is(err, media.ErrBadSDP):
		return &sip.StatusError{Code: 400, Reason: "Bad Session Description", Err: err}
	}
	return &sip.StatusError{Code: 488, Reason: "Not Acceptable Here", Err: err}
}
