package media

import "time"

// pacer turns the time on the wall into frames. Frames that were missed by a little are caught up, so that no peer runs
// dry; more than that is left out.
type pacer struct{ next time.Time }

// catchUp is how many frames a late tick mixes at most.
const catchUp = 5

// newPacer starts at the next instant with the given phase within the frame time.
func newPacer(now time.Time, phase time.Duration) pacer {
	next := now.Add(now.Truncate(frameTime).Sub(now)).Add(phase) // arithmetic that keeps the monotonic clock
	for !next.After(now) {
		next = next.Add(frameTime)
	}
	return pacer{next: next}
}

// dueFrames is what one tick has to do.
type dueFrames struct {
	first   time.Time // when the first frame was due
	frames  int
	skipped int
	late    bool // by more than half a frame
}

// due takes the frames that are due at now.
func (p *pacer) due(now time.Time) dueFrames {
	behind := now.Sub(p.next)
	if behind < 0 { // a timer that fires early is not worth another one
		behind = 0
	}
	d := dueFrames{first: p.next, frames: 1 + int(behind/frameTime), late: behind > frameTime/2}
	if d.frames > catchUp {
		d.skipped = d.frames - catchUp
		d.first = d.first.Add(time.Duration(d.skipped) * frameTime)
		d.frames = catchUp
	}
	p.next = d.first.Add(time.Duration(d.frames) * frameTime)
	return d
}
