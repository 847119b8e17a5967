package media

import (
	"testing"
	"time"

	"passerelle/internal/memnet"
	"passerelle/media/mediatest"
)

// FuzzDatagrams sends a session anything at all: it neither panics nor stops to serve its peer.
func FuzzDatagrams(f *testing.F) {
	head := func(first, pt byte, rest ...byte) []byte {
		return append([]byte{12 + byte(len(rest)), first, pt, 0, 9, 0, 0, 1, 0, 0, 0, 0, 7}, rest...)
	}
	f.Add(append(head(0x80, 0, 1, 2, 3), head(0x80, 101, 5, 0x8a, 3, 32)...))
	f.Add(append(head(0xa0, 13, 60, 1), head(0x90, 8, 0, 0, 0, 1)...))
	f.Add([]byte{8, 0x81, 200, 0, 1, 0, 0, 0, 7, 3, 0x80, 201, 0})
	f.Fuzz(func(t *testing.T, script []byte) {
		n := memnet.New()
		ports := memPorts(t, n, 2)
		l := newMemLeg(t, n, ports, "198.51.100.20:4000", PCMU, 700)
		l.s.OnDigit(func(Digit) {})
		b := newMemBridge(t, MixerConfig{Isolated: true}, l)
		for len(script) > 0 { // a length, and then as many bytes of a datagram
			size := min(int(script[0]), len(script)-1)
			if _, err := l.conn.WriteToUDPAddrPort(script[1:1+size], l.s.pair.rtp.LocalAddrPort()); err != nil {
				t.Fatal(err)
			}
			if size%3 == 0 {
				b.step(nil)
			}
			script = script[1+size:]
		}
		if err := b.m.detach(l.s); err != nil {
			t.Fatal(err)
		}
		after := newMemBridge(t, MixerConfig{}, l)
		l.s.Play(NewPlayback(mediatest.Tone(1500, toneAmp, 16000, 0, 32000)))
		l.forget()
		after.run(1200 * time.Millisecond)
		if db := l.level(1500, time.Second); db < mediatest.HeardDB {
			t.Fatalf("served at %.1f dB after all that", db)
		}
		if !l.s.State().Talking {
			t.Fatal("not heard after all that")
		}
	})
}

// A flood is read within bounds, counted, and does not keep others from being served.
func TestFlood(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	evil := b.legs[0]
	b.run(time.Second)
	for range 60 {
		b.step(func(l *memLeg) {
			l.talk()
			if l == evil {
				for range 300 {
					l.seq, l.ts = l.seq-3, l.ts+1
					l.talk()
				}
			}
		})
	}
	for i, l := range b.legs[1:] {
		if db := l.level(b.legs[2-i].tone, time.Second); db < mediatest.HeardDB {
			t.Errorf("a leg beside a flood is heard at %.1f dB", db)
		}
	}
}

// Digits of a leg on hold are told: a held phone may still steer.
func TestDigitsOnHold(t *testing.T) {
	b := memTrio(t, MixerConfig{})
	l := b.legs[0]
	keys := 0
	l.s.OnDigit(func(Digit) { keys++ })
	l.offer(l.conn.LocalAddrPort(), "a=sendonly")
	b.step(func(o *memLeg) {
		if o == l {
			l.send(101, []byte{5, 0x8a, 3, 32})
		}
	})
	if keys != 1 {
		t.Errorf("%d digits told", keys)
	}
}
