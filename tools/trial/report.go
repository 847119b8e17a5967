package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// conference is what we read of a confload result.
type conference struct {
	Calls    int     `json:"calls"`
	Up       int     `json:"calls_up"`
	RxPPS    float64 `json:"rx_pps"`
	TxPPS    float64 `json:"tx_pps"`
	Problems []string
	Media    struct {
		LossPct      float64 `json:"loss_pct"`
		ShortfallPct float64 `json:"shortfall_pct"`
	} `json:"media"`
	Setup   quantiles `json:"setup_ms"`
	Latency *struct {
		Delay quantiles `json:"delay_ms"`
	} `json:"latency"`
	Verify *struct {
		Listeners int `json:"listeners"`
		Checks    int `json:"checks"`
		Failures  int `json:"failures"`
	} `json:"verify"`
	CPU struct {
		Cores   float64 `json:"server_cores"`
		Per1000 float64 `json:"server_cores_per_1000_calls"`
		RSSMiB  float64 `json:"server_rss_mib"`
		Others  float64 `json:"other_cores"`
	} `json:"cpu"`
}

type quantiles struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
}

// report is the summary, of one machine at one moment.
type report struct {
	When     time.Time      `json:"when"`
	Commit   string         `json:"commit"`
	Machine  string         `json:"machine"`
	Sound    *conference    `json:"sound,omitempty"`
	Echo     []conference   `json:"echo,omitempty"`
	Bridge   []conference   `json:"bridge,omitempty"`
	Register []registration `json:"register,omitempty"`
	Calls    []callRound    `json:"calls,omitempty"`
	Go       []string       `json:"go,omitempty"`
}

func (r *report) begin(root string) {
	r.When = time.Now().UTC().Truncate(time.Second)
	git := exec.Command("git", "describe", "--always", "--dirty")
	git.Dir = root
	out, _ := git.Output() // outside a clone there is no commit to tell
	r.Commit = strings.TrimSpace(string(out))
	r.Machine = fmt.Sprintf("%d cores, %s/%s%s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, cpuModel())
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, model, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return ", " + strings.TrimSpace(model)
		}
	}
	return ""
}

// cheapest is the round with the least CPU per participant.
func cheapest(rounds []conference) (best conference) {
	for i, c := range rounds {
		if i == 0 || c.CPU.Per1000 < best.CPU.Per1000 {
			best = c
		}
	}
	return best
}

// echoedPacket is the CPU time of the bare echo for a packet received and sent, in microseconds.
func (r *report) echoedPacket() float64 {
	e := cheapest(r.Echo)
	if e.RxPPS == 0 {
		return 0
	}
	return e.CPU.Cores / e.RxPPS * 1e6
}

// markdown is the summary for people.
func (r *report) markdown() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Bench of %s\n\n%s; %s. Absolute figures do not travel between machines: compare the ratios.\n", r.Commit, r.When.Format(time.RFC3339), r.Machine)
	if s := r.Sound; s != nil && s.Verify != nil {
		p("**Sound**: %d of %d parties up, %d failures in %d checks by %d listeners, loss %.3f %%.\n", s.Up, s.Calls, s.Verify.Failures, s.Verify.Checks, s.Verify.Listeners, s.Media.LossPct)
	}
	if len(r.Bridge) > 0 {
		echo, own := cheapest(r.Echo), cheapest(r.Bridge)
		p("| bridge, %d participants | cores per 1000 | ratio to bare echo | delay p50 / p95 ms | loss %% | set-up p95 ms |\n|---|---|---|---|---|---|", own.Calls)
		p("| bare echo | %.3f | 1.0 | – | %.3f | %.1f |", echo.CPU.Per1000, echo.Media.LossPct, echo.Setup.P95)
		delay := "–"
		if own.Latency != nil {
			delay = fmt.Sprintf("%.1f / %.1f", own.Latency.Delay.P50, own.Latency.Delay.P95)
		}
		p("| passerelle | %.3f | **%.2f** | %s | %.3f | %.1f |\n", own.CPU.Per1000, own.CPU.Per1000/echo.CPU.Per1000, delay, own.Media.LossPct, own.Setup.P95)
		for i := range r.Bridge {
			p("Round %d: echo %.3f, passerelle %.3f cores per 1000 (ratio %.2f); other processes used %.2f and %.2f cores.", i+1, r.Echo[i].CPU.Per1000, r.Bridge[i].CPU.Per1000,
				r.Bridge[i].CPU.Per1000/r.Echo[i].CPU.Per1000, r.Echo[i].CPU.Others, r.Bridge[i].CPU.Others)
			for _, problem := range r.Bridge[i].Problems {
				p("Problem in round %d: %s.", i+1, problem)
			}
		}
		p("")
	}
	if len(r.Register) > 0 {
		p("| registrar | CPU µs per operation | ratio to one echoed packet | operations/s | p99 ms | failed |\n|---|---|---|---|---|---|")
		for _, x := range r.Register {
			ratio := "–"
			if e := r.echoedPacket(); e > 0 {
				ratio = fmt.Sprintf("%.2f", x.cpu()/e)
			}
			p("| %s | %.1f | %s | %.0f | %.2f | %d |", x.Name, x.cpu(), ratio, x.Rate, x.Latency.P99, x.failed())
		}
		p("\nOne echoed packet of the bare echo: %.2f µs.\n", r.echoedPacket())
	}
	if len(r.Calls) > 0 {
		r.callsMarkdown(p)
	}
	if len(r.Go) > 0 {
		p("```\n%s\n```", strings.Join(r.Go, "\n"))
	}
	return b.String()
}

// write leaves summary.json and summary.md in dir and tells whether anything failed.
func (r *report) write(dir string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	md := r.markdown()
	fmt.Printf("\n%s\nwritten to %s\n", md, dir)
	err = errors.Join(os.WriteFile(filepath.Join(dir, "summary.json"), append(data, '\n'), 0o644), os.WriteFile(filepath.Join(dir, "summary.md"), []byte(md), 0o644))
	for _, c := range r.Bridge {
		if c.Up < c.Calls {
			err = errors.Join(err, fmt.Errorf("%d of %d participants were not up", c.Calls-c.Up, c.Calls))
		}
	}
	for i := range r.Calls {
		err = errors.Join(err, r.Calls[i].failed())
	}
	for _, x := range r.Register {
		if x.failed() > 0 {
			err = errors.Join(err, fmt.Errorf("%s: %d failed", x.Name, x.failed()))
		}
	}
	return err
}
