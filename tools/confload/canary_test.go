package main

import (
	"testing"
	"time"
)

// canary is a goroutine that wants to run every 5 ms, as the toy mixer's do. The generator's own thread may have real-time
// priority and not notice that everything else is starved.
type canary struct {
	stop chan struct{}
	late chan int
}

func watch() *canary {
	c := &canary{stop: make(chan struct{}), late: make(chan int)}
	go func() { // ends with starved
		late, last := 0, time.Now()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-c.stop:
				c.late <- late
				return
			case now := <-tick.C:
				if now = time.Now(); now.Sub(last) > 20*time.Millisecond {
					late++
				}
				last = now
			}
		}
	}()
	return c
}

// starved stops the canary and tells whether it was kept waiting more than once in a while.
func (c *canary) starved() bool {
	close(c.stop)
	return <-c.late > 3
}

// whenQuiet runs a test of real time until the machine has left it alone, four times at most, and then skips it. run
// returns its complaint, and whether the generator itself says that it could not keep up.
func whenQuiet(t *testing.T, run func() (complaint string, limited bool)) {
	t.Helper()
	for range 4 {
		c := watch()
		complaint, limited := run()
		starved := c.starved()
		if complaint == "" {
			return
		}
		if !starved && !limited {
			t.Fatal(complaint)
		}
		t.Log("machine too busy:", complaint)
	}
	t.Skip("machine too busy")
}
