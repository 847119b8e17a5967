package softphone

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// InviteOptions says how a call is made. The zero value is the plain call of a desk phone.
type InviteOptions struct {
	// Media.
	Codecs       []Codec       // in order of preference; nil = PCMU, PCMA
	Ptime        time.Duration // of our packets, and the ptime we ask for; zero = 20 ms
	Events       uint8         // payload type of telephone-event; zero = 101
	NoEvents     bool          // offer no telephone-event
	MediaLevel   bool          // c= in the media line only, as 8800 phones do
	Video        bool          // offer video too
	DelayedOffer bool          // INVITE without SDP: our answer goes in the ACK
	Profile      string        // transport profile of the audio line; empty = RTP/AVP
	Direction    Direction
	EditSDP      func(string) string // has the last word on every SDP we send
	Play         Source              // nil = silence
	RTCP         bool                // send reports; MPP phones do not unless told to. Not under a Pacer
	Keep         time.Duration       // how much received audio is kept for listening; zero = 5 s

	// Signalling.
	From           string // From URI; empty = the line's
	To             string // To URI; empty = the dialled one
	Headers        []Header
	Allow          string        // zero = all methods that a phone knows
	Supported      string        // zero = "replaces", with "timer" when SessionExpires is given
	SessionExpires time.Duration // offer a session timer (RFC 4028); zero = none
	Refresher      string        // "uac" or "uas"; empty = the peer chooses
	OnProvisional  func(*Message)

	// Misbehaviour.
	NeverACK   bool          // send no ACK, whatever comes
	MediaAfter time.Duration // send no RTP for this long after the answer
	NeverRTP   bool          // send no RTP at all
	Refuse     int           // refuse what the peer offers in the dialog with this status; zero = take it
	NoRefresh  bool          // promise to refresh the session, and do not
}

func (o *InviteOptions) defaults() {
	if o.Codecs == nil {
		o.Codecs = []Codec{PCMU, PCMA}
	}
	o.Ptime = cmp.Or(o.Ptime, 20*time.Millisecond)
	o.Events = cmp.Or(o.Events, 101)
	if o.NoEvents {
		o.Events = 0
	}
	o.Keep = cmp.Or(o.Keep, 5*time.Second)
	if o.Play == nil {
		o.Play = Silence{}
	}
	o.Allow = cmp.Or(o.Allow, methods)
	if o.Supported == "" {
		o.Supported = "replaces"
		if o.SessionExpires > 0 {
			o.Supported = "replaces, timer"
		}
	}
	if o.EditSDP == nil {
		o.EditSDP = func(s string) string { return s }
	}
}

// local is the description of media with these options.
func (o *InviteOptions) local(port *mediaPort) localSDP {
	return localSDP{
		id: uint64(rand.Uint32()), version: uint64(rand.Uint32()), addr: port.addr, codecs: o.Codecs, events: o.Events,
		ptime: o.Ptime, direction: o.Direction, mediaLevel: o.MediaLevel, video: o.Video, profile: o.Profile,
	}
}

// expand makes a URI of what a user dials: digits and names are completed by the line's domain.
func (p *Phone) expand(target string) string {
	switch {
	case strings.HasPrefix(target, "sip:"), strings.HasPrefix(target, "sips:"), strings.HasPrefix(target, "tel:"):
		return target
	case strings.Contains(target, "@"):
		return "sip:" + target
	default:
		user, params, _ := strings.Cut(target, ";")
		if params != "" {
			params = ";" + params
		}
		return fmt.Sprintf("sip:%s@%s%s", user, p.cfg.Domain, params)
	}
}
