package admin

import (
	"net/http"
	"time"

	"passerelle/portal/stream"
)

const (
	beatEvery = 15 * time.Second // how often a silent stream shows that it lives, and asks whether it still may
	// maxWatchers is how many pages that follow may be open at once.
	maxWatchers = 64
)

// follow sends a part of a page, as look gives it, now and whenever it has changed. It ends with its reader, with the server,
// and with the session or the role that opened it.
func (p *Portal) follow(w http.ResponseWriter, r *http.Request, every time.Duration, event string, look func() (string, error)) {
	select {
	case p.watchers <- struct{}{}:
		defer func() { <-p.watchers }()
	default:
		w.Header().Set("Retry-After", "30")
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	out, err := stream.Open(w)
	if err != nil {
		return // the reader has gone
	}
	again, beat := time.NewTicker(every), time.NewTicker(beatEvery)
	defer again.Stop()
	defer beat.Stop()
	for first, last := true, ""; ; first = false {
		now, err := look()
		if err != nil {
			p.log.ErrorContext(r.Context(), "part of a page not rendered", "part", event, "err", err)
			return
		}
		if first || now != last {
			if err := out.Send(event, now); err != nil {
				return
			}
			last = now
		}
		select {
		case <-again.C:
		case <-beat.C:
			if !p.cfg.Accounts.Still(r.Context()) || out.Beat() != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-stream.Closing(r.Context()):
			return
		}
	}
}
