package media

import "math"

// slackWindow remembers how much sound was left after each frame. Its least over the last seconds is what the peer's
// jitter has not needed and may be taken out. When the delay changes, what is remembered changes with it.
type slackWindow struct {
	least   [slackBuckets]int // of a stretch of time each
	most    [slackBuckets]int
	at      int // bucket in use
	ticks   int // frames in it
	full    int // buckets that hold something
	short   int // by how much the last frame was short, until it is known whether late or lost
	calm    int // frames since something came late
	patient int // frames that must be calm before anything is taken out
}

const (
	slackBuckets     = 8
	slackBucketTicks = 25 // half a second
	leastPatience    = slackBuckets * slackBucketTicks
	mostPatience     = 16 * leastPatience
)

func (w *slackWindow) reset() {
	*w = slackWindow{patient: leastPatience}
	for i := range w.least {
		w.empty(i)
	}
}

func (w *slackWindow) empty(i int) { w.least[i], w.most[i] = math.MaxInt, math.MinInt }

// note counts a frame for which everything was there.
func (w *slackWindow) note(slack int) {
	w.short = 0
	w.least[w.at] = min(w.least[w.at], slack)
	w.most[w.at] = max(w.most[w.at], slack)
	w.tick()
}

// missed counts a frame for which something was not there.
func (w *slackWindow) missed(slack int) {
	if w.short == 0 {
		w.short = slack
	}
	w.tick()
}

func (w *slackWindow) tick() {
	if w.calm++; w.calm > w.patient && w.patient > leastPatience {
		w.patient /= 2
		w.calm = 0
	}
	if w.ticks++; w.ticks == slackBucketTicks {
		w.ticks = 0
		w.at = (w.at + 1) % slackBuckets
		w.empty(w.at)
		w.full = min(w.full+1, slackBuckets-1)
	}
}

// late tells that what was missed has come after all and the delay has grown by so much. Each such surprise doubles
// the time that must pass without one before the delay shrinks.
func (w *slackWindow) late(by int) {
	w.shift(by)
	w.least[w.at] = min(w.least[w.at], w.short+by)
	w.short = 0
	w.calm = 0
	w.patient = min(2*w.patient, mostPatience)
}

// shift tells that the delay has changed.
func (w *slackWindow) shift(by int) {
	for i := range w.least {
		if w.least[i] != math.MaxInt {
			w.least[i] += by
		}
		if w.most[i] != math.MinInt {
			w.most[i] += by
		}
	}
}

// spread is how far apart the least and the most are: what the jitter of the line takes.
func (w *slackWindow) spread() int {
	least, most := math.MaxInt, math.MinInt
	for i := range w.least {
		least, most = min(least, w.least[i]), max(most, w.most[i])
	}
	if least >= most {
		return 0
	}
	return most - least
}

// excess is how much may be taken out: all that was never needed, once it is worth the trouble. It is urgent when it
// has stood above the second limit for a second.
func (w *slackWindow) excess(worth, pressing int) (n int, urgent bool) {
	recent := math.MaxInt
	for i := range min(w.full+1, 3) {
		recent = min(recent, w.least[(w.at+slackBuckets-i)%slackBuckets])
	}
	if w.full >= 2 && recent != math.MaxInt && recent >= pressing {
		return recent, true
	}
	all := math.MaxInt
	for _, l := range w.least {
		all = min(all, l)
	}
	if w.full < slackBuckets-1 || w.calm < w.patient || all == math.MaxInt || all < worth {
		return 0, false
	}
	return all, false
}
