package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"passerelle/softphone"
)

// loadReport is what a load test found. Times are in milliseconds.
type loadReport struct {
	Server    string          `json:"server"`
	Version   string          `json:"version"`
	Started   time.Time       `json:"started"`
	Spaces    int             `json:"spaces"`
	Parties   int             `json:"parties_per_space"`
	WindowS   float64         `json:"window_s"`
	Calls     int             `json:"calls"`
	Up        int             `json:"calls_up"`
	Failures  map[string]int  `json:"failures"`
	Total     loadFigures     `json:"total"`
	PerSpace  []loadFigures   `json:"per_space"`
	Generator generatorHealth `json:"generator"`
	Problems  []string        `json:"problems"`
}

// loadFigures are those of one space, or of all.
type loadFigures struct {
	Space    string      `json:"space,omitempty"`
	Up       int         `json:"up"`
	Checks   int         `json:"checks"` // of a listener and a tone
	NotHeard int         `json:"talkers_not_heard"`
	OwnHeard int         `json:"own_voice_heard"`
	Leaks    int         `json:"other_spaces_heard"`
	Received uint64      `json:"received"`
	Expected uint64      `json:"expected"`
	Lost     uint64      `json:"lost"`
	Late60   uint64      `json:"gaps_over_60ms"`
	GapMax   float64     `json:"longest_gap_ms"`
	Jitter   float64     `json:"worst_jitter_ms"`
	Setup    quantilesMs `json:"setup_ms"`
	Prompt   quantilesMs `json:"answer_to_prompt_ms"`
	Delay    quantilesMs `json:"one_way_delay_ms"`
	Missed   int         `json:"bursts_missed"`

	setup, prompt, delay []time.Duration
}

type generatorHealth struct {
	LateP99 float64 `json:"tick_late_p99_ms"`
	LateMax float64 `json:"tick_late_max_ms"`
	Skipped int     `json:"ticks_skipped"`
	Drops   int     `json:"own_drops"`
}

type quantilesMs struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func toQuantiles(sample []time.Duration) quantilesMs {
	q := softphone.QuantilesOf(sample)
	return quantilesMs{q.N, millis(q.P50), millis(q.P95), millis(q.P99), millis(q.Max)}
}

// report evaluates the window.
func (l *loadTest) report() *loadReport {
	r := &loadReport{
		Server: l.setup.server.String(), Version: version, Started: l.start, Spaces: l.cmd.Spaces, Parties: l.cmd.Parties,
		WindowS: l.ended.Sub(l.began).Seconds(), Calls: len(l.parties), Failures: map[string]int{}, Problems: []string{},
		Generator: generatorHealth{millis(l.health.LateP99), millis(l.health.LateMax), l.health.Skipped, l.health.Drops},
	}
	for _, p := range l.parties {
		if p.err != nil {
			r.Failures[p.err.Error()]++
		}
	}
	r.PerSpace = make([]loadFigures, l.cmd.Spaces)
	var working sync.WaitGroup
	for space := range r.PerSpace {
		working.Go(func() { r.PerSpace[space] = l.figures(space) })
	}
	working.Wait()
	for i := range r.PerSpace {
		r.Total.add(&r.PerSpace[i])
	}
	r.Up = r.Total.Up
	r.Total.finish()
	for i := range r.PerSpace {
		r.PerSpace[i].finish()
	}
	r.judge()
	return r
}

// figures evaluates one space.
func (l *loadTest) figures(space int) loadFigures {
	f := loadFigures{Space: l.setup.spaces[space].name}
	parties := l.parties[space*l.cmd.Parties : (space+1)*l.cmd.Parties]
	present := make([]bool, len(parties))
	for i, p := range parties {
		present[i] = p.err == nil
	}
	for _, p := range parties {
		if p.err == nil {
			l.count(&f, p, present)
		}
	}
	if first := parties[0]; first.err == nil {
		l.delays(&f, first, parties)
	}
	return f
}

