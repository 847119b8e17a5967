package directory

// Caller is who makes a call: a line (Device and User are set) or a trunk (Trunk is set).
type Caller struct {
	Device *Device
	User   *User
	Trunk  *Trunk
	// Site is the line's or the trunk's.
	Site *Site
	// Number is what the called side may see: the line's number, or what the trunk asserts.
	Number string
	// Language is that of the caller's phone where it shows one, else the site's.
	Language Language
}

// Known says whether the caller is an authenticated line rather than the outside world.
func (c Caller) Known() bool { return c.User != nil }

// String names the caller for logs.
func (c Caller) String() string {
	switch {
	case c.User != nil:
		return c.User.Line()
	case c.Trunk != nil:
		return "trunk " + c.Trunk.Name
	}
	return "nobody"
}
