package softphone_test

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"passerelle/internal/memnet"
	"passerelle/softphone"
)

// Two phones on a network in memory: one calls the other, and hears its tone.
func ExamplePhone_Invite() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	network := memnet.New()
	alice, bob := netip.MustParseAddrPort("10.0.0.1:5060"), netip.MustParseAddrPort("10.0.0.2:5060")
	invites := make(chan *softphone.Incoming, 1)
	callee, err := softphone.Open(ctx, softphone.Config{
		User: "bob", Local: bob, Server: alice, Sockets: softphone.Memory(network),
		OnInvite: func(in *softphone.Incoming) { invites <- in },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer callee.Close()
	go func() { // ends with the answer
		call, err := (<-invites).Answer(ctx, softphone.InviteOptions{})
		if err == nil {
			call.Tone(1000)
		}
	}()

	caller, err := softphone.Open(ctx, softphone.Config{User: "alice", Local: alice, Server: bob, Sockets: softphone.Memory(network)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer caller.Close()
	call, err := caller.Invite(ctx, "bob", softphone.InviteOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("heard:", call.WaitTone(ctx, 1000, -25) == nil)
	fmt.Println("hung up:", call.Bye(ctx) == nil)
	// Output:
	// heard: true
	// hung up: true
}
