package provision

import "errors"

var (
	// ErrUnknownPhone means that no phone of the directory has the MAC address.
	ErrUnknownPhone = errors.New("no phone has this MAC address")
	// ErrNotRegistered means that there is nowhere to send a request to the phone.
	ErrNotRegistered = errors.New("the phone is not registered")
	// ErrUnknownReport means that the phone has sent no report of that name.
	ErrUnknownReport = errors.New("the phone has sent no such report")
	// ErrReportTooLarge means that a problem report is beyond the limit.
	ErrReportTooLarge = errors.New("problem report too large")

	// errNoAccess is behind every refusal of a link; callers learn nothing more.
	errNoAccess = errors.New("no such link")
	errSpent    = errors.New("the link was used before")
	errExpired  = errors.New("the link has expired")
	errOtherMAC = errors.New("the link is another phone's")
	errNotTLS   = errors.New("the phone asked without TLS")
	errBarred   = errors.New("its links were revoked")
	errGone     = errors.New("the phone has left the directory")
)

// causes are the short names of what refuses phones, for programs and pages.
var causes = []struct {
	err  error
	name string
}{
	{errNoAccess, "revoked"}, {errBarred, "revoked"}, {errSpent, "used"}, {errExpired, "expired"}, {errOtherMAC, "other_phone"}, {errNotTLS, "no_tls"}, {errGone, "gone"},
}

// causeOf names a refusal; what is none of the known is trouble of ours.
func causeOf(err error) string {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "not_kept"
}
