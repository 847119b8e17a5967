package media

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"passerelle/internal/memnet"
)

// A mixer ticks fifty times a second, and twenty mixers do not tick in one instant.
func TestMixerPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 20)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		var legs []*memLeg
		phases := map[time.Duration]int{}
		for range 20 {
			m := NewMixer(MixerConfig{})
			phases[m.phase]++
			go func() { ended <- m.Run(ctx) }()
			l := newMemLeg(t, n, ports, "198.51.100.20:0", PCMU, 700)
			if err := m.Attach(ctx, l.s); err != nil {
				t.Fatal(err)
			}
			legs = append(legs, l)
		}
		time.Sleep(time.Second)
		cancel()
		for range legs {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		for _, l := range legs {
			if l.hear(); len(l.packets) < 49 || len(l.packets) > 51 {
				t.Errorf("%d packets in a second", len(l.packets))
			}
		}
		if len(phases) != 20 {
			t.Errorf("20 mixers share %d phases", len(phases))
		}
	})
}

// A mixer that panics beside its sessions ends alone; its sessions are free for another one.
func TestMixerPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 4)
		metrics := NewMetrics(nil)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		bad, good := NewMixer(MixerConfig{Metrics: metrics}), NewMixer(MixerConfig{Metrics: metrics})
		badEnd, goodEnd := make(chan error, 1), make(chan error, 1)
		go func() { badEnd <- bad.Run(ctx) }()
		go func() { goodEnd <- good.Run(ctx) }()
		l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
		if err := bad.Attach(ctx, l.s); err != nil {
			t.Fatal(err)
		}
		if err := bad.do(ctx, func() error { panic("a fault beside all sessions") }); !errors.Is(err, ErrMixerClosed) {
			t.Errorf("the request that panicked returned %v", err)
		}
		if err := <-badEnd; !errors.Is(err, ErrMixerPanic) {
			t.Fatalf("run ended with %v", err)
		}
		if got := testutil.ToFloat64(metrics.panics.WithLabelValues("mixer")); got != 1 {
			t.Errorf("%v panics counted", got)
		}
		if err := bad.Attach(ctx, l.s); !errors.Is(err, ErrMixerClosed) {
			t.Errorf("attached to a dead mixer: %v", err)
		}
		p := NewPlayback(make([]int16, 100))
		bad.Announce(p)
		<-p.Done()
		if err := good.Attach(ctx, l.s); err != nil {
			t.Errorf("free for another mixer: %v", err)
		}
		cancel()
		if err := <-goodEnd; err != nil {
			t.Error(err)
		}
	})
}

func TestAttachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		ports := memPorts(t, n, 4)
		ctx, cancel := context.WithCancel(t.Context())
		a, b := NewMixer(MixerConfig{}), NewMixer(MixerConfig{})
		ended := make(chan error, 2)
		go func() { ended <- a.Run(ctx) }()
		go func() { ended <- b.Run(ctx) }()
		l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
		if err := a.Attach(ctx, l.s); err != nil {
			t.Fatal(err)
		}
		if err := b.Attach(ctx, l.s); !errors.Is(err, ErrAttached) {
			t.Errorf("attached twice: %v", err)
		}
		if err := b.Detach(ctx, l.s); !errors.Is(err, ErrNotAttached) {
			t.Errorf("detached from another mixer: %v", err)
		}
		if err := a.Detach(ctx, l.s); err != nil {
			t.Error(err)
		}
		l.s.Close()
		if err := a.Attach(ctx, l.s); !errors.Is(err, ErrSessionClosed) {
			t.Errorf("attached after close: %v", err)
		}
		gone, stop := context.WithCancelCause(ctx)
		why := errors.New("the caller hung up")
		stop(why)
		idle := NewMixer(MixerConfig{}) // runs nowhere
		if err := idle.Attach(gone, l.s); !errors.Is(err, why) {
			t.Errorf("waits for a mixer that does not run: %v", err)
		}
		cancel()
		<-ended
		<-ended
	})
}

func TestPacer(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 1234567, time.UTC)
	p := newPacer(start, 7*time.Millisecond)
	if at := p.next.Sub(start.Truncate(frameTime)); at != 7*time.Millisecond {
		t.Errorf("first tick %v into the frame", at)
	}
	first := p.next
	for _, c := range []struct {
		name            string
		behind          time.Duration
		frames, skipped int
		late            bool
	}{
		{"on time", 300 * time.Microsecond, 1, 0, false},
		{"early timer", -time.Millisecond, 1, 0, false},
		{"a little late", 11 * time.Millisecond, 1, 0, true},
		{"two frames late", 45 * time.Millisecond, 3, 0, true},
		{"stopped for a second", time.Second, 5, 46, true},
		{"on time again", 0, 1, 0, false},
	} {
		want := p.next
		d := p.due(p.next.Add(c.behind))
		if d.frames != c.frames || d.skipped != c.skipped || d.late != c.late {
			t.Errorf("%s: %+v", c.name, d)
		}
		if !d.first.Equal(want.Add(time.Duration(c.skipped) * frameTime)) {
			t.Errorf("%s: first frame %v after it was due", c.name, d.first.Sub(want))
		}
		if p.next.Sub(first)%frameTime != 0 {
			t.Errorf("%s: phase lost", c.name)
		}
	}
}
