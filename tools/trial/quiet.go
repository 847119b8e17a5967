package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// awaitQuiet waits, for the limit at most, until the machine has had a calm second: three quarters of it idle. What is
// measured beside other work says little.
func awaitQuiet(ctx context.Context, limit time.Duration) {
	told := false
	for end := time.Now().Add(limit); ctx.Err() == nil; {
		idle, total := cpuTimes()
		time.Sleep(time.Second)
		idle2, total2 := cpuTimes()
		if total2 == total || float64(idle2-idle) > 0.75*float64(total2-total) {
			return
		}
		if time.Now().After(end) {
			fmt.Println("measuring although the machine is not quiet")
			return
		}
		if !told {
			fmt.Printf("waiting until the machine is quiet, %v at most\n", limit)
			told = true
		}
	}
}

// cpuTimes are the idle and all ticks of the machine since it started.
func cpuTimes() (idle, total uint64) {
	b, _ := os.ReadFile("/proc/stat") // absent: no ticks, which counts as quiet
	line, _, _ := strings.Cut(string(b), "\n")
	for i, field := range strings.Fields(line) {
		var ticks uint64
		if _, err := fmt.Sscan(field, &ticks); err != nil || i > 8 { // the guests' time is in user already
			continue
		}
		total += ticks
		if i == 4 {
			idle = ticks
		}
	}
	return idle, total
}
