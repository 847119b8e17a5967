package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// bench is one run of measurements.
type bench struct {
	place
	out            string
	rooms, parties int
	length         time.Duration
	rounds         int
	aors           int
	echo           string
	only           string
	quiet          time.Duration
	rate, relayed  int
	callsFor       time.Duration
	report         report
}

func runBench(ctx context.Context, args []string) (err error) {
	b := &bench{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	b.flags(f)
	f.StringVar(&b.out, "out", "bin/bench", "directory of the summary and the tools' own results")
	f.IntVar(&b.rooms, "rooms", 20, "spaces of the cost run")
	f.IntVar(&b.parties, "parties", 15, "participants in each")
	f.DurationVar(&b.length, "dur", 12*time.Second, "measuring window of the cost run")
	f.IntVar(&b.rounds, "rounds", 2, "how often server and bare echo are measured, in turns; the cheaper round of each counts")
	f.IntVar(&b.aors, "aors", 10000, "registered lines")
	f.StringVar(&b.echo, "echo", "127.0.0.1:15099", "where the bare echo answers")
	f.StringVar(&b.only, "only", "", "only these parts, by comma: sound, bridge, register, calls, go")
	f.IntVar(&b.rate, "rate", 100, "calls a second")
	f.IntVar(&b.relayed, "relayed", 100, "relayed calls, a multiple of ten")
	f.DurationVar(&b.callsFor, "calls-for", 20*time.Second, "how long calls are made")
	f.DurationVar(&b.quiet, "quiet", time.Minute, "wait this long for a quiet machine before each measurement")
	if err := f.Parse(args); err != nil {
		return err
	}
	if err := b.prepare(); err != nil {
		return err
	}
	defer func() { b.remove(err) }()
	if b.out, err = filepath.Abs(b.out); err != nil {
		return err
	}
	if err := os.MkdirAll(b.out, 0o755); err != nil {
		return err
	}
	b.report.begin(b.root)
	if err := b.site(max(b.rooms, 4), b.aors); err != nil {
		return err
	}
	srv, err := b.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.stop()) }()
	for _, part := range []struct {
		name string
		run  func(context.Context, *server) error
	}{{"sound", b.sound}, {"bridge", b.bridge}, {"calls", b.calls}, {"register", b.register}, {"go", b.goBenchmarks}} {
		if b.only != "" && !strings.Contains(","+b.only+",", ","+part.name+",") {
			continue
		}
		if err := part.run(ctx, srv); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return b.report.write(b.out)
}

// tool runs confload or regload, shows what it prints, and reads its JSON.
func (b *bench) tool(ctx context.Context, name, result string, into any, args ...string) error {
	awaitQuiet(ctx, b.quiet)
	file := filepath.Join(b.out, result+".json")
	cmd := exec.CommandContext(ctx, filepath.Join(b.bin, name), append(args, "-json", file)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	fmt.Printf("\n$ %s %s\n", name, strings.Join(args, " "))
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// conference is the command line of callers from the trunk who type the IDs of the spaces.
func (b *bench) conference(rooms, parties int, length time.Duration) []string {
	return []string{"-target", b.sip, "-local", "127.0.0.2", "-dest", "+33170001000", "-first-room", "7001", "-dtmf", "%d", "-rooms", strconv.Itoa(rooms),
		"-parties", strconv.Itoa(parties), "-dur", length.String(), "-settle", "4s"}
}

// sound is who hears whom on four full spaces.
func (b *bench) sound(ctx context.Context, srv *server) error {
	args := append(b.conference(4, 15, 10*time.Second), "-verify", "-sample", "15", "-pid", strconv.Itoa(srv.pid()))
	for range 3 { // once more when other work came between
		b.report.Sound = nil
		if err := b.tool(ctx, "confload", "sound", &b.report.Sound, args...); err != nil {
			return err
		}
		if len(b.report.Sound.Problems) == 0 {
			return nil
		}
	}
	return fmt.Errorf("not sound: %s", strings.Join(b.report.Sound.Problems, "; "))
}

// bridge is the cost of many full spaces, and of a bare echo that answers the same calls.
func (b *bench) bridge(ctx context.Context, srv *server) error {
	for round := range b.rounds {
		var echo, own conference
		if err := b.bareEcho(ctx, round, &echo); err != nil {
			return err
		}
		args := append(b.conference(b.rooms, b.parties, b.length), "-verify", "-sockets", "0", "-pid", strconv.Itoa(srv.pid()))
		if err := b.tool(ctx, "confload", fmt.Sprintf("bridge-%d", round+1), &own, args...); err != nil {
			return err
		}
		b.report.Echo, b.report.Bridge = append(b.report.Echo, echo), append(b.report.Bridge, own)
	}
	return nil
}

// withEcho has the bare echo answer while f runs; f gets its process id.
func (b *bench) withEcho(ctx context.Context, f func(pid string) error) error {
	uas := exec.Command(filepath.Join(b.bin, "confload"), "-mode", "uas", "-listen", b.echo, "-uas-media", "echo", "-rtp-base", "34000", "-quiet")
	if err := uas.Start(); err != nil {
		return err
	}
	defer func() {
		uas.Process.Signal(os.Interrupt)
		uas.Wait()
	}()
	select { // it binds its socket at once
	case <-time.After(500 * time.Millisecond):
	case <-ctx.Done():
		return ctx.Err()
	}
	return f(strconv.Itoa(uas.Process.Pid))
}

func (b *bench) bareEcho(ctx context.Context, round int, into *conference) error {
	return b.withEcho(ctx, func(pid string) error {
		return b.tool(ctx, "confload", fmt.Sprintf("echo-%d", round+1), into, "-target", b.echo, "-rooms", strconv.Itoa(b.rooms), "-parties", strconv.Itoa(b.parties),
			"-dest", "7%03d", "-dur", b.length.String(), "-sockets", "0", "-latency=false", "-pid", pid)
	})
}

// register is the cost of a registration, saturated and paced.
func (b *bench) register(ctx context.Context, srv *server) error {
	for _, load := range []struct {
		name, mode string
		args       []string
	}{
		{"REGISTER (401 + 200), saturated", "register", []string{"-n", strconv.Itoa(3 * b.aors)}},
		{"refresh with known nonce, saturated", "register", []string{"-n", strconv.Itoa(3 * b.aors), "-reuse-nonce"}},
		{"1000 REGISTER/s, paced", "register", []string{"-n", "10000", "-rate", "1000"}},
		{"2000 refresh/s, paced", "refresh", []string{"-rate", "2000", "-dur", "8s"}},
	} {
		var r registration
		args := append([]string{load.mode, "-target", b.sip, "-domain", "bench.test", "-aors", strconv.Itoa(b.aors), "-conc", "64", "-pid", strconv.Itoa(srv.pid())}, load.args...)
		if err := b.tool(ctx, "regload", fmt.Sprintf("register-%d", len(b.report.Register)+1), &r, args...); err != nil {
			return err
		}
		r.Name = load.name
		b.report.Register = append(b.report.Register, r)
	}
	return nil
}

// goBenchmarks runs the benchmarks of the media path.
func (b *bench) goBenchmarks(ctx context.Context, _ *server) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", "300ms", "./media/...")
	cmd.Dir, cmd.Stderr = b.root, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go benchmarks: %w: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 4 && strings.HasPrefix(f[0], "Benchmark") {
			fmt.Print(line)
			b.report.Go = append(b.report.Go, strings.Join(f, " "))
		}
	}
	return nil
}
