package sitefile

import "passerelle/directory"

// users adds the users of a CSV file to e.
func (r *reader) users(Source, *directory.Enterprise) {}
