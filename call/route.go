package call

import (
	"fmt"

	"passerelle/directory"
	"passerelle/sip"
)

// Route is what the plan says of one call. Which fields are set depends on Kind.
type Route struct {
	Kind RouteKind
	// Site is that of the gateway, or, of an emergency call, where the phone stands.
	Site *directory.Site
	// SpaceID is the space named by the request, empty when the attendant must ask.
	SpaceID directory.Secret
	// User is the line that is called; of a feature, the line whose call is meant.
	User *directory.User
	// Number is the called number where it has an E.164 form, else Digits are what the trunk takes: a short number or an
	// emergency number. See Called.
	Number directory.Number
	Digits string
	// Trunks are the ways out, the best first. Health and channels decide between them when the call is made.
	Trunks []*directory.Trunk
	// URI is called where a mailbox or a forwarding has one.
	URI string
	// Callback is the number that reaches the phone of an emergency call, empty if there is none.
	Callback directory.Number
	// Feature and Argument are what a code asks for. The argument of a forwarding is its target as a site file has it.
	Feature  directory.Feature
	Argument string
	// Class is what the call is to calling plans, night hours and limits.
	Class Class
	// HideNumber withholds the caller's number from the called side (RFC 3323).
	HideNumber bool
	// Status and Reason answer a refused call; Spoken, if any, is what its caller should hear before.
	Status int
	Reason string
	Spoken Spoken
	// Why says in a few words how the plan came to it, for the log; Steps tell the whole way. Neither holds a space ID.
	Why   string
	Steps []string
}

// RouteKind is where a call goes.
type RouteKind uint8

const (
	// Refused calls are answered Status.
	Refused RouteKind = iota
	// ToGateway calls go to a site's gateway.
	ToGateway RouteKind = iota
	// ToLine calls ring the devices of a user.
	ToLine RouteKind = iota
	// ToTrunk calls go out to a number.
	ToTrunk RouteKind = iota
	// ToEmergency calls go out to help, whatever any limit says.
	ToEmergency RouteKind = iota
	// ToURI calls go to a mailbox, or a forwarding, that is a URI.
	ToURI RouteKind = iota
	// ToFeature calls do something on the server.
	ToFeature RouteKind = iota
)

var kindNames = [...]string{
	Refused: "refused", ToGateway: "gateway", ToLine: "line", ToTrunk: "trunk", ToEmergency: "emergency", ToURI: "uri", ToFeature: "feature",
}

// String names the kind for logs.
func (k RouteKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Spoken names the announcement that tells a line why its call is refused; empty means that the status says enough.
type Spoken string

// The announcements.
const (
	SpokenNotInPlan Spoken = "not_in_plan"    // the line's calling plan does not have such calls
	SpokenNight     Spoken = "night"          // not in night hours
	SpokenTooMany   Spoken = "too_many_calls" // as many calls to the outside as the line may have are up
	SpokenTooFast   Spoken = "too_fast"       // too many calls to the outside in a minute
	SpokenNoChannel Spoken = "no_channel"     // every trunk that takes the number is full
	SpokenAway      Spoken = "away"           // the phone's user is signed in on another phone
)

// Err is a refusal as the status of a leg; nil for every other route.
func (r Route) Err() error {
	if r.Kind != Refused {
		return nil
	}
	return &sip.StatusError{Code: r.Status, Reason: r.Reason, Err: fmt.Errorf("plan: %s", r.Why)}
}

// External says whether the call leaves the enterprise, so that limits apply.
func (r Route) External() bool { return r.Kind == ToTrunk || r.Kind == ToURI }

// refusal is a kind of no.
type refusal struct {
	status int
	reason string
	spoken Spoken
}

// The refusals of the plan.
var (
	notFound   = refusal{404, "Not Found", ""}
	incomplete = refusal{484, "Address Incomplete", ""}
	forbidden  = refusal{403, "Forbidden", ""}
	notInPlan  = refusal{403, "Not In Calling Plan", SpokenNotInPlan}
	anonymity  = refusal{433, "Anonymity Disallowed", ""} // RFC 5079 §4
	noHelp     = refusal{503, "No Emergency Trunk", ""}   // the phone may try another server
)
