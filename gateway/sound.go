package gateway

import (
	"context"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/media/prompts"
)

// sound is what a bridge plays, 16 kHz mono.
type sound struct {
	tones       bool // entry and exit tones
	entry, exit []int16
	alone       []int16 // notice for a participant alone
	music       []int16 // loop after the notice; nil is silence
}

// toneEvery limits entry and exit tones: ten people who join at nine o'clock are one beep, not ten.
const toneEvery = time.Second

// entered gives the sounds of an arrival; only run calls it.
func (b *Bridge) entered(p *Participant) {
	switch in := b.seated(); len(in) {
	case 1:
		p.keepCompany()
	case 2:
		for _, other := range in {
			other.party.Hush()
		}
		fallthrough
	default:
		b.beep(b.sound.entry)
	}
}

// left gives the sounds of a departure; only run calls it.
func (b *Bridge) left() {
	in := b.seated()
	if len(in) > 0 {
		b.beep(b.sound.exit)
	}
	switch {
	case len(in) != 1:
	case b.brief && len(b.seats) == 1:
		last := in[0].party
		go func() { _ = last.Hangup(context.Background(), lastOne) }() // ends with the leg, at most 64*T1
	default:
		in[0].keepCompany()
	}
}

// keepCompany tells a participant that it is alone, then plays music if the space has any.
func (p *Participant) keepCompany() {
	p.party.Say(p.bridge.sound.alone)
	if p.bridge.sound.music != nil {
		p.party.Loop(p.bridge.sound.music)
	}
}

// beep plays a tone to everybody, unless one sounded just now.
func (b *Bridge) beep(pcm []int16) {
	if !b.sound.tones || time.Since(b.tone) < toneEvery {
		return
	}
	b.tone = time.Now()
	b.mixer.Announce(media.NewPlayback(pcm))
}

// seated are the participants that sit; a reserved seat is silent.
func (b *Bridge) seated() []*Participant {
	var in []*Participant
	for _, p := range b.seats {
		if p.party != nil {
			in = append(in, p)
		}
	}
	return in
}

// soundOf is what the bridge of a space plays, by the space's settings, in its site's language.
func soundOf(space *directory.Space) sound {
	snd := sound{tones: space.Tones, entry: media.EntryTone(), exit: media.ExitTone()}
	switch space.Alone {
	case directory.AloneMusic:
		snd.music = media.WaitingMusic()
		fallthrough
	case directory.AloneNotice:
		snd.alone = prompts.Get(string(space.Site.Language), prompts.Alone)
	case directory.AloneSilence:
	}
	return snd
}
