package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// role is one party of a call between lines, by the list of steps that it plays (testdata/sipp/calls).
type role struct {
	steps string
	line  int // 0 to 2: the lines a, b and c of the act
}

// between makes an act of calls between lines: the last role begins, the others register and wait for it.
func between(name string, weight int, fate fate, roles ...role) act {
	return act{name: name, weight: weight, roles: roles, fate: fate}
}

// fate is what happens to a call besides what its parties do.
type fate uint8

const (
	wellBehaved fate = iota
	callerDies  fate = iota // by SIGKILL at a random moment
	calleeDies  fate = iota
	badLine     fate = iota // the signalling of all goes by a lossy line: who gives up on what is not judged
)

var (
	talker = role{"talk_a", 0}
	taker  = role{"answer", 1}
)

// calls is the repertoire of calls between lines.
var calls = []act{
	between("calls a line", 4, wellBehaved, taker, talker),
	between("calls a line, is killed", 3, callerDies, taker, talker),
	between("calls a line that is killed", 3, calleeDies, taker, talker),
	between("calls a line over a bad line", 4, badLine, taker, talker),
	between("holds a line", 2, wellBehaved, role{"hold_b", 1}, role{"hold_a", 0}),
	between("holds a line, is killed", 1, callerDies, role{"hold_b", 1}, role{"hold_a", 0}),
	between("holds over a bad line", 2, badLine, role{"hold_b", 1}, role{"hold_a", 0}),
	between("gives up while a line rings", 2, wellBehaved, role{"silent", 1}, role{"cancel_a", 0}),
	between("is killed while a line rings", 2, callerDies, role{"silent", 1}, role{"cancel_a", 0}),
	between("gives up over a bad line", 2, badLine, role{"silent", 1}, role{"cancel_a", 0}),
	between("calls a busy line", 1, wellBehaved, role{"busy", 1}, role{"refused_a", 0}),
	between("calls without an offer", 1, wellBehaved, role{"late_b", 1}, role{"late_a", 0}),
	between("is transferred", 2, wellBehaved, role{"blind_c", 2}, role{"blind_b", 1}, role{"blind_a", 0}),
	between("is transferred over a bad line", 2, badLine, role{"blind_c", 2}, role{"blind_b", 1}, role{"blind_a", 0}),
	between("asks and transfers", 2, wellBehaved, role{"attended_c", 2}, role{"attended_a", 0}, role{"attended_b", 1}),
	between("asks and transfers over a bad line", 2, badLine, role{"attended_c", 2}, role{"attended_a", 0}, role{"attended_b", 1}),
	between("asks, and is killed while transferring", 2, callerDies, role{"attended_c", 2}, role{"attended_a", 0}, role{"attended_b", 1}),
}

// lineOf is the number of a user that is one slot's own. Users below soakUsers are everybody's.
func lineOf(slot, line int) int { return soakUsers + 4*slot + line }

// makeScenarios turns the lists of steps into SIPp scenarios.
func (s *soak) makeScenarios(ctx context.Context) error {
	dir := filepath.Join(s.work, "scenarios")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	names := map[string]bool{"register": true, "unregister": true}
	for _, a := range calls {
		for _, r := range a.roles {
			names[r.steps] = true
		}
	}
	for name := range names {
		sipp := filepath.Join(s.root, "testdata/sipp")
		out, err := exec.CommandContext(ctx, "awk", "-f", filepath.Join(sipp, "steps.awk"), filepath.Join(sipp, "calls", name+".steps")).Output()
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name+".xml"), out, 0o644)
		}
		if err != nil {
			return fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	return nil
}

