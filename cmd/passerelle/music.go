package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"passerelle/directory"
	"passerelle/media"
	"passerelle/portal/api"
	"passerelle/store"
)

// music keeps what callers hear whom a line holds: the server's own, and the recordings that sites have chosen. Recordings are
// read when the directory changes and never by a call.
type music struct {
	dir  string // of the recordings; empty holds none
	live *directory.Live
	log  *slog.Logger
	own  *media.Sound

	mu    sync.Mutex // one load at a time
	kept  map[string]recording
	ready atomic.Pointer[map[string]*media.Sound] // by name
}

// recording is a file as it was read.
type recording struct {
	sound   *media.Sound
	changed time.Time
	size    int64
}

func newMusic(dir string, live *directory.Live, log *slog.Logger) *music {
	return &music{dir: dir, live: live, log: log, own: media.NewSound(media.WaitingMusic()), kept: make(map[string]recording)}
}

// of is the music of a site's lines; nil is silence. A recording that cannot be read is the server's music.
func (m *music) of(site *directory.Site) *media.Sound {
	switch site.HoldMusic {
	case "":
		return m.own
	case directory.HoldSilence:
		return nil
	}
	if all := m.ready.Load(); all != nil {
		if s := (*all)[site.HoldMusic]; s != nil {
			return s
		}
	}
	return m.own
}

// load reads the recordings that sites name, those that are new or have changed.
func (m *music) load() {
	m.mu.Lock()
	defer m.mu.Unlock()
	ready, kept := make(map[string]*media.Sound), make(map[string]recording)
	for _, site := range m.live.Current().Sites() {
		name := site.HoldMusic
		if name == "" || name == directory.HoldSilence || ready[name] != nil {
			continue
		}
		r, err := m.read(name)
		if err != nil {
			m.log.Warn("hold music not read, the server's own plays", "site", site.Domain, "file", name, "err", err)
			continue
		}
		ready[name], kept[name] = r.sound, r
	}
	m.kept = kept
	m.ready.Store(&ready)
}

func (m *music) read(name string) (recording, error) {
	if m.dir == "" {
		return recording{}, fs.ErrNotExist
	}
	path := filepath.Join(m.dir, name) // the directory has made sure that it is no path
	info, err := os.Stat(path)
	if err != nil {
		return recording{}, err
	}
	if r, ok := m.kept[name]; ok && r.changed.Equal(info.ModTime()) && r.size == info.Size() {
		return r, nil
	}
	if info.Size() > api.MaxRecording {
		return recording{}, fmt.Errorf("it has %d bytes, %d are taken", info.Size(), api.MaxRecording)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return recording{}, err
	}
	pcm, err := media.ReadWAV(b)
	if err != nil {
		return recording{}, err
	}
	return recording{media.NewSound(pcm), info.ModTime(), info.Size()}, nil
}

// siteMusic changes the music of sites; it satisfies api.HoldMusic.
type siteMusic struct {
	music  *music
	config *configuration
}

var _ api.HoldMusic = siteMusic{}

// SetHoldMusic implements api.HoldMusic.
func (s siteMusic) SetHoldMusic(ctx context.Context, domain string, wav []byte) error {
	name := ""
	if wav != nil {
		if _, err := media.ReadWAV(wav); err != nil {
			return fmt.Errorf("%w: %w", api.ErrBadRecording, err)
		}
		name = strings.ToLower(domain) + ".wav"
		if err := s.music.keep(name, wav); err != nil {
			return fmt.Errorf("keep the recording: %w", err)
		}
	}
	return s.config.change(ctx, nil, func(current *directory.Enterprise) (*directory.Enterprise, error) {
		for _, site := range current.Sites {
			if strings.EqualFold(site.Domain, domain) {
				site.HoldMusic = name
				return current, nil
			}
		}
		return nil, fmt.Errorf("site %s: %w", domain, store.ErrNotFound)
	})
}

// keep writes a recording whole or not at all.
func (m *music) keep(name string, wav []byte) error {
	if m.dir == "" {
		return errors.New("there is no folder for recordings")
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(m.dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(wav)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(m.dir, name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, name) // it may have the time and the size of the one before
	return nil
}
