package sip

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience gives a silent trunk up, and cancels the call where the trunk speaks late.
func TestPatience(t *testing.T) {
	for _, late := range []string{"never", "180 Ringing", "200 OK", "486 Busy Here"} {
		t.Run(late, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, peer, dial := callee(t)
				start := time.Now()
				leg := dial(Outgoing{Patience: 5 * time.Second})
				invite := peer.WantRequest("INVITE")
				_, err := leg.Answered(context.Background())
				if code, _ := StatusOf(err); code != 408 || !errors.Is(err, ErrNoResponse) || time.Since(start) != 5*time.Second {
					t.Fatalf("%v after %v, want 408 after 5s", err, time.Since(start))
				}
				for range 3 {
					peer.WantRequest("INVITE") // as before
				}
				switch late {
				case "never":
				case "180 Ringing":
					peer.Answer(invite, late, "x")
					cancel := peer.WantRequest("CANCEL")
					peer.Answer(cancel, "200 OK", "x")
					peer.Answer(invite, "487 Request Terminated", "x")
					peer.WantRequest("ACK")
				case "200 OK":
					peer.Answer(invite, late, "x", "Contact: <sip:there@"+trunkAddr+">", answerBody)
					peer.WantRequest("ACK")
					peer.Answer(peer.WantRequest("BYE"), "200 OK", "x")
				default:
					peer.Answer(invite, late, "x")
					peer.WantRequest("ACK")
				}
				time.Sleep(time.Minute)
				wantLegs(t, w, 0)
			})
		})
	}
}

// TestPatienceEndsWithTheFirstAnswer lets a call ring that got a 100 in time.
func TestPatienceEndsWithTheFirstAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, peer, dial := callee(t)
		leg := dial(Outgoing{Patience: 5 * time.Second})
		invite := peer.WantRequest("INVITE")
		peer.Answer(invite, "100 Trying", "")
		time.Sleep(time.Minute)
		peer.Answer(invite, "486 Busy Here", "x")
		peer.WantRequest("ACK")
		<-leg.Done()
		if code, _ := StatusOf(leg.Cause()); code != 486 {
			t.Errorf("%v, want 486", leg.Cause())
		}
	})
}