// count adds one party to the figures of its space.
func (l *loadTest) count(f *loadFigures, p *tryParty, present []bool) {
	s := p.stats
	f.Up++
	f.Received += s.Received - s.Duplicates
	f.Expected += uint64(s.Window / (20 * time.Millisecond))
	f.Lost += s.Lost
	f.Late60 += s.Gaps60
	f.GapMax = max(f.GapMax, millis(s.LongestGap))
	f.Jitter = max(f.Jitter, millis(s.Jitter))
	f.setup = append(f.setup, p.call.Setup())
	f.prompt = append(f.prompt, p.prompt)
	tones := make([]float64, 0, len(present))
	for seat := range present {
		tones = append(tones, l.tones.hertz(p.space, seat))
	}
	tones = append(tones, l.tones.foreign(p.space)...)
	for _, heard := range p.heard {
		for i, level := range heard.Levels(tones...) {
			there := level >= l.tones.level-12
			notThere := level <= l.tones.level-20
			switch {
			case i == p.seat:
				f.Checks++
				f.OwnHeard += oneIf(!notThere)
			case i >= len(present):
				f.Checks++
				f.Leaks += oneIf(!notThere)
			case present[i]:
				f.Checks++
				f.NotHeard += oneIf(!there)
			}
		}
	}
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// delays finds the first party's bursts in what the sampled listeners heard.
func (l *loadTest) delays(f *loadFigures, talker *tryParty, parties []*tryParty) {
	until := l.ended.Add(-verifySettle - verifyFor - burstEvery)
	for _, p := range parties[1:] {
		if p.err == nil && l.listensForBursts(p) {
			heard, missed := softphone.Delays(talker.call, p.call, l.began, until)
			f.delay = append(f.delay, heard...)
			f.Missed += missed
		}
	}
}

func (f *loadFigures) add(o *loadFigures) {
	f.Up += o.Up
	f.Checks += o.Checks
	f.NotHeard += o.NotHeard
	f.OwnHeard += o.OwnHeard
	f.Leaks += o.Leaks
	f.Received += o.Received
	f.Expected += o.Expected
	f.Lost += o.Lost
	f.Late60 += o.Late60
	f.GapMax = max(f.GapMax, o.GapMax)
	f.Jitter = max(f.Jitter, o.Jitter)
	f.Missed += o.Missed
	f.setup = append(f.setup, o.setup...)
	f.prompt = append(f.prompt, o.prompt...)
	f.delay = append(f.delay, o.delay...)
}

func (f *loadFigures) finish() {
	f.Setup, f.Prompt, f.Delay = toQuantiles(f.setup), toQuantiles(f.prompt), toQuantiles(f.delay)
}

// lossPct is what is missing by sequence numbers.
func (f *loadFigures) lossPct() float64 { return percent(f.Lost, f.Received+f.Lost) }

// shortPct is what is missing of a packet every 20 ms: a server that is too slow loses nothing by sequence.
func (f *loadFigures) shortPct() float64 {
	if got := f.Received + f.Lost + 2*uint64(f.Up); got < f.Expected { // the window's edges are worth two packets
		return percent(f.Expected-got, f.Expected)
	}
	return 0
}

func percent(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// judge lists what is wrong.
func (r *loadReport) judge() {
	flag := func(bad bool, format string, args ...any) {
		if bad {
			r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
		}
	}
	t := &r.Total
	for _, cause := range slices.Sorted(maps.Keys(r.Failures)) {
		flag(true, "%d of %d calls failed: %s", r.Failures[cause], r.Calls, cause)
	}
	flag(t.NotHeard > 0, "%d times somebody did not hear another in the space", t.NotHeard)
	flag(t.OwnHeard > 0, "%d times somebody heard their own voice", t.OwnHeard)
	flag(t.Leaks > 0, "%d times somebody heard a voice of another space", t.Leaks)
	flag(t.lossPct() >= 0.1, "%.2f %% of the packets were lost", t.lossPct())
	flag(t.shortPct() >= 0.1, "%.2f %% of the packets were never sent", t.shortPct())
	flag(percent(t.Late60, t.Received) >= 0.1, "%d packets came more than 60 ms after the one before", t.Late60)
	flag(t.Missed*100 > t.Delay.N+t.Missed, "%d of %d bursts of the delay measurement were not heard", t.Missed, t.Delay.N+t.Missed)
	if r.Generator.LateP99 > 10 || r.Generator.Drops > 0 || r.Generator.Skipped > 0 {
		flag(len(r.Problems) > 0, "but this tool could not keep up (ticks %.0f ms late, %d packets dropped here): the machine may be too busy to tell",
			r.Generator.LateP99, r.Generator.Drops)
	}
}

// print writes the report as a table.
func (r *loadReport) print(w io.Writer) {
	fmt.Fprintf(w, "\n%d spaces with %d parties each on %s, %.1f s\n\n", r.Spaces, r.Parties, r.Server, r.WindowS)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "space\tup\tchecks\tnot heard\town heard\tleaks\tloss %\t> 60 ms\tlongest gap\tdelay p50\tp95\tset-up p95\tprompt p95\t")
	for _, f := range append(r.PerSpace, r.Total) {
		if f.Space == "" {
			f.Space = "all"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%.3f\t%d\t%.0f ms\t%.0f ms\t%.0f ms\t%.0f ms\t%.0f ms\t\n", f.Space, f.Up, f.Checks, f.NotHeard,
			f.OwnHeard, f.Leaks, f.lossPct(), f.Late60, f.GapMax, f.Delay.P50, f.Delay.P95, f.Setup.P95, f.Prompt.P95)
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\nDelay is from packet out to packet in: add 20 ms and the phone's buffer for mouth to ear.\n")
	fmt.Fprintf(w, "This tool's own ticks were %.1f ms late at most 99 times in 100 (worst %.1f ms), %d packets dropped here.\n\n",
		r.Generator.LateP99, r.Generator.LateMax, r.Generator.Drops)
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, "Clean: everybody heard everybody else of their space, never themselves, never another space.")
		return
	}
	fmt.Fprintln(w, strings.Join(r.Problems, "\n"))
}

// write saves the report as JSON.
func (r *loadReport) write(path string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the figures: %w", err)
	}
	return nil
}
