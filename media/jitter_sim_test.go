package media

import (
	"math"
	"math/rand"
	"slices"
	"sync"
	"time"
)

// simLine plays one stream over a line of any quality into a jitter buffer, on a clock of its own.
type simLine struct {
	ptime int                                    // ms per packet; 20 when zero
	ppm   float64                                // how much faster the sender's clock runs
	phase time.Duration                          // of the first packet before the first tick
	delay func(i int) (d time.Duration, ok bool) // of packet i; not ok is lost
	wave  func(n int64) float64                  // sample n of the sender
	edit  func(i int, p *rtpPacket)              // change of packet i before it is sent
}

type simArrival struct {
	at  time.Duration
	pkt rtpPacket
}

// simResult is what came out of the buffer.
type simResult struct {
	j     *jitterBuffer
	out   []int16
	delay []time.Duration // per tick, from the moment a packet is sent to the mix of its first sample
	gaps  []int           // lengths of runs of ticks without sound
}

func (l simLine) run(total time.Duration) simResult {
	if l.ptime == 0 {
		l.ptime = 20
	}
	if l.wave == nil {
		l.wave = simTone(440, 8000)
	}
	if l.delay == nil {
		l.delay = func(int) (time.Duration, bool) { return 0, true }
	}
	n := l.ptime * 8
	var arrivals []simArrival
	queue := func(upTo time.Duration, i int) int {
		for ; ; i++ {
			sent := time.Duration(float64(i) * float64(l.ptime) * 1e6 / (1 + l.ppm*1e-6))
			if sent > upTo {
				return i
			}
			d, ok := l.delay(i)
			if !ok {
				continue
			}
			p := rtpPacket{seq: uint16(i + 65000), ts: uint32(i*n) + 4294967000, ssrc: 7, payload: make([]byte, n)}
			pcm := make([]int16, n)
			for k := range pcm {
				pcm[k] = int16(math.Round(l.wave(int64(i*n + k))))
			}
			encodeG711(PCMU, p.payload, pcm)
			if l.edit != nil {
				l.edit(i, &p)
			}
			a := simArrival{sent + d, p}
			at, _ := slices.BinarySearchFunc(arrivals, a, func(x, y simArrival) int {
				if x.at <= y.at {
					return -1
				}
				return 1
			})
			arrivals = slices.Insert(arrivals, at, a)
		}
	}
	r := simResult{j: newJitterBuffer(8000)}
	i, silent := 0, 0
	base := int64(uint32(4294967000)) + 1<<32
	frame := make([]int16, 160)
	for tick := time.Duration(0); tick < total; tick += frameTime {
		now := tick + l.phase
		i = queue(now, i)
		for len(arrivals) > 0 && arrivals[0].at <= now {
			r.j.put(&arrivals[0].pkt, PCMU)
			arrivals = arrivals[1:]
		}
		if r.j.pull(frame) {
			if silent > 0 && len(r.delay) > 0 {
				r.gaps = append(r.gaps, silent)
			}
			silent = 0
		} else {
			silent++
		}
		r.out = append(r.out, frame...)
		played := r.j.decodeTS - int64(r.j.sound.pending()) - 160 - base
		sentAt := time.Duration(float64(played) / 8000 * 1e9 / (1 + l.ppm*1e-6))
		r.delay = append(r.delay, now-sentAt)
	}
	return r
}

// simTone is a steady tone of whole hertz.
func simTone(freq int, amp float64) func(int64) float64 {
	second := make([]float64, 8000)
	for n := range second {
		second[n] = amp * math.Sin(2*math.Pi*float64(freq)*float64(n)/8000)
	}
	return func(n int64) float64 { return second[n%8000] }
}

// simSpeech has the pitch, the syllables and the pauses of speech; it repeats after 20 seconds.
func simSpeech(n int64) float64 { return speechLoop()[n%(20*8000)] }

var speechLoop = sync.OnceValue(func() []float64 {
	out := make([]float64, 20*8000)
	for n := range out {
		t := float64(n) / 8000
		syllable := math.Max(0, math.Sin(2*math.Pi*3.1*t)) * math.Max(0, math.Sin(2*math.Pi*0.25*t)+0.4)
		pitch := 2 * math.Pi * 118 * (t + 0.002*math.Sin(2*math.Pi*0.9*t))
		for h, a := range []float64{1, .8, .6, .5, .35, .3, .2, .15, .1} {
			out[n] += 3000 * syllable * a * math.Sin(float64(h+1)*pitch)
		}
	}
	return out
})

// simJitter delays packets at random by up to d.
func simJitter(seed int64, d time.Duration) func(int) (time.Duration, bool) {
	r := rand.New(rand.NewSource(seed))
	return func(int) (time.Duration, bool) { return time.Duration(r.Int63n(int64(d) + 1)), true }
}

// clicks is the largest departure from a pure tone from one sample to the next, relative to its amplitude: 2 for a
// reversal of the phase, 0.03 for the steps of G.711.
func clicks(pcm []int16, freq, amp float64) (worst float64, at int) {
	c := 2 * math.Cos(2*math.Pi*freq/8000)
	for i := 2; i < len(pcm); i++ {
		e := math.Abs(float64(pcm[i])-c*float64(pcm[i-1])+float64(pcm[i-2])) / amp
		if e > worst {
			worst, at = e, i
		}
	}
	return worst, at
}
