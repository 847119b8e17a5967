package main

import (
	"bufio"
	"context"
	"crypto/md5"
	"errors"
	"flag"
	"fmt"
	"net"
	"strings"
)

// runProve computes what a phone does with a guest's PIN, which SIPp cannot: the response MD5(nonce:PIN) of Guest In. It is the
// other end of SIPp's -3pcc: a command with the lines Call-ID and Nonce is answered by one with Call-ID and Response; each ends
// with the byte 27. It runs until it is ended.
func runProve(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("trial prove", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:0", "TCP address")
	pin := flags.String("pin", "", "PIN of every guest")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { l.Close() })
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		stop := context.AfterFunc(ctx, func() { c.Close() })
		go func() { // ends with SIPp
			defer stop()
			defer c.Close()
			proveAll(c, *pin)
		}()
	}
}

// endOfCommand ends a command of SIPp's -3pcc.
const endOfCommand = 27

func proveAll(c net.Conn, pin string) {
	r := bufio.NewReader(c)
	for {
		command, err := r.ReadString(endOfCommand)
		if err != nil {
			return
		}
		var call, nonce string
		for line := range strings.Lines(strings.TrimSuffix(command, string(rune(endOfCommand)))) {
			switch name, value, _ := strings.Cut(line, ":"); strings.ToLower(strings.TrimSpace(name)) {
			case "call-id":
				call = strings.TrimSpace(value)
			case "nonce":
				nonce = strings.TrimSpace(value)
			}
		}
		if _, err := fmt.Fprintf(c, "Call-ID: %s\r\nResponse: %x\r\n\r\n%c", call, md5.Sum([]byte(nonce+":"+pin)), endOfCommand); err != nil {
			return
		}
	}
}
