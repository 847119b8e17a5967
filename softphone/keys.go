package softphone

import (
	"context"
	"fmt"
	"time"
)

// SendDigits presses keys, one after the other, and returns when all are sent and, for SIP INFO, answered.
func (c *Call) SendDigits(ctx context.Context, digits string, o DigitOptions) error {
	run, err := newKeyRun(digits, o, c.media.ptime)
	if err != nil || len(run.events) == 0 {
		return err
	}
	c.media.mu.Lock()
	negotiated := c.media.events != 0
	c.media.mu.Unlock()
	if run.o.Method&RFC4733 != 0 && !negotiated {
		return ErrNoEvents
	}
	infos := c.startInfos(ctx, run)
	if run.o.Method&(RFC4733|InBand) == 0 {
		err = c.pressByClock(ctx, run)
	} else {
		err = c.pressByMedia(ctx, run)
	}
	if infoErr := infos(); err == nil {
		err = infoErr
	}
	return err
}

// startInfos sends a SIP INFO for each key as it goes down, one after the other as phones do. The returned function waits
// for the last and gives the first error.
func (c *Call) startInfos(ctx context.Context, run *keyRun) (wait func() error) {
	if run.o.Method&(InfoRelay|Info) == 0 {
		return func() error { return nil }
	}
	pressed := make(chan int, len(run.events))
	run.pressed = func(i int) { pressed <- i }
	result := make(chan error, 1)
	// Ends when wait closes pressed.
	go func() {
		var first error
		for i := range pressed {
			if err := c.infoKey(ctx, run, i); err != nil && first == nil {
				first = fmt.Errorf("digit %d by INFO: %w", i+1, err)
			}
		}
		result <- first
	}()
	return func() error {
		close(pressed)
		return <-result
	}
}

func (c *Call) infoKey(ctx context.Context, run *keyRun, i int) error {
	key := string(keypad[run.events[i]])
	if run.o.Method&InfoRelay != 0 {
		body := fmt.Sprintf("Signal=%s\r\nDuration=%d\r\n", key, run.o.On.Milliseconds())
		if err := c.Info(ctx, "application/dtmf-relay", body); err != nil {
			return err
		}
	}
	if run.o.Method&Info != 0 {
		return c.Info(ctx, "application/dtmf", key)
	}
	return nil
}

// pressByMedia lets the sender of the media do it.
func (c *Call) pressByMedia(ctx context.Context, run *keyRun) error {
	for !c.media.press(run) { // keys are under way: wait for our turn
		select {
		case <-time.After(c.media.ptime):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return ErrEnded
		}
	}
	defer c.media.release(run)
	select {
	case <-run.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return ErrEnded
	}
}

// pressByClock is for keys that leave no trace in the media.
func (c *Call) pressByClock(ctx context.Context, run *keyRun) error {
	for i := range run.events {
		run.pressed(i)
		select {
		case <-time.After(run.o.On + run.o.Gap):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-c.done:
			return ErrEnded
		}
	}
	return nil
}

// Typed are the keys that the peer has pressed by telephone-events so far, each event once (RFC 4733).
func (c *Call) Typed() string {
	c.media.mu.Lock()
	defer c.media.mu.Unlock()
	return string(c.media.typed)
}

// hears notes the key of a telephone-event at its first packet.
func (m *media) hears(ssrc, ts uint32, payload []byte) {
	id := [2]uint32{ssrc, ts}
	if len(payload) < 4 || int(payload[0]) >= len(keypad) || m.event == id && len(m.typed) > 0 {
		return
	}
	m.event = id
	m.typed = append(m.typed, keypad[payload[0]])
}
