package main

import (
	"strings"
	"testing"
	"time"

	"passerelle/softphone"
)

// infoKeys are the keys that a call has been told by INFO.
func infoKeys(c *softphone.Call) string {
	var keys strings.Builder
	for _, m := range c.Infos() {
		_, value, _ := strings.Cut(string(m.Body), "Signal=")
		value, _, _ = strings.Cut(value, "\r\n")
		keys.WriteString(value)
	}
	return keys.String()
}

// TestKeysAcrossWays lets a phone that tells its keys by INFO only talk with a peer that takes telephone-events only: each hears the
// other's keys, all of them and in their order, whoever called, after a hold too, and while both speak.
func TestKeysAcrossWays(t *testing.T) {
	const keys = "48213907752*#11"
	for _, caller := range []string{"INFO", "RFC 4733"} {
		t.Run(caller+" calls", func(t *testing.T) {
			inWorld(t, func(w *world) {
				info, events := softphone.InviteOptions{NoEvents: true}, softphone.InviteOptions{}
				var byInfo, byEvents *softphone.Call
				if caller == "INFO" {
					byInfo, byEvents = w.pair(info, events)
				} else {
					byEvents, byInfo = w.pair(events, info)
				}
				w.types(byInfo, keys, softphone.DigitOptions{Method: softphone.InfoRelay})
				time.Sleep(5 * time.Second)
				if got := byEvents.Typed(); got != keys {
					t.Errorf("the peer with events was told %q, want %q", got, keys)
				}
				w.types(byEvents, keys, softphone.DigitOptions{})
				time.Sleep(5 * time.Second)
				if got := infoKeys(byInfo); got != keys {
					t.Errorf("the phone with INFO was told %q, want %q", got, keys)
				}
				if n := len(byEvents.Infos()); n != 0 {
					t.Errorf("%d INFO to the peer with events", n)
				}
				for _, holder := range []*softphone.Call{byInfo, byEvents} {
					if err := holder.Hold(w.t.Context(), softphone.HoldSendOnly); err != nil {
						t.Fatal(err)
					}
					if err := holder.Resume(w.t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.meet(byInfo, byEvents)
				w.types(byInfo, "95", softphone.DigitOptions{Method: softphone.InfoRelay})
				w.types(byEvents, "59", softphone.DigitOptions{})
				time.Sleep(5 * time.Second)
				if got := byEvents.Typed(); got != keys+"95" {
					t.Errorf("after a hold the peer with events was told %q", got)
				}
				if got := infoKeys(byInfo); got != keys+"59" {
					t.Errorf("after a hold the phone with INFO was told %q", got)
				}
				w.meet(byInfo, byEvents)
				w.bye(byInfo)
				w.gone(byEvents, time.Second)
			})
		})
	}
}

// TestKeysByACommonWay changes nothing of keys where both sides have a way in common.
func TestKeysByACommonWay(t *testing.T) {
	const keys = "137#"
	for _, tt := range []struct {
		name   string
		a, c   softphone.InviteOptions
		method softphone.Method
		events string
		infos  string
	}{
		{"events", softphone.InviteOptions{}, softphone.InviteOptions{}, softphone.RFC4733, keys, ""},
		{"events and INFO", softphone.InviteOptions{}, softphone.InviteOptions{}, softphone.RFC4733 | softphone.InfoRelay, keys, keys},
		{"INFO at both ends", softphone.InviteOptions{NoEvents: true}, softphone.InviteOptions{NoEvents: true}, softphone.InfoRelay, "", keys},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				a, c := w.pair(tt.a, tt.c)
				for _, pair := range [][2]*softphone.Call{{a, c}, {c, a}} {
					w.types(pair[0], keys, softphone.DigitOptions{Method: tt.method})
					time.Sleep(3 * time.Second)
					if got := pair[1].Typed(); got != tt.events {
						t.Errorf("by events %q, want %q", got, tt.events)
					}
					if got := infoKeys(pair[1]); got != tt.infos {
						t.Errorf("by INFO %q, want %q", got, tt.infos)
					}
				}
				w.bye(a)
				w.gone(c, time.Second)
			})
		})
	}
}
