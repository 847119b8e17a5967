package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// HoldMusic keeps the recordings that sites play to callers whom they hold.
type HoldMusic interface {
	// SetHoldMusic makes a recording the music of a site, nil the server's own again. ErrBadRecording means that it cannot be read.
	SetHoldMusic(ctx context.Context, domain string, wav []byte) error
}

// ErrBadRecording is answered 422: what was sent is no recording that can be played.
var ErrBadRecording = errors.New("the recording cannot be read")

// MaxRecording is the most bytes of a recording: ten minutes of 16-bit stereo at 8 kHz, or less at more.
const MaxRecording = 20 << 20

// SiteMusic is what callers hear whom a line of the site holds.
type SiteMusic struct {
	Site  string `json:"site" doc:"SIP domain of the site."`
	Music string `json:"music" doc:"own is the server's music, none is silence, else the name of the site's recording." example:"own"`
}

type siteMusicOutput struct{ Body SiteMusic }

func (a *API) registerHoldMusic() {
	const path = "/sites/{domain}/hold-music"
	huma.Register(a.huma, bySite(operation(ScopeRead, "Directory", http.MethodGet, path, "get-hold-music", "Show what callers hear on hold", http.StatusNotFound)),
		func(ctx context.Context, in *SitePath) (*siteMusicOutput, error) { return a.holdMusic(ctx, in.Domain) })
	put := operation(ScopeDirectory, "Directory", http.MethodPut, path, "put-hold-music", "Replace what callers hear on hold",
		http.StatusNotFound, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity)
	put.Description = "The recording is WAV: 16-bit PCM, one or two channels, ten minutes at most. Calls that begin afterwards hear it."
	put.MaxBodyBytes = MaxRecording
	huma.Register(a.huma, bySite(put), func(ctx context.Context, in *struct {
		SitePath
		RawBody []byte `contentType:"audio/wav"`
	}) (*siteMusicOutput, error) {
		return a.setHoldMusic(ctx, in.Domain, in.RawBody)
	})
	huma.Register(a.huma, bySite(operation(ScopeDirectory, "Directory", http.MethodDelete, path, "delete-hold-music", "Let callers on hold hear the server's music again", http.StatusNotFound)),
		func(ctx context.Context, in *SitePath) (*siteMusicOutput, error) {
			return a.setHoldMusic(ctx, in.Domain, nil)
		})
}

func (a *API) setHoldMusic(ctx context.Context, domain string, wav []byte) (*siteMusicOutput, error) {
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	switch err := a.cfg.HoldMusic.SetHoldMusic(ctx, site.Domain, wav); {
	case errors.Is(err, ErrBadRecording):
		return nil, invalid("body", err.Error())
	case err != nil:
		return nil, a.fail(ctx, "set hold music", err)
	}
	a.audit(ctx, "hold music changed", "site", site.Domain, "bytes", len(wav))
	return a.holdMusic(ctx, domain)
}

func (a *API) holdMusic(ctx context.Context, domain string) (*siteMusicOutput, error) {
	site, err := a.site(ctx, domain)
	if err != nil {
		return nil, err
	}
	out := &siteMusicOutput{Body: SiteMusic{Site: site.Domain, Music: site.HoldMusic}}
	if out.Body.Music == "" {
		out.Body.Music = "own"
	}
	return out, nil
}
