package softphone

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is how often a waiting listener looks at what came: two packet times.
const pollEvery = 40 * time.Millisecond

// quietAfter is how long nothing may come before a stream counts as silent.
const quietAfter = 200 * time.Millisecond

// Play changes what the call sends from now on.
func (c *Call) Play(s Source) { c.media.play(s) }

// Tone sends steady tones at -20 dB of full scale.
func (c *Call) Tone(hertz ...float64) { c.media.play(Tone(-20, hertz...)) }

// Mute sends digital silence.
func (c *Call) Mute() { c.media.play(Silence{}) }

// PauseRTP sends no packets at all, as a phone with silence suppression; false sends again.
func (c *Call) PauseRTP(on bool) { c.media.pause(on) }

// Stats tells what came and went since the call began or ResetStats was called.
func (c *Call) Stats() Stats { return c.media.stats() }

// ResetStats begins a new window.
func (c *Call) ResetStats() { c.media.resetStats() }

// Heard is the last d of what was received. When nothing has come for a while it is silence.
func (c *Call) Heard(d time.Duration) Sound {
	m := c.media
	m.mu.Lock()
	defer m.mu.Unlock()
	n := samplesOf(d)
	if last := m.rec.last(); last.IsZero() || time.Since(last) > quietAfter {
		return make(Sound, n)
	}
	return m.rec.cut(m.rec.end-n, m.rec.end)
}

// Listen returns the next d of what is received; what does not come within d and a little is silence.
func (c *Call) Listen(ctx context.Context, d time.Duration) (Sound, error) {
	m, n := c.media, samplesOf(d)
	position := func() int64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.rec.end
	}
	from := position()
	start := time.Now()
	err := c.poll(ctx, func() bool { return position()-from >= n || time.Since(start) > d+quietAfter })
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rec.cut(from, from+n), err
}

// WaitSound waits until something is heard, such as the beginning of a prompt.
func (c *Call) WaitSound(ctx context.Context) error {
	if err := c.poll(ctx, func() bool { return c.Heard(100*time.Millisecond).Loudness() > -50 }); err != nil {
		return fmt.Errorf("wait for a sound: %w", err)
	}
	return nil
}

// WaitTone waits until a tone is heard at this level at least, in dB below full scale.
func (c *Call) WaitTone(ctx context.Context, hertz, level float64) error {
	if err := c.poll(ctx, func() bool { return c.Heard(200*time.Millisecond).Level(hertz) >= level }); err != nil {
		return fmt.Errorf("wait for a tone of %g Hz: %w", hertz, err)
	}
	return nil
}

// poll waits until ok holds. It fails with ErrNotHeard when ctx ends first, and with ErrEnded when the call does.
func (c *Call) poll(ctx context.Context, ok func() bool) error {
	if ok() {
		return nil
	}
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if ok() {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrNotHeard, context.Cause(ctx))
		case <-c.done:
			return ErrEnded
		}
	}
}

func samplesOf(d time.Duration) int64 { return int64(d) * SampleRate / int64(time.Second) }
