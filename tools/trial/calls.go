package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// relayed is what we read of a confload result in the mode b2bua.
type relayed struct {
	Calls    int      `json:"calls"`
	Up       int      `json:"calls_up"`
	Problems []string `json:"problems"`
	ToUAS    way      `json:"caller_to_callee"`
	ToUAC    way      `json:"callee_to_caller"`
	CPU      struct {
		Per1000 float64 `json:"server_cores_per_1000_calls"`
		Others  float64 `json:"other_cores"`
	} `json:"cpu"`
	Churn []churn `json:"churn"`
}

type way struct {
	Media struct {
		LossPct float64 `json:"loss_pct"`
	} `json:"media"`
	Delay quantiles `json:"delay_ms"`
}

// churn is calls of a second at a rate.
type churn struct {
	Rate      float64        `json:"offered_cps"`
	Placed    int            `json:"placed"`
	Succeeded int            `json:"succeeded"`
	Failures  map[string]int `json:"failures"`
	PDD       quantiles      `json:"post_dial_delay_ms"`
	PerCall   float64        `json:"server_cpu_ms_per_call"`
}

// phones is what we read of a regload result in the mode call.
type phones struct {
	Calls struct {
		Started   uint64            `json:"started"`
		Completed uint64            `json:"completed"`
		Failures  map[string]uint64 `json:"failures"`
		Setup     struct {
			P50 float64 `json:"p50_ms"`
			P99 float64 `json:"p99_ms"`
		} `json:"setup_invite_to_200_at_a"`
	} `json:"calls"`
	Server *struct {
		CPUPerOp float64 `json:"cpu_us_per_op"`
	} `json:"server"`
}

// callRound is one round of calls: the bare echo that answers the same, and the server.
type callRound struct {
	EchoMedia conference `json:"echo_media"`
	EchoChurn churn      `json:"echo_churn"`
	Own       relayed    `json:"own"`
	Phones    phones     `json:"phones"`
	Load      string     `json:"load_average"` // before and after
}

// calls is the cost of relayed calls and of setting calls up, by a trunk and between phones, and of a bare echo that answers
// the same calls itself.
func (b *bench) calls(ctx context.Context, srv *server) error {
	rate := strconv.Itoa(b.rate)
	dur := b.callsFor.String()
	for i := range b.rounds {
		var r callRound
		load := loadAverage()
		err := b.withEcho(ctx, func(pid string) error {
			name := fmt.Sprintf("calls-echo-%d", i+1)
			if err := b.tool(ctx, "confload", name, &r.EchoMedia, "-target", b.echo, "-rooms", "10", "-parties", strconv.Itoa(b.relayed/10), "-dest", "7%03d",
				"-dur", b.length.String(), "-sockets", "0", "-latency=false", "-pid", pid); err != nil {
				return err
			}
			var only relayed
			err := b.tool(ctx, "confload", name+"-churn", &only, "-mode", "b2bua", "-target", b.echo, "-dest", "7%03d", "-calls", "0", "-sockets", "0", "-cps", rate, "-hold", "1s",
				"-dur", dur, "-pid", pid)
			if err == nil {
				r.EchoChurn = only.Churn[0]
			}
			return err
		})
		if err != nil {
			return err
		}
		pid := strconv.Itoa(srv.pid())
		if err := b.tool(ctx, "confload", fmt.Sprintf("calls-%d", i+1), &r.Own, "-mode", "b2bua", "-target", b.sip, "-auth", "bench-caller:secret", "-dest", "+3399%07d",
			"-calls", strconv.Itoa(b.relayed), "-dur", dur, "-cps", rate, "-hold", "1s", "-pid", pid); err != nil {
			return err
		}
		// Lines of its own for each round: what the last one registered rings nowhere any more.
		first := strconv.Itoa(i * 4 * b.rate)
		n := strconv.Itoa(b.rate * int(b.callsFor.Seconds()))
		if err := b.tool(ctx, "regload", fmt.Sprintf("phones-%d", i+1), &r.Phones, "call", "-target", b.sip, "-domain", "bench.test", "-uri-host", "bench.test",
			"-first", first, "-conc", strconv.Itoa(2*b.rate), "-rate", rate, "-n", n, "-hold", "1s", "-pid", pid); err != nil {
			return err
		}
		r.Load = load + " → " + loadAverage()
		b.report.Calls = append(b.report.Calls, r)
	}
	return nil
}

// loadAverage is that of the last minute.
func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg") // absent: unknown
	first, _, _ := strings.Cut(string(b), " ")
	return first
}

// failed tells what did not succeed in a round.
func (r *callRound) failed() error {
	c := r.Own.Churn
	switch {
	case r.EchoMedia.Up < r.EchoMedia.Calls || r.EchoChurn.Succeeded < r.EchoChurn.Placed:
		return errors.New("calls to the bare echo failed")
	case r.Own.Up < r.Own.Calls:
		return fmt.Errorf("%d of %d relayed calls were not up", r.Own.Calls-r.Own.Up, r.Own.Calls)
	case len(c) != 1 || c[0].Succeeded < c[0].Placed:
		return fmt.Errorf("calls by the trunk failed: %+v", c)
	case r.Phones.Calls.Completed < r.Phones.Calls.Started:
		return fmt.Errorf("%d of %d calls between phones failed: %v", r.Phones.Calls.Started-r.Phones.Calls.Completed, r.Phones.Calls.Started, r.Phones.Calls.Failures)
	}
	return nil
}

// callsMarkdown is the rounds of calls for people.
func (r *report) callsMarkdown(p func(string, ...any)) {
	p("| calls, round | relayed: cores per 1000 | ratio to bare echo | by trunk: CPU ms per call | ratio | post-dial delay p50 / p99 ms | ratio of p99 | between phones: CPU ms per call | set-up p50 / p99 ms | failed | load average |")
	p("|---|---|---|---|---|---|---|---|---|---|---|")
	for i, x := range r.Calls {
		own, phones := churn{}, 0.0
		if len(x.Own.Churn) > 0 {
			own = x.Own.Churn[0]
		}
		if x.Phones.Server != nil {
			phones = x.Phones.Server.CPUPerOp / 1000
		}
		failed := x.Own.Calls - x.Own.Up + own.Placed - own.Succeeded + int(x.Phones.Calls.Started-x.Phones.Calls.Completed)
		p("| %d bare echo | %.3f | 1.0 | %.2f | 1.0 | %.2f / %.2f | 1.0 | – | – | – | %s |", i+1, x.EchoMedia.CPU.Per1000, x.EchoChurn.PerCall, x.EchoChurn.PDD.P50, x.EchoChurn.PDD.P99, x.Load)
		p("| %d passerelle | %.3f | **%.2f** | %.2f | **%.1f** | %.2f / %.2f | **%.1f** | %.2f | %.2f / %.2f | %d | %s |", i+1, x.Own.CPU.Per1000, x.Own.CPU.Per1000/x.EchoMedia.CPU.Per1000,
			own.PerCall, own.PerCall/x.EchoChurn.PerCall, own.PDD.P50, own.PDD.P99, own.PDD.P99/x.EchoChurn.PDD.P99, phones, x.Phones.Calls.Setup.P50, x.Phones.Calls.Setup.P99, failed, x.Load)
		for _, problem := range x.Own.Problems {
			p("\nProblem in round %d: %s.", i+1, problem)
		}
	}
	p("")
}
