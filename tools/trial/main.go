// Command trial proves the built server from outside: what it costs (bench) and that it gives everything back (soak).
// It starts the server on a site and a data directory of its own, drives it with confload, regload and SIPp, and ends
// only what it has started. Standard library only; it shares no package with the server.
//
//	trial bench -out bin/bench
//	trial soak -for 30m
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `trial bench [flags]   cost and correctness of bridges, calls and registrar, against a bare echo of the same packets
trial soak [flags]    random callers for a while, then everything must be given back
trial line [flags]    a long line to a server, on which what two parties say may cross
trial prove [flags]   computes the response of a guest's PIN for SIPp
trial COMMAND -h explains the flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := map[string]func(context.Context, []string) error{"bench": runBench, "soak": runSoak, "line": runLine, "prove": runProve}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](ctx, os.Args[2:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		stop()
		fmt.Fprintln(os.Stderr, "trial:", err)
		os.Exit(1)
	}
}
