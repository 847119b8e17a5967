// Package prompts is the speech of the server in French and English: what is said, how it is recorded, and the sound
// itself, 16 kHz mono, embedded in the binary.
//
// The sentences stand in texts.fr.txt and texts.en.txt, one per line. `go generate` speaks them with pico2wave (Debian:
// libttspico-utils), trims the silence, brings the speech to -16 dBFS and puts 200 ms of silence in front, so that a
// path that opens late does not cut the first word. The recordings in audio/ are committed; the build needs no tool.
package prompts

//go:generate go run make.go
