package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"passerelle/softphone"
)

// Times of the load test.
const (
	joinWithin   = 30 * time.Second // register to space, once a call's turn has come
	loadSettle   = 2 * time.Second  // the last entry tone and notice are over
	verifyFor    = time.Second      // one look at who hears whom
	verifySettle = 500 * time.Millisecond
	burstEvery   = time.Second
	leastFor     = 5 * time.Second
)

// loadTest fills spaces with callers and measures them.
type loadTest struct {
	cmd    *tryCmd
	setup  *trySetup
	tones  tonePlan
	pacer  *softphone.Pacer
	phones []*softphone.Phone
	start  time.Time

	parties []*tryParty // space by space
	began   time.Time   // of the measuring window
	ended   time.Time
	health  softphone.Health
}

// tryParty is one caller of the load test. Its fields are its own goroutine's until all have joined.
type tryParty struct {
	space, seat int
	phone       *softphone.Phone
	call        *softphone.Call
	err         error
	prompt      time.Duration // from the answer to the first sound
	stats       softphone.Stats
	heard       [2]softphone.Sound // at the window's beginning and end
}

// load runs the load test.
func (c *tryCmd) load(ctx context.Context, setup *trySetup) error {
	switch {
	case c.Parties < 2 || c.Parties > 15:
		return fmt.Errorf("try: %w: a space has 2 to 15 callers, not %d", errTryUsage, c.Parties)
	case c.For < leastFor:
		return fmt.Errorf("try: %w: %s is the least that tells anything", errTryUsage, leastFor)
	case c.Ramp <= 0:
		return fmt.Errorf("try: %w: calls are set up at more than %g per second", errTryUsage, c.Ramp)
	}
	tones, err := newTonePlan(c.Parties, c.Spaces)
	if err != nil {
		return fmt.Errorf("try: %w", err)
	}
	l := &loadTest{cmd: c, setup: setup, tones: tones, pacer: softphone.NewPacer(), start: time.Now()}
	report, err := l.run(ctx)
	if err != nil {
		return fmt.Errorf("try: %w", err)
	}
	report.print(c.out)
	if c.JSON != "" {
		if err := report.write(c.JSON); err != nil {
			return fmt.Errorf("try: %w", err)
		}
	}
	if n := len(report.Problems); n > 0 {
		return fmt.Errorf("try: %d problems, the first: %s", n, report.Problems[0])
	}
	return nil
}

func (l *loadTest) say(format string, args ...any) {
	fmt.Fprintf(l.cmd.out, "%6.2f s  %s\n", time.Since(l.start).Seconds(), fmt.Sprintf(format, args...))
}

func (l *loadTest) run(ctx context.Context) (*loadReport, error) {
	pacing, stopPacer := context.WithCancel(context.WithoutCancel(ctx))
	var pacer sync.WaitGroup
	pacer.Go(func() { _ = l.pacer.Run(pacing) }) // until stopPacer
	defer pacer.Wait()
	defer stopPacer()
	defer l.close()
	if err := l.register(ctx); err != nil {
		return nil, err
	}
	l.say("%d lines registered; calling %d spaces with %d parties each, %g calls per second", len(l.phones), l.cmd.Spaces, l.cmd.Parties, l.cmd.Ramp)
	l.join(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	up := l.up()
	l.say("%d of %d calls are in their spaces", len(up), len(l.parties))
	if len(up) == 0 {
		return nil, fmt.Errorf("no call came into its space: %w", l.parties[0].err)
	}
	if err := l.measure(ctx, up); err != nil {
		return nil, err
	}
	_ = l.up() // notes the calls that ended in the window
	l.hangUp(up)
	l.say("all hung up")
	return l.report(), nil // only now: it takes time, in which calls would go on
}

// register opens a phone per line and registers it.
func (l *loadTest) register(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerWithin)
	defer cancel()
	for _, line := range l.setup.callers {
		p, err := l.setup.open(ctx, line, l.cmd.Transport, l.pacer)
		if err != nil {
			return err
		}
		l.phones = append(l.phones, p)
		if _, err := p.Register(ctx, time.Hour); err != nil {
			return fmt.Errorf("register %s: %w", line.name, explainRegister(err))
		}
	}
	return nil
}

// join places all calls at the asked rate, seat by seat, and waits until each is in its space or has failed.
func (l *loadTest) join(ctx context.Context) {
	for space := range l.cmd.Spaces {
		for seat := range l.cmd.Parties {
			l.parties = append(l.parties, &tryParty{
				space: space, seat: seat, phone: l.phones[(space*l.cmd.Parties+seat)%len(l.phones)],
			})
		}
	}
	pace := time.NewTicker(time.Duration(float64(time.Second) / l.cmd.Ramp))
	defer pace.Stop()
	var joining sync.WaitGroup
	defer joining.Wait()
	for i := range l.parties {
		// Neighbours in time sit in different spaces, so that all fill evenly.
		p := l.parties[i%l.cmd.Spaces*l.cmd.Parties+i/l.cmd.Spaces]
		joining.Go(func() { p.err = l.enter(ctx, p) })
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
	}
}

// enter takes one call into its space.
func (l *loadTest) enter(ctx context.Context, p *tryParty) error {
	ctx, cancel := context.WithTimeout(ctx, joinWithin)
	defer cancel()
	space := l.setup.spaces[p.space]
	o := l.setup.call
	if l.listensForBursts(p) {
		o.Keep = l.cmd.For + 5*time.Second
	}
	call, err := p.phone.Invite(ctx, l.setup.dial(space.number), o)
	if err != nil {
		return err
	}
	p.call = call
	answered := time.Now()
	if err := call.WaitSound(ctx); err != nil {
		return fmt.Errorf("no prompt: %w", err)
	}
	p.prompt = time.Since(answered)
	if err := call.SendDigits(ctx, space.id+"#", l.setup.digits); err != nil {
		return fmt.Errorf("type the space ID: %w", err)
	}
	call.Play(softphone.Tone(l.tones.level, l.tones.hertz(p.space, p.seat)))
	return nil
}

// up are the parties whose calls are up.
func (l *loadTest) up() []*tryParty {
	var out []*tryParty
	for _, p := range l.parties {
		if p.err == nil && p.call == nil {
			p.err = errors.New("never called")
		}
		if p.err == nil {
			select {
			case <-p.call.Done():
				p.err = fmt.Errorf("the server hung up: %s", p.call.Ending().Reason)
			default:
				out = append(out, p)
			}
		}
	}
	return out
}

// listensForBursts samples three listeners of each space for the delay.
func (l *loadTest) listensForBursts(p *tryParty) bool {
	n := l.cmd.Parties
	return p.seat == 1 || p.seat == n/2 && n > 2 || p.seat == n-1
}

// measure runs the window: everybody's voices, then bursts of the first party of each space, then everybody again.
func (l *loadTest) measure(ctx context.Context, up []*tryParty) error {
	if err := sleep(ctx, loadSettle); err != nil {
		return err
	}
	l.say("measuring for %s", l.cmd.For)
	l.began = time.Now()
	l.pacer.ResetHealth()
	for _, p := range up {
		p.call.ResetStats()
	}
	look := func(i int) error {
		if err := sleep(ctx, verifySettle+verifyFor); err != nil {
			return err
		}
		for _, p := range up {
			p.heard[i] = p.call.Heard(verifyFor)
		}
		return nil
	}
	if err := look(0); err != nil {
		return err
	}
	for _, p := range up {
		if p.seat == 0 {
			p.call.Bursts(burstEvery)
		} else {
			p.call.Mute()
		}
	}
	if err := sleep(ctx, time.Until(l.began.Add(l.cmd.For-verifySettle-verifyFor))); err != nil {
		return err
	}
	for _, p := range up {
		p.call.Play(softphone.Tone(l.tones.level, l.tones.hertz(p.space, p.seat)))
	}
	if err := look(1); err != nil {
		return err
	}
	l.ended = time.Now()
	l.health = l.pacer.Health()
	for _, p := range up {
		p.stats = p.call.Stats()
	}
	return nil
}

// hangUp ends all calls, a few at a time, and unregisters the lines.
func (l *loadTest) hangUp(up []*tryParty) {
	ctx, cancel := context.WithTimeout(context.Background(), joinWithin)
	defer cancel()
	turns := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for _, p := range up {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			_ = p.call.Bye(ctx) // a call that the server ended has been noticed
		})
	}
	wg.Wait()
	for _, p := range l.phones {
		_ = p.Unregister(ctx)
	}
}

// close ends the phones; calls that are still up, after a failure, are hung up first.
func (l *loadTest) close() {
	var left []*tryParty
	for _, p := range l.parties {
		if p.call != nil {
			select {
			case <-p.call.Done():
			default:
				left = append(left, p)
			}
		}
	}
	if len(left) > 0 {
		l.hangUp(left)
	}
	for _, p := range l.phones {
		_ = p.Close()
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
