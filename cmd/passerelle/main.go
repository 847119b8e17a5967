// Command passerelle runs a business site's SIP registrar and B2BUA.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "unknown"

// cli is the command line; `passerelle COMMAND --help` explains each.
type cli struct {
	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Demo        demoCmd        `cmd:"" help:"Run the server with the built-in demo site on 127.0.0.1 and print what to dial."`
	Try         tryCmd         `cmd:"" help:"Prove the main job on a running server with simulated callers, or load it."`
	Import      importCmd      `cmd:"" help:"Read site files (.yaml) or users (.csv) into the store."`
	Export      exportCmd      `cmd:"" help:"Write the store as a site file."`
	CheckConfig checkConfigCmd `cmd:"" name:"check-config" help:"Report every fault of site files; change nothing."`
	Reload      reloadCmd      `cmd:"" help:"Have the running server take over changed flags and certificates; calls go on."`
	Route       routeCmd       `cmd:"" help:"Explain where a call would go."`
	OwnerLink   ownerLinkCmd   `cmd:"" name:"owner-link" help:"Print a one-time link for an owner who has lost the password."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("passerelle", version)
	return nil
}

func main() {
	ctx := untilSignal()
	parser, command, err := parseCommand(ctx, &cli{}, os.Args[1:])
	if parser == nil {
		fmt.Fprintln(os.Stderr, "passerelle:", err)
		os.Exit(1)
	}
	parser.FatalIfErrorf(err)
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "passerelle:", err)
		os.Exit(1)
	}
}

// untilSignal is done at the first signal, which asks for a drain. The second ends the process at once, as the default action
// would; it is not lost, however soon it follows the first.
func untilSignal() context.Context {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the process
		<-signals
		cancel()
		s := <-signals
		code := 1
		if n, ok := s.(syscall.Signal); ok {
			code = 128 + int(n)
		}
		os.Exit(code)
	}()
	return ctx
}
