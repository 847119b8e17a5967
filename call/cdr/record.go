package cdr

import (
	"math"
	"time"
)

// Record is the account of one leg. Times are UTC; the zero time is left out.
type Record struct {
	ID        string    `json:"id"`      // of the record, unique for ever
	Call      string    `json:"call"`    // shared by the legs of one call
	CallID    string    `json:"call_id"` // SIP Call-ID
	Direction Direction `json:"direction"`

	User   string `json:"user,omitempty"`   // who really called or was called: the effective user's line
	Device string `json:"device,omitempty"` // digest user name of the phone
	Host   string `json:"host,omitempty"`   // owner of the phone, when a guest was signed in on it
	Trunk  string `json:"trunk,omitempty"`
	Number string `json:"number,omitempty"` // of the other side, as asserted or dialled
	Site   string `json:"site,omitempty"`   // SIP domain
	Route  string `json:"route,omitempty"`  // where the plan sent it: line, trunk, gateway, emergency, refused
	Space  string `json:"space,omitempty"`  // ref of the space entered

	Start  time.Time `json:"start"`
	Answer time.Time `json:"answer,omitzero"`
	End    time.Time `json:"end,omitzero"`
	Ended  Side      `json:"ended,omitempty"` // who ended it
	Code   int       `json:"code,omitempty"`  // final SIP status; 200 for a call that was answered and hung up
	Cause  string    `json:"cause,omitempty"`

	Codec    string   `json:"codec,omitempty"`
	Received *Quality `json:"received,omitempty"` // from the phone to us
	Sent     *Quality `json:"sent,omitempty"`     // from us to the phone, as it reports by RTCP
}

// Direction is which side began the leg.
type Direction string

const (
	// In is a leg whose INVITE came to us.
	In Direction = "in"
	// Out is a leg whose INVITE we sent.
	Out Direction = "out"
)

// Side is who ended a leg.
type Side string

const (
	// Peer means the phone or trunk of the leg: BYE, CANCEL or a refusal.
	Peer Side = "peer"
	// Server means us, on behalf of the other side of the call or by a decision of our own.
	Server Side = "server"
	// Interrupted means that the server died while the leg was up.
	Interrupted Side = "interrupted"
)

// Quality is what became of the packets of one direction.
type Quality struct {
	Packets uint64        `json:"packets"`
	Lost    uint64        `json:"lost"`
	Jitter  time.Duration `json:"jitter_ns"` // RFC 3550 §6.4.1
	Delay   time.Duration `json:"delay_ns"`  // of the jitter buffer, or half the round trip
	MOS     float64       `json:"mos"`       // 1 to 4.5, see NewQuality
}

// NewQuality rates a direction of G.711 with concealment by the E-model (ITU-T G.107 with G.113's Ie=0, Bpl=25.1): R falls with
// delay beyond 177 ms and with loss.
func NewQuality(packets, lost uint64, jitter, delay time.Duration) *Quality {
	q := &Quality{Packets: packets, Lost: lost, Jitter: jitter, Delay: delay, MOS: 1}
	if packets == 0 {
		return q
	}
	percent := 100 * float64(lost) / float64(packets+lost)
	ms := float64(delay+2*jitter)/float64(time.Millisecond) + 20
	r := 93.2 - 0.024*ms - 0.11*max(0, ms-177.3) - 95*percent/(percent+25.1)
	switch {
	case r <= 0:
	case r >= 100:
		q.MOS = 4.5
	default:
		q.MOS = math.Round(100*(1+0.035*r+7e-6*r*(r-60)*(100-r))) / 100
	}
	q.MOS = max(1, q.MOS)
	return q
}
