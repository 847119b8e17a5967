package store

// Limit bounds the answers that are kept, all and those of one owner.
func (a *Answers) Limit(all, ofOwner int) { a.most, a.mostOfOwner = all, ofOwner }