// play makes the command of one party, in a directory of its own.
func (s *soak) play(dir, server, steps string, slot, line, port int, stay time.Duration) (*exec.Cmd, error) {
	at := filepath.Join(dir, strconv.Itoa(line)+"-"+steps)
	if err := os.MkdirAll(at, 0o755); err != nil {
		return nil, err
	}
	user := "user" + strconv.Itoa(lineOf(slot, line))
	args := []string{server, "-sf", filepath.Join(s.work, "scenarios", steps+".xml"), "-nostdin", "-m", "1", "-i", "127.0.0.1", "-p", strconv.Itoa(port),
		"-mi", "127.0.0.1", "-mp", strconv.Itoa(s.base + 2000 + slot*20 + 4*line), "-au", user, "-ap", "secret", "-auth_uri", "bench.test", "-key", "line", user,
		"-key", "dial", "sip:" + extension(slot, 1) + "@bench.test", "-d", strconv.FormatInt(stay.Milliseconds(), 10), "-timeout", "60", "-timeout_error",
		"-trace_err", "-error_file", "errors.log", "-cid_str", "%u-%p-" + strconv.Itoa(port)}
	for i, key := range []string{"a", "b", "c"} {
		args = append(args, "-key", key, extension(slot, i))
	}
	cmd := exec.Command("sipp", args...)
	cmd.Dir = at
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd, nil
}

// extension is what a line is dialled as (testdata/bench/site.sh).
func extension(slot, line int) string { return strconv.Itoa(3000000 + lineOf(slot, line)) }

// performCall runs an act of several parties to its end. It kills only what it has started.
func (s *soak) performCall(ctx context.Context, a act, r *rand.Rand, slot int, dir string) error {
	server, stay := s.sip, time.Duration(500+r.IntN(8000))*time.Millisecond
	if a.fate == badLine {
		server = s.bad.addr()
	}
	ports := make([]int, len(a.roles))
	defer func() { // whatever happened, the lines are nowhere any more
		for i, p := range a.roles[:len(a.roles)-1] {
			if cmd, err := s.play(dir, s.sip, "unregister", slot, p.line, ports[i], 0); err == nil {
				cmd.Run()
			}
		}
	}()
	var parties []*exec.Cmd
	for i, p := range a.roles {
		ports[i] = s.port()
		if i < len(a.roles)-1 {
			cmd, err := s.play(dir, server, "register", slot, p.line, ports[i], 0)
			if err == nil {
				err = cmd.Run()
			}
			if err != nil && a.fate != badLine {
				return fmt.Errorf("register: %w: %s", err, complaint(filepath.Join(dir, strconv.Itoa(p.line)+"-register")))
			}
		}
		cmd, err := s.play(dir, server, p.steps, slot, p.line, ports[i], stay)
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			break
		}
		parties = append(parties, cmd)
		if i < len(a.roles)-1 && !s.listens(ctx, ports[i]) {
			break
		}
	}
	errs := make([]error, len(parties))
	var wg sync.WaitGroup
	for i, cmd := range parties {
		wg.Go(func() { errs[i] = cmd.Wait() })
	}
	if victim := a.victim(parties); victim != nil {
		after := time.NewTimer(time.Duration(r.Int64N(int64(6 * time.Second))))
		select {
		case <-after.C:
		case <-ctx.Done():
		}
		after.Stop()
		victim.Process.Kill()
		time.Sleep(2 * time.Second) // the others see what they see, and vanish as well
		for _, cmd := range parties {
			cmd.Process.Kill()
		}
	}
	wg.Wait()
	if a.fate != wellBehaved {
		return nil
	}
	if len(parties) < len(a.roles) {
		return fmt.Errorf("only %d of %d parties came", len(parties), len(a.roles))
	}
	for i, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w: %s", a.roles[i].steps, err, complaint(parties[i].Dir))
		}
	}
	return nil
}

// victim is the party that dies, nil if none does.
func (a act) victim(parties []*exec.Cmd) *exec.Cmd {
	if len(parties) < len(a.roles) {
		return nil
	}
	switch a.fate {
	case callerDies:
		return parties[len(parties)-1]
	case calleeDies:
		return parties[0]
	}
	return nil
}

// listens waits until a party has bound its port.
func (s *soak) listens(ctx context.Context, port int) bool {
	want := fmt.Sprintf(":%04X ", port)
	for range 100 {
		b, _ := os.ReadFile("/proc/net/udp") // absent: nobody listens
		if bytes.Contains(b, []byte(want)) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50 * time.Millisecond):
		}
	}
	return false
}
