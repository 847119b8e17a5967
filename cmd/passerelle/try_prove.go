package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"passerelle/softphone"
)

// Bounds of the proof: generous to a slow machine, short enough for someone who waits.
const (
	registerWithin = 10 * time.Second
	answerWithin   = 10 * time.Second
	promptWithin   = 5 * time.Second
	hearWithin     = 10 * time.Second
	listenFor      = 2 * time.Second
)

// Levels of the proof, in dB below full scale: what a caller sends, what counts as heard, and what as not heard at all.
const (
	toneLevel = -20.0
	heardDB   = toneLevel - 12
	notHeard  = toneLevel - 20
)

// proofTones are the two callers' voices, away from telephone keys and from each other's overtones.
var proofTones = [2]float64{1050, 1750}

// steps prints what happened when, and keeps the first failure.
type steps struct {
	out   io.Writer
	start time.Time

	mu    sync.Mutex
	fault error
}

// do runs a step and prints it with its time; after a failure nothing more is done.
func (s *steps) do(who, what string, f func() (detail string, err error)) bool {
	s.mu.Lock()
	failed := s.fault != nil
	s.mu.Unlock()
	if failed {
		return false
	}
	detail, err := f()
	s.mu.Lock()
	defer s.mu.Unlock()
	label := "ok"
	if err != nil {
		label, detail = "FAILED", err.Error()
		if s.fault == nil {
			s.fault = fmt.Errorf("%s %s: %w", who, what, err)
		}
	}
	if detail != "" {
		detail = "  " + detail
	}
	fmt.Fprintf(s.out, "%6.2f s  %-14s %-26s %s%s\n", time.Since(s.start).Seconds(), who, what, label, detail)
	return err == nil
}

// prove runs the main job with two callers.
func (c *tryCmd) prove(ctx context.Context, setup *trySetup) error {
	s := &steps{out: c.out, start: time.Now()}
	callers := [2]*prover{}
	for i := range callers {
		callers[i] = &prover{
			steps: s, setup: setup, space: setup.spaces[0], line: setup.callers[i%len(setup.callers)], transport: c.Transport,
			own: proofTones[i], other: proofTones[1-i],
		}
		if len(setup.callers) < 2 {
			callers[i].line.name += fmt.Sprintf(" (%d)", i+1)
		}
		defer callers[i].close()
	}
	both := func(f func(p *prover)) {
		var wg sync.WaitGroup
		for _, p := range callers {
			wg.Go(func() { f(p) })
		}
		wg.Wait()
	}
	both(func(p *prover) { p.enter(ctx) })
	both(func(p *prover) { p.hear(ctx) })
	both(func(p *prover) { p.leave(ctx) })
	if s.fault != nil {
		return fmt.Errorf("try: failed at this step: %w", s.fault)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%6.2f s  %s and %s met in the space and heard each other, and never themselves.\n",
		time.Since(s.start).Seconds(), callers[0].line.name, callers[1].line.name)
	return nil
}

// prover is one of the two callers.
type prover struct {
	*steps

	setup      *trySetup
	space      trySpace
	line       tryCaller
	transport  string
	own, other float64 // tones, in Hz

	phone *softphone.Phone
	call  *softphone.Call
}

// enter takes the caller from nothing to the space.
func (p *prover) enter(ctx context.Context) {
	ok := p.do(p.line.name, "registers", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, registerWithin)
		defer cancel()
		var err error
		if p.phone, err = p.setup.open(ctx, p.line, p.transport, nil); err != nil {
			return "", err
		}
		granted, err := p.phone.Register(ctx, time.Hour)
		if err != nil {
			return "", explainRegister(err)
		}
		return "for " + granted.String(), nil
	}) && p.do(p.line.name, "dials the gateway number", func() (string, error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		var err error
		p.call, err = p.phone.Invite(ctx, p.setup.dial(p.space.number), p.setup.call)
		if err != nil {
			return "", explainInvite(err, p.space.number)
		}
		return "answered after " + ms(p.call.Setup()), nil
	}) && p.do(p.line.name, "hears the prompt", func() (string, error) {
		return "", p.within(ctx, promptWithin, p.call.WaitSound)
	}) && p.do(p.line.name, "types the space ID", func() (string, error) {
		return fmt.Sprintf("%d digits and #", len(p.space.id)), p.within(ctx, hearWithin, func(ctx context.Context) error {
			return p.call.SendDigits(ctx, p.space.id+"#", p.setup.digits)
		})
	})
	if ok {
		p.call.Play(softphone.Tone(toneLevel, p.own))
	}
}

// hear checks who hears whom.
func (p *prover) hear(ctx context.Context) {
	_ = p.do(p.line.name, "hears the other caller", func() (string, error) {
		err := p.within(ctx, hearWithin, func(ctx context.Context) error { return p.call.WaitTone(ctx, p.other, heardDB) })
		if errors.Is(err, softphone.ErrNotHeard) {
			return "", fmt.Errorf("the other caller's tone did not come within %s: was the space ID taken?", hearWithin)
		}
		return "", err
	}) && p.do(p.line.name, "never hears itself", func() (string, error) {
		var heard softphone.Sound
		err := p.within(ctx, hearWithin, func(ctx context.Context) (err error) {
			heard, err = p.call.Listen(ctx, listenFor)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, half := range []softphone.Sound{heard[:len(heard)/2], heard[len(heard)/2:]} {
			l := half.Levels(p.own, p.other)
			switch {
			case l[0] > notHeard:
				return "", fmt.Errorf("its own tone comes back at %.0f dB", l[0])
			case l[1] < heardDB:
				return "", fmt.Errorf("the other caller's tone has gone: %.0f dB", l[1])
			}
		}
		l := heard.Levels(p.own, p.other)
		st := p.call.Stats()
		return fmt.Sprintf("other %.0f dB, own %.0f dB; %d packets, %d lost", l[1], l[0], st.Received, st.Lost), nil
	})
}

// leave hangs up and unregisters.
func (p *prover) leave(ctx context.Context) {
	_ = p.do(p.line.name, "hangs up", func() (string, error) {
		return "", p.within(ctx, answerWithin, p.call.Bye)
	}) && p.do(p.line.name, "unregisters", func() (string, error) {
		return "", p.within(ctx, registerWithin, p.phone.Unregister)
	})
}

// within bounds a wait; a call that the server ended meanwhile is said to be that.
func (p *prover) within(ctx context.Context, d time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	err := f(ctx)
	if errors.Is(err, softphone.ErrEnded) && p.call != nil && p.call.Ending().ByPeer {
		if reason := p.call.Ending().Reason; reason != "" {
			return fmt.Errorf("the server hung up: %s", reason)
		}
		return errors.New("the server hung up")
	}
	return err
}

// close ends what a failure left: the call is hung up, so that no seat stays taken.
func (p *prover) close() {
	if p.phone == nil {
		return
	}
	if p.call != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = p.call.Bye(ctx) // ErrEnded after a proof that held
	}
	_ = p.phone.Close()
}

func explainRegister(err error) error {
	switch code := softphone.StatusOf(err); {
	case code == 401, code == 403, code == 407:
		return fmt.Errorf("%w: is the password right, and the domain?", err)
	case errors.Is(err, softphone.ErrNoResponse), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: does the server run there?", err)
	}
	return err
}

func explainInvite(err error, number string) error {
	if softphone.StatusOf(err) == 404 {
		return fmt.Errorf("%w: is %s the gateway number of a site?", err, number)
	}
	return err
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }
