package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/call/cdr"
	"passerelle/softphone"
)

// TestCallRecords reads the account of four calls: one that met, one that was dismissed, one refused, one cancelled by nobody.
func TestCallRecords(t *testing.T) {
	inWorld(t, func(w *world) {
		c := w.enter(w.alice(), aliceSpace)
		w.participants(1)
		time.Sleep(5 * time.Second)
		w.bye(c)
		w.settled()
		w.gone(w.invite(w.trunk(), gatewayURI, softphone.InviteOptions{}), 2*time.Minute)
		w.settled()
		w.refused(w.alice(), gatewayURI+";space=48213907753", softphone.InviteOptions{})
		w.settled()
		w.refused(w.camille(), "sip:299@paris.acme.test", softphone.InviteOptions{})
		w.settled()

		all, err := w.journal.Latest(10, nil)
		if err != nil || len(all) != 4 {
			t.Fatalf("%d records, %v; want 4", len(all), err)
		}
		met, silent, unknown, nobody := all[3], all[2], all[1], all[0]
		space, _ := w.live.Current().SpaceByID(w.live.Current().Sites()[0], aliceSpace)
		if met.User != "+33170001201" || met.Device != "alice-app" || met.Route != "gateway" || met.Number != "+33170001000" ||
			met.Space != space.Ref || met.Code != 200 || met.Ended != cdr.Peer || met.Codec == "" {
			t.Errorf("the call that met: %+v", met)
		}
		if up := met.End.Sub(met.Answer); up < 5*time.Second || up > 7*time.Second {
			t.Errorf("answered %v, ended %v", met.Answer, met.End)
		}
		if met.Received == nil || met.Received.Packets < 200 || met.Received.MOS < 4 || met.Sent == nil || met.Sent.Packets < 200 {
			t.Errorf("media: received %+v, sent %+v", met.Received, met.Sent)
		}
		if silent.Trunk != "carrier" || silent.Ended != cdr.Server || silent.Answer.IsZero() || silent.Space != "" {
			t.Errorf("the silent caller: %+v", silent)
		}
		for _, r := range []cdr.Record{unknown, nobody} {
			if r.Code != 404 || r.Ended != cdr.Server || !r.Answer.IsZero() {
				t.Errorf("the refused call: %+v", r)
			}
		}
		for _, r := range all {
			if strings.Contains(r.Number+r.Cause+r.Space, "482139") {
				t.Errorf("a space ID is in the record %+v", r)
			}
		}
	})
}

// TestMistakenSpaceIDIsNotRecorded dials space IDs in ways that the plan refuses.
func TestMistakenSpaceIDIsNotRecorded(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, uri := range []string{
			"sip:" + aliceSpace + "@paris.acme.test",
			"sip:+" + aliceSpace + "@paris.acme.test",
			"sip:space-" + aliceSpace + "%23@paris.acme.test",
			"sip:room-" + aliceSpace + "x@paris.acme.test",
			"sip:+33170001000*" + aliceSpace + "@paris.acme.test",
			"sip:+33170001000p" + aliceSpace + "@paris.acme.test",
		} {
			if got := w.refused(w.alice(), uri, softphone.InviteOptions{}); got < 400 {
				t.Errorf("got %s, want a refusal", statusError(got))
			}
		}
	})
}
