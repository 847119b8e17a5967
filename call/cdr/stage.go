package cdr

// Stage is how far a leg is when an observer is told of it.
type Stage int

// The stages.
const (
	Begun Stage = iota // rings, or is about to
	Up                 // answered
	Over               // ended: the record is complete
)

// observe tells the observer; j.mu is held, so that it hears of a leg in the order of its stages.
func (j *Journal) observe(s Stage, r Record) {
	if j.cfg.Observe != nil {
		j.cfg.Observe(s, r)
	}
}
