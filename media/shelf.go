package media

import "sync"

// soundShelf keeps the recordings that sessions play again and again, such as prompts, at the rate of the legs: to bring
// five seconds down to 8 kHz takes as long as the signalling of a short call. Recordings are told by where their samples
// stand, which a caller of NewPlayback must not change.
type soundShelf struct {
	mu     sync.Mutex // guards sounds
	sounds map[soundKey]*Sound
}

type soundKey struct {
	first *int16
	n     int
}

// shelfLen bounds what is kept; a server has some thirty prompts, in two languages.
const shelfLen = 128

// shared gives the sound that has been played before with the same samples, or keeps s for the next time.
func (h *soundShelf) shared(s *Sound) *Sound {
	if len(s.pcm) == 0 {
		return s
	}
	key := soundKey{&s.pcm[0], len(s.pcm)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.sounds[key]; known != nil {
		return known
	}
	if h.sounds == nil {
		h.sounds = make(map[soundKey]*Sound)
	}
	if len(h.sounds) >= shelfLen {
		for k := range h.sounds { // any one
			delete(h.sounds, k)
			break
		}
	}
	h.sounds[key] = s
	return s
}
