package call

import "passerelle/directory"

// Change puts what a code asks for into the settings of its line, u being a copy that may be altered, and says whether the
// code is about settings at all. Whoever keeps the directory stores it.
func (r Route) Change(u *directory.User) bool {
	if r.Kind != ToFeature {
		return false
	}
	switch r.Feature {
	case directory.FeatureForwardAlways, directory.FeatureForwardAlwaysOff:
		u.Forwards.Always = r.Argument // empty with the code that ends it
	case directory.FeatureForwardBusy, directory.FeatureForwardBusyOff:
		u.Forwards.Busy = r.Argument
	case directory.FeatureForwardNoAnswer:
		u.Forwards.NoAnswer.Target = r.Argument // the seconds stay as they were
	case directory.FeatureForwardNoAnswerOff:
		u.Forwards.NoAnswer = directory.NoAnswer{}
	case directory.FeatureForwardNotReachable, directory.FeatureForwardNotReachableOff:
		u.Forwards.NotReachable = r.Argument
	case directory.FeatureDND, directory.FeatureDNDOff:
		u.DND = r.Feature == directory.FeatureDND
	default:
		return false
	}
	return true
}
