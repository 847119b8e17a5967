package sources

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"passerelle/directory"
)

// Load puts the kept list in use.
func (s *Sources) Load(ctx context.Context) error {
	_, err := s.use(ctx)
	return err
}

// use puts the list as it is kept in use.
func (s *Sources) use(ctx context.Context) ([]directory.AllowedSource, error) {
	all, err := s.cfg.Store.AllowedSources(ctx)
	if err != nil {
		return nil, err
	}
	ranges := make([]netip.Prefix, 0, len(all))
	for _, a := range all {
		ranges = append(ranges, a.Range)
	}
	s.cfg.Guard.Allow(ranges)
	s.cfg.SignIns.Allow(ranges)
	return all, nil
}

// Allowed gives the ranges that are never blocked.
func (s *Sources) Allowed(ctx context.Context) ([]directory.AllowedSource, error) {
	return s.cfg.Store.AllowedSources(ctx)
}

// Allow keeps a range from ever being blocked, after a restart too, and lets it in if it is blocked now. The error is
// directory.ErrBadRange, directory.ErrTooManyRanges, or the store's.
func (s *Sources) Allow(ctx context.Context, source, note, by string) (directory.AllowedSource, error) {
	p, err := directory.ParseRange(strings.TrimSpace(source))
	if err != nil {
		return directory.AllowedSource{}, fmt.Errorf("allow a source: %w", err)
	}
	a := directory.AllowedSource{Range: p, Note: clean(note), By: by, At: time.Now().UTC()}
	if err := s.cfg.Store.AllowSource(ctx, a); err != nil {
		return a, err
	}
	if _, err := s.use(context.WithoutCancel(ctx)); err != nil {
		return a, err
	}
	for _, b := range s.Blocked() {
		if b.Source.IsValid() && p.Bits() <= b.Source.Bits() && p.Contains(b.Source.Addr()) {
			b.lift()
		}
	}
	return a, nil
}

// Disallow takes a range off the list and says whether it was there.
func (s *Sources) Disallow(ctx context.Context, source string) (bool, error) {
	p, err := directory.ParseRange(strings.TrimSpace(source))
	if err != nil {
		return false, nil
	}
	was, err := s.cfg.Store.DisallowSource(ctx, p)
	if err == nil {
		_, err = s.use(context.WithoutCancel(ctx))
	}
	return was, err
}

// clean makes one line of bounded length of a note.
func clean(note string) string {
	note = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.TrimSpace(note))
	for len(note) > directory.MaxAllowedNote {
		runes := []rune(note)
		note = string(slices.Delete(runes, len(runes)-1, len(runes)))
	}
	return note
}
