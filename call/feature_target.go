package call

import "passerelle/directory"

// ForwardTarget says where a line would forward calls to that asks for a target by a key of its phone or by an API, as a
// site file has it. The target is a number as the line dials it, directory.ForwardVoicemail or a URI; empty means the line's
// mailbox. The error of one that the line may not forward to is that of Route.Err.
func ForwardTarget(dir *directory.Directory, u *directory.User, target string) (string, error) {
	caller := directory.Caller{User: u, Site: u.Site, Number: u.Line(), Language: u.Site.Language}
	p := newPlanner(dir, caller)
	d := dialled{user: target}
	if target == directory.ForwardVoicemail {
		d.user = ""
	}
	uri, isURI := parseTarget(target)
	if isURI {
		d = parseDialled(uri)
		if _, ours := dir.SiteByDomain(d.host); !ours && uri.Scheme != "tel" {
			r := p.target(target)
			return target, r.Err()
		}
	}
	r := p.setForward(directory.FeatureForwardAlways, d)
	return r.Argument, r.Err()
}
