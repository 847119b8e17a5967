package media

// Direction is which way media flows, as the side that writes the description sees it (RFC 3264 §5.1).
type Direction uint8

// Directions. The zero value is the default of SDP.
const (
	SendRecv Direction = iota
	SendOnly Direction = iota
	RecvOnly Direction = iota
	Inactive Direction = iota
)

var directionNames = [...]string{SendRecv: "sendrecv", SendOnly: "sendonly", RecvOnly: "recvonly", Inactive: "inactive"}

// String returns the attribute of the description.
func (d Direction) String() string {
	if int(d) < len(directionNames) {
		return directionNames[d]
	}
	return "unknown"
}

// Sends reports whether the side that wrote the description may send.
func (d Direction) Sends() bool { return d == SendRecv || d == SendOnly }

// Receives reports whether the side that wrote the description may receive.
func (d Direction) Receives() bool { return d == SendRecv || d == RecvOnly }

// Reverse is the same flow as the other side sees it.
func (d Direction) Reverse() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	default:
		return d
	}
}
