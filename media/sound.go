package media

import "sync"

// soundRate is the rate of prompts and tones as they are kept.
const soundRate = 16000

// Sound is a recording that many playbacks share: it is brought to the rate of a leg once.
type Sound struct {
	pcm []int16 // at soundRate

	mu sync.Mutex // held while a rate is made
	by map[int][]int16
}

// NewSound takes 16 kHz mono samples and keeps them; they must not change any more.
func NewSound(pcm []int16) *Sound {
	return &Sound{pcm: pcm, by: map[int][]int16{soundRate: pcm}}
}

// at gives the samples at a mixer's rate, nil for a rate that 16 kHz cannot be brought to.
func (s *Sound) at(rate int) []int16 {
	s.mu.Lock()
	defer s.mu.Unlock()
	pcm, ok := s.by[rate]
	if !ok {
		pcm, _ = resample(s.pcm, soundRate, rate) // an impossible rate is silence
		s.by[rate] = pcm
	}
	return pcm
}
