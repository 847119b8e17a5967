package softphone

import (
	"math"
	"math/cmplx"
	"time"
)

// Bursts sends 10 ms of 3 kHz once per period, in silence, for a measurement by Delays. The period must be longer than any
// delay that may occur.
func (c *Call) Bursts(period time.Duration) { c.media.bursts(period) }

// Delays are the one-way delays of the bursts that one call sent within [since, until) and another heard, from the packet
// leaving to the packet arriving, with the shift inside the packets. missed counts those not heard. Add the packet time and
// the phone's own buffer for mouth to ear.
func Delays(from, to *Call, since, until time.Time) (delays []time.Duration, missed int) {
	from.media.mu.Lock()
	var sent []burst
	for _, b := range from.media.played {
		if !b.at.Before(since) && b.at.Before(until) {
			sent = append(sent, b)
		}
	}
	from.media.mu.Unlock()
	for _, b := range sent {
		if d, ok := to.media.findBurst(b, time.Second); ok {
			delays = append(delays, d)
		} else {
			missed++
		}
	}
	return delays, missed
}

// findBurst looks for a burst in what came within the time after it was sent.
func (m *media) findBurst(b burst, within time.Duration) (time.Duration, bool) {
	m.mu.Lock()
	packets := m.rec.between(b.at, b.at.Add(within*9/10))
	if len(packets) == 0 {
		m.mu.Unlock()
		return 0, false
	}
	first, last := packets[0].pos, packets[0].pos
	for _, a := range packets {
		first, last = min(first, a.pos), max(last, a.pos+a.n)
	}
	first -= burstSamples // so that a burst at the very start has a slope before it
	sound := m.rec.cut(first, last)
	m.mu.Unlock()
	onset, ok := burstOnset(sound)
	if !ok {
		return 0, false
	}
	// The estimate may be a sample or two before a burst that begins the first packet.
	at := max(first+int64(math.Round(onset)), packets[0].pos)
	for _, a := range packets {
		if at >= a.pos && at < a.pos+a.n {
			shift := float64(first-a.pos) + onset - float64(b.offset)
			return a.at.Sub(b.at) + time.Duration(shift*float64(time.Second)/SampleRate), true
		}
	}
	return 0, false
}

// burstOnset finds the sample where the strongest burst begins: the middle between the half-height points of its correlation
// with the carrier over the burst's length, which for a clean burst is a triangle of height 1.
func burstOnset(s Sound) (onset float64, ok bool) {
	env := burstEnvelope(s)
	peak := 0
	for i, v := range env {
		if v > env[peak] {
			peak = i
		}
	}
	if len(env) == 0 || env[peak] < 0.25 {
		return 0, false
	}
	left, ok1 := halfHeight(env, peak, -1)
	right, ok2 := halfHeight(env, peak, 1)
	return max(0, (left+right)/2), ok1 && ok2
}

// halfHeight walks from the peak to where the envelope falls below half of it, and interpolates.
func halfHeight(env []float64, peak, step int) (float64, bool) {
	half := env[peak] / 2
	for i := peak; i >= 0 && i < len(env) && i > peak-burstSamples && i < peak+burstSamples; i += step {
		if env[i] < half {
			return float64(i) - float64(step)*(half-env[i])/(env[i-step]-env[i]), true
		}
	}
	return 0, false
}

func burstEnvelope(s Sound) []float64 {
	if len(s) < burstSamples {
		return nil
	}
	env := make([]float64, len(s)-burstSamples+1)
	var turn [8]complex128 // 3000 Hz repeats after 8 samples, and the burst is a multiple of that
	for i := range turn {
		turn[i] = cmplx.Rect(1, -2*math.Pi*burstHertz*float64(i)/SampleRate)
	}
	var sum complex128
	for i, v := range s {
		sum += complex(float64(v), 0) * turn[i%8]
		if i >= burstSamples {
			sum -= complex(float64(s[i-burstSamples]), 0) * turn[i%8] // 80 samples are ten turns
		}
		if i >= burstSamples-1 {
			env[i-burstSamples+1] = cmplx.Abs(sum) / (burstPeak * burstSamples / 2)
		}
	}
	return env
}
