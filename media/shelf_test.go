package media

import (
	"testing"

	"passerelle/media/mediatest"
)

// The second playback of a recording finds it at the right rate, whoever plays it; others do not take its place.
func TestSoundsAreBroughtDownOnce(t *testing.T) {
	ports := loopbackPorts(t)
	a, b := newPeer(t, ports, PCMU, 700), newPeer(t, ports, PCMU, 900)
	prompt := mediatest.Tone(1000, 2000, 16000, 0, 3200)
	first, second, other := NewPlayback(prompt), NewPlayback(prompt), NewPlayback(prompt[:1600])
	a.s.Play(first)
	b.s.Play(second)
	b.s.Play(other)
	if first.sound != second.sound || first.sound == other.sound {
		t.Error("the same samples are two sounds, or others the same")
	}
	if len(first.sound.at(mixRate)) != 1600 || len(other.sound.at(mixRate)) != 800 {
		t.Error("not at the rate of the leg")
	}
	for i := range 2 * shelfLen {
		ports.sounds.shared(NewSound(make([]int16, 1+i)))
	}
	if n := len(ports.sounds.sounds); n != shelfLen {
		t.Errorf("%d sounds kept", n)
	}
}
