package party

import "passerelle/media"

// Say speaks pcm (16 kHz mono) to the party alone, after what was said before. The channel is closed when it has been
// spoken or was hushed, or the session has closed. Wait for Ready before the first prompt.
func (p *Party) Say(pcm []int16) <-chan struct{} {
	play := media.NewPlayback(pcm)
	p.session.Play(play)
	return play.Done()
}

// Loop plays pcm (16 kHz mono) to the party alone, over and over, until Hush.
func (p *Party) Loop(pcm []int16) {
	play := media.NewPlayback(pcm)
	play.Loop = true
	p.session.Play(play)
}

// Hush stops what is being said and drops what waits.
func (p *Party) Hush() { p.session.StopPlayback() }
