package media

import (
	"fmt"
	"math/rand"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func lastDelay(r simResult, over time.Duration) (least, most time.Duration) {
	n := int(over / frameTime)
	least, most = r.delay[len(r.delay)-1], r.delay[len(r.delay)-1]
	for _, d := range r.delay[len(r.delay)-n:] {
		least, most = min(least, d), max(most, d)
	}
	return least, most
}

func TestJitterPerfectLine(t *testing.T) {
	for _, ptime := range []int{10, 20, 30, 40, 50, 60} {
		for phase := time.Millisecond; phase < 20*time.Millisecond; phase += 3 * time.Millisecond {
			r := simLine{ptime: ptime, phase: phase}.run(20 * time.Second)
			if r.j.stats.concealed > 0 || r.j.stats.late > 0 {
				t.Errorf("ptime %d phase %v: %+v", ptime, phase, r.j.stats)
			}
			if _, most := lastDelay(r, time.Second); most > time.Duration(ptime+20)*time.Millisecond {
				t.Errorf("ptime %d phase %v: delay %v", ptime, phase, most)
			}
			if c, at := clicks(r.out[8000:], 440, 8000); c > .1 {
				t.Errorf("ptime %d phase %v: click of %.2f at %d", ptime, phase, c, at)
			}
		}
	}
}

// A leg whose clock is off for an hour: the delay stays within a packet and a frame, and nothing is heard of it.
func TestJitterDrift(t *testing.T) {
	for _, ppm := range []float64{300, -300} {
		t.Run(fmt.Sprintf("%+v ppm", ppm), func(t *testing.T) {
			t.Parallel()
			r := simLine{ppm: ppm, phase: 7 * time.Millisecond, delay: simJitter(1, 2*time.Millisecond)}.run(time.Hour)
			least, most := lastDelay(r, 55*time.Minute)
			c, at := clicks(r.out[8000:], 440, 8000)
			t.Logf("delay %v to %v, %+v, worst click %.2f", least, most, r.j.stats, c)
			if most > 45*time.Millisecond || least < 0 {
				t.Errorf("delay from %v to %v", least, most)
			}
			if c > .3 {
				t.Errorf("click of %.2f at %d", c, at)
			}
			// What is put in or taken out is what the clocks differ by, give or take a frame.
			if moved := int(r.j.stats.concealed + r.j.stats.shrunk); moved < 8480 || moved > 8800 {
				t.Errorf("%d samples put in or taken out in an hour, want 8640", moved)
			}
		})
	}
}

// The delay follows what the line needs and no more: a packet's time beyond its jitter, nothing on a line without.
func TestJitterFollowsTheLine(t *testing.T) {
	for _, jitter := range []time.Duration{0, 5 * time.Millisecond, 20 * time.Millisecond, 40 * time.Millisecond, 100 * time.Millisecond} {
		r := simLine{phase: 3 * time.Millisecond, delay: simJitter(5, jitter)}.run(2 * time.Minute)
		_, most := lastDelay(r, 110*time.Second)
		c, _ := clicks(r.out[8000:], 440, 8000)
		t.Logf("jitter %v: delay %v, %+v, worst click %.2f", jitter, most, r.j.stats, c)
		if most > jitter+25*time.Millisecond {
			t.Errorf("jitter %v: delay %v", jitter, most)
		}
		if invented := int(r.j.stats.concealed) / 160; invented > 20 {
			t.Errorf("jitter %v: %d of 6000 frames invented", jitter, invented)
		}
		if c > .3 {
			t.Errorf("jitter %v: click of %.2f", jitter, c)
		}
	}
}

// A phone that sends nothing while its user is silent is whole at the start of each spurt even on a bad line.
func TestJitterTalkSpurts(t *testing.T) {
	jitter := simJitter(9, 100*time.Millisecond)
	r := simLine{phase: 3 * time.Millisecond, delay: func(i int) (time.Duration, bool) {
		d, _ := jitter(i)
		return d, i%100 < 50 // one second of speech, one of nothing
	}}.run(2 * time.Minute)
	// Each spurt ends in 60 ms of fading, which counts as concealment.
	if beyond := int(r.j.stats.concealed)/160 - 60*4; beyond > 20 {
		t.Errorf("%d frames invented within sixty spurts", beyond)
	}
	if r.j.stats.late > 60 {
		t.Errorf("%d packets too late", r.j.stats.late)
	}
}

// Ten minutes of bursts, then calm: five seconds later the delay is back.
func TestJitterBurstsThenCalm(t *testing.T) {
	rnd := rand.New(rand.NewSource(3))
	var until, hold time.Duration
	burst := func(i int) (time.Duration, bool) {
		sent := time.Duration(i) * frameTime
		if sent > 10*time.Minute {
			return 0, true
		}
		if sent >= until { // a pause of the line now and then, after which everything comes at once
			hold = sent + time.Duration(rnd.Intn(600))*time.Millisecond
			until = hold + time.Duration(rnd.Intn(3000))*time.Millisecond
		}
		return max(hold-sent, 0), true
	}
	r := simLine{phase: 5 * time.Millisecond, delay: burst, wave: simSpeech}.run(10*time.Minute + 5*time.Second)
	_, most := lastDelay(r, 10*time.Minute)
	t.Logf("most %v, at the end %v, %+v", most, r.delay[len(r.delay)-1], r.j.stats)
	if end := r.delay[len(r.delay)-1]; end > (capMS+20)*time.Millisecond {
		t.Errorf("delay of %v after five seconds of calm", end)
	}
}

// Lost packets are concealed without clicks, one by one and four in a row.
func TestJitterLoss(t *testing.T) {
	for _, c := range []struct {
		name  string
		share float64
		burst int
	}{{"1 %", .01, 1}, {"3 %", .03, 1}, {"5 %", .05, 1}, {"bursts of 4", .01, 4}} {
		rnd := rand.New(rand.NewSource(11))
		left := 0
		r := simLine{phase: 9 * time.Millisecond, delay: func(int) (time.Duration, bool) {
			if left > 0 {
				left--
				return 0, false
			}
			if rnd.Float64() < c.share {
				left = c.burst - 1
				return 0, false
			}
			return 0, true
		}}.run(2 * time.Minute)
		worst, at := clicks(r.out[8000:], 440, 8000)
		t.Logf("%s: worst click %.2f, %+v", c.name, worst, r.j.stats)
		if worst > .3 {
			t.Errorf("%s: click of %.2f at %d", c.name, worst, at)
		}
		if _, most := lastDelay(r, time.Second); most > 40*time.Millisecond {
			t.Errorf("%s: delay %v", c.name, most)
		}
	}
}

// A source that changes every five seconds, as after transfers, is heard again within 60 ms.
func TestJitterSourceSwitch(t *testing.T) {
	const every = 250 // packets
	for _, c := range []struct {
		name string
		edit func(leg int, p *rtpPacket)
	}{
		{"new SSRC, sequence and timestamp", func(leg int, p *rtpPacket) {
			p.ssrc += uint32(leg)
			p.seq += uint16(leg * 7919)
			p.ts += uint32(leg) * 2654435761
		}},
		{"sequence -8618", func(leg int, p *rtpPacket) { p.seq -= uint16(leg * 8618) }},
		{"sequence -8618 and timestamp", func(leg int, p *rtpPacket) {
			p.seq -= uint16(leg * 8618)
			p.ts += uint32(leg) * 123456789
		}},
		{"timestamp", func(leg int, p *rtpPacket) { p.ts -= uint32(leg) * 987654 }},
	} {
		r := simLine{phase: 9 * time.Millisecond, edit: func(i int, p *rtpPacket) { c.edit(i/every, p) }}.run(time.Minute)
		if most := r.j.stats.concealed; most > 11*60*8 {
			t.Errorf("%s: %d samples invented at eleven switches", c.name, most)
		}
		for _, g := range r.gaps {
			if g > 3 {
				t.Errorf("%s: silent for %d frames", c.name, g)
			}
		}
		if worst, at := clicks(r.out[8000:], 440, 8000); worst > .3 {
			t.Errorf("%s: click of %.2f at %d", c.name, worst, at)
		}
		if left := r.j.level(); left > r.j.samples(40) {
			t.Errorf("%s: %d samples wait in the end", c.name, left)
		}
	}
}

// Whatever has come before, the buffer is bounded, and a clean stream is heard cleanly again after three seconds.
func TestJitterSurvivesAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := newJitterBuffer(8000)
		out := make([]int16, 160)
		var p rtpPacket
		steps := rapid.IntRange(1, 300).Draw(t, "steps")
		for range steps {
			for range rapid.IntRange(0, 4).Draw(t, "packets") {
				switch rapid.IntRange(0, 9).Draw(t, "kind") {
				case 0:
					p.seq, p.ts = rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts")
				case 1:
					p.ssrc = rapid.Uint32Range(0, 2).Draw(t, "ssrc")
				case 2:
					p.seq -= rapid.Uint16Range(0, 5).Draw(t, "back")
				case 3:
					p.ts += rapid.Uint32Range(0, 1<<14).Draw(t, "gap")
				default:
					p.seq, p.ts = p.seq+1, p.ts+uint32(len(p.payload))
				}
				p.payload = make([]byte, rapid.SampledFrom([]int{0, 1, 80, 160, 240, 480, 481}).Draw(t, "size"))
				codec := rapid.SampledFrom([]Codec{PCMU, PCMU, PCMU, PCMA, TelephoneEvent, ComfortNoise}).Draw(t, "codec")
				j.put(&p, codec)
			}
			j.pull(out)
			if level := j.level(); level > j.samples(capMS)+160 {
				t.Fatalf("%d samples wait", level)
			}
		}
		p.seq, p.ts = rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "ts")
		wave := simTone(440, 8000)
		var heard []int16
		for i := range 200 {
			p.payload = make([]byte, 160)
			pcm := make([]int16, 160)
			for k := range pcm {
				pcm[k] = int16(wave(int64(i*160 + k)))
			}
			encodeG711(PCMU, p.payload, pcm)
			j.put(&p, PCMU)
			p.seq, p.ts = p.seq+1, p.ts+160
			before := j.stats.concealed
			j.pull(out)
			if i >= 150 {
				heard = append(heard, out...)
				if j.stats.concealed != before {
					t.Fatalf("conceals in frame %d of a clean stream", i)
				}
			}
		}
		if c, at := clicks(heard, 440, 8000); c > .3 {
			t.Fatalf("click of %.2f at %d", c, at)
		}
		if level := j.level(); level > j.samples(100) {
			t.Fatalf("%d samples wait after three clean seconds", level)
		}
	})
}

func BenchmarkJitter(b *testing.B) {
	j := newJitterBuffer(8000)
	p := rtpPacket{ssrc: 1, payload: make([]byte, 160)}
	out := make([]int16, 160)
	b.ReportAllocs()
	for b.Loop() {
		j.put(&p, PCMU)
		p.seq, p.ts = p.seq+1, p.ts+160
		j.pull(out)
	}
}
